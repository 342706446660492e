"""Service levels as rows, in versions that never change once they are published. The concrete classes are their kind's own."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from web.words import bilingual
from workflow import service_level
from workflow.calendar import Budget
from workflow.ladder import Ladder, Rung, span
from workflow.service_level import BadServiceLevel, ServiceLevel, Targets, Vocabulary, Windows
from workflow.versions import LocalVersion, Part


def valid_budget(text: str) -> None:
    """Raises ValidationError where `text` is no budget such as 24h, 7d or 5wd."""
    try:
        Budget.parse(text)
    except ValueError as problem:
        raise ValidationError(
            bilingual("期限须写成 30m、24h、4wh、7d 或 5wd 的形式。", "Write a budget as 30m, 24h, 4wh, 7d or 5wd."),
            code="bad_budget",
        ) from problem


def valid_span(text: str) -> None:
    """Raises ValidationError where `text` is no offset such as 30m, 24h or 3d."""
    try:
        span(text)
    except ValueError as problem:
        raise ValidationError(
            bilingual("须写成 30m、24h 或 3d 的形式。", "Write it as 30m, 24h or 3d."), code="bad_span"
        ) from problem


class LevelVersion(LocalVersion):
    """One version of a street's targets and ladders. A change never moves a clock that runs."""

    PARTS: ClassVar[tuple[str, ...]] = ("targets", "rungs")
    VOCABULARY: ClassVar[Vocabulary]

    class Meta(LocalVersion.Meta):
        abstract = True

    def assembled(self, on: date | None = None, *, complete: bool = True) -> ServiceLevel:
        """What the version says on a day; without one, for good. Raises BadServiceLevel, for what is missing where `complete`."""
        parts: Any = self
        windows = parts.windows.all() if "windows" in self.PARTS else ()
        return service_level.assemble(
            self.level,
            self.VOCABULARY,
            self.number,
            self.source,
            [row.target() for row in parts.targets.all()],
            [(row.clock, row.rung()) for row in parts.rungs.order_by("clock", "position")],
            windows=[row.target() for row in windows],
            on=on,
            complete=complete,
        )

    def level(
        self, number: int, source: str, targets: Targets, ladders: Mapping[str, Ladder], windows: Windows
    ) -> ServiceLevel:
        """The service level of its parts, with what the version says besides."""
        return ServiceLevel(number, source, targets, ladders, windows)

    def editions(self, *, complete: bool = True) -> tuple[tuple[date, ServiceLevel], ...]:
        """What the version says from when on, as its rows begin and end while it is in effect. Raises BadServiceLevel, for what is
        missing where `complete`.
        """
        zone = ZoneInfo(settings.TIME_ZONE)
        first = self.effective_from.astimezone(zone).date() if self.effective_from else date.min
        days = {first}
        for name in self.PARTS:
            if not issubclass(getattr(self, name).model, DatedBudget):
                continue
            for starts_on, ends_on in getattr(self, name).values_list("starts_on", "ends_on"):
                days |= {starts_on or first}
                if ends_on and ends_on < date.max:
                    days |= {ends_on + timedelta(days=1)}
        return tuple((day, self.assembled(day, complete=complete)) for day in sorted(days) if day >= first)

    def check_whole(self) -> None:
        """Raise ValidationError where a target, window or rung does not fit, or one is missing at any time."""
        super().check_whole()
        try:
            for day, level in self.editions():
                self.check_edition(day, level)
        except BadServiceLevel as problem:
            raise ValidationError(str(problem), code="bad_service_level") from problem

    def check_edition(self, day: date, level: object) -> None:
        """Raise ValidationError where the kind misses something in what the version says from `day` on."""


class DatedBudget(Part):
    """A budget with its source, and the days from and to which it counts while its version is in effect."""

    budget = models.CharField(bilingual("期限", "budget"), max_length=32, validators=[valid_budget])
    source = models.CharField(bilingual("依据", "source"), max_length=200, blank=True, default="", db_default="")
    starts_on = models.DateField(bilingual("起始日期", "first day"), null=True, blank=True)
    ends_on = models.DateField(bilingual("截止日期", "last day"), null=True, blank=True)

    class Meta:
        abstract = True

    def clean(self) -> None:
        """Raises ValidationError where it ends before it starts."""
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise ValidationError(
                {"ends_on": bilingual("截止日期早于起始日期。", "It ends before it starts.")}, code="dates_out_of_order"
            )


class ClockTarget(DatedBudget):
    """How long one clock runs, for all subjects or for those of one class."""

    clock = models.CharField(bilingual("时限", "clock"), max_length=12)
    key = models.CharField(bilingual("类别", "class"), max_length=8, blank=True, default="")
    standard = 0
    """The service level of a contract, where the kind has such a column; 0 for any."""

    class Meta:
        abstract = True

    def target(self) -> service_level.Target:
        """What the row says."""
        return service_level.Target(
            self.clock, self.key, self.standard, self.budget, self.source, self.starts_on, self.ends_on
        )


class ClockRung(Part):
    """One step of a clock's ladder: when, what happens, and who is told."""

    clock = models.CharField(bilingual("时限", "clock"), max_length=12)
    position = models.PositiveSmallIntegerField(bilingual("顺序", "position"))
    code = models.CharField(bilingual("代码", "code"), max_length=12)
    share = models.PositiveSmallIntegerField(
        bilingual("时限百分比", "share of the budget"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
    )
    after = models.CharField(
        bilingual("到期后", "after the due moment"), max_length=8, blank=True, default="", validators=[valid_span]
    )
    every = models.CharField(
        bilingual("重复间隔", "and again every"), max_length=8, blank=True, default="", validators=[valid_span]
    )
    effects = models.CharField(
        bilingual("动作", "effects"),
        max_length=80,
        help_text=bilingual("依次尝试，空格分隔。", "Tried in order, with spaces between them."),
    )
    audience = models.CharField(bilingual("告知", "audience"), max_length=80, blank=True, default="")

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(fields=["version", "clock", "position"], name="%(class)s_position"),
            models.UniqueConstraint(fields=["version", "clock", "code"], name="%(class)s_code"),
        ]

    def clean(self) -> None:
        """Raises ValidationError where the row is no rung."""
        try:
            self.rung()
        except ValueError as problem:
            raise ValidationError(str(problem), code="bad_rung") from problem

    def rung(self) -> Rung:
        """What the row says. Raises ValueError."""
        return service_level.rung(
            self.code, self.effects, self.audience, self.share, self.after or None, self.every or None
        )


def put(draft: Any, targets: Iterable[service_level.Target], rungs: Iterable[tuple[str, Rung]]) -> None:
    """Let an empty draft hold these targets and rungs."""
    targets = list(targets)
    rows: list[Any] = [draft.targets.model(version=draft, clock=one.clock, **_columns(one)) for one in targets]
    for row, one in zip(rows, targets, strict=True):
        row.standard = one.standard
    draft.targets.model.objects.bulk_create(rows)
    draft.rungs.model.objects.bulk_create(
        draft.rungs.model(
            version=draft,
            clock=clock,
            position=position,
            code=one.code,
            share=one.share,
            after=_written(one.after),
            every=_written(one.every),
            effects=" ".join(one.effects),
            audience=" ".join(one.audience),
        )
        for position, (clock, one) in enumerate(rungs, start=1)
    )


def put_windows(draft: Any, windows: Iterable[service_level.Target]) -> None:
    """Let a draft without windows hold these."""
    model = draft.windows.model
    model.objects.bulk_create(model(version=draft, name=one.clock, **_columns(one)) for one in windows)


def _columns(one: service_level.Target) -> dict[str, object]:
    return {name: getattr(one, name) for name in ("key", "budget", "source", "starts_on", "ends_on")}


def _written(offset: timedelta | None) -> str:
    return "" if offset is None else f"{int(offset.total_seconds() // 60)}m"
