"""Service levels as rows, in versions that never change once they are published, and as the process remembers them."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Q

from community.receivers import local_day
from tickets import service_level
from tickets.models.category import COMPLEX, DisposalClass, ResponseClass
from tickets.service_level import BadServiceLevel, ServiceLevel
from tickets.states import ClockName
from tickets.windows import Window
from web.words import bilingual
from workflow.calendar import Budget
from workflow.calendars import NoCalendar
from workflow.errors import NotReady
from workflow.ladder import Rung, span
from workflow.versions import LocalVersion, Part, Remembered

C = ClockName


class NoServiceLevel(NotReady, LookupError):
    """No version of the service level is in effect, or there is none of that number."""

    code, reason = NoCalendar.code, NoCalendar.reason


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


def _limit(name: str, label: Any, help_text: Any) -> "models.PositiveSmallIntegerField[int, int]":
    """The column of one of `service_level.Limits`."""
    usual, (least, most) = getattr(service_level.Limits(), name), service_level.BOUNDS[name]
    return models.PositiveSmallIntegerField(
        label,
        default=usual,
        db_default=usual,
        validators=[MinValueValidator(least), MaxValueValidator(most)],
        help_text=help_text,
    )


class ServiceLevelVersion(LocalVersion):
    """One version of a street's targets, windows and ladders. A change never moves a clock that runs."""

    PARTS = ("windows", "targets", "rungs")

    rework = models.PositiveSmallIntegerField(
        bilingual("重办提级次数", "reworks until raised"),
        default=2,
        # Those from before there was such a number raise nothing.
        db_default=0,
        validators=[MaxValueValidator(9)],
        help_text=bilingual(
            "第几次重新办理起提高一级；0 表示不提级。",
            "From which time on that the work is to be done again the level is raised; 0 for never.",
        ),
    )
    # A version from before there was a limit has it as the database gives it.
    extensions = _limit(
        "extensions",
        bilingual("延期次数上限", "extensions"),
        bilingual(
            "同一承办单位在一件工单上最多延期几次；累计不超过该类别自身的时限。",
            "How often one organisation may be given more time on a ticket; together never more than its class's own budget.",
        ),
    )
    contact_attempts = _limit(
        "contact_attempts",
        bilingual("联系未果次数", "calls in vain"),
        bilingual("未接通几次后视为已先行联系。", "After how many calls in vain the first contact counts as made."),
    )
    questions = _limit(
        "questions",
        bilingual("补充提问次数上限", "questions"),
        bilingual(
            "每件工单最多请诉求人补充几次；0 表示不得提问。",
            "How often the resident of one ticket may be asked for what is missing; 0 for never.",
        ),
    )
    urges = _limit(
        "urges",
        bilingual("催单次数上限", "urges"),
        bilingual("每人对一件工单最多催几次。", "How often one person may urge a ticket."),
    )
    comments = _limit(
        "comments",
        bilingual("留言次数上限", "comments"),
        bilingual("每人对一件工单最多留言几次。", "How often one person may comment on a ticket."),
    )
    comments_a_day = _limit(
        "comments_a_day",
        bilingual("每日留言次数上限", "comments a day"),
        bilingual("每人每天对一件工单最多留言几次。", "How often one person may comment on a ticket in one day."),
    )

    class Meta(LocalVersion.Meta):
        verbose_name = bilingual("时限标准版本", "service level version")
        verbose_name_plural = bilingual("时限标准版本", "service level versions")

    def copy_as_draft(self, **changed: Any) -> Self:
        """As of any version; a version that was published before there were windows gets those of this release."""
        with transaction.atomic():
            draft = super().copy_as_draft(**changed)
            if not ServiceWindow.objects.filter(version=draft).exists():
                windows, draft.rework = service_level.read_windows(service_level.FILE)
                draft.save()
                put_windows(draft, windows)
            return draft

    def assembled(self, on: date | None = None, *, complete: bool = False) -> ServiceLevel:
        """What the version says on a day; without one, for good. Raises BadServiceLevel, for what is missing where `complete`."""
        parts: Any = self
        return service_level.assemble(
            self.number,
            self.source,
            [row.target() for row in parts.targets.all()],
            [(row.clock, row.rung()) for row in parts.rungs.order_by("clock", "position")],
            windows=[row.target() for row in parts.windows.all()],
            rework=self.rework,
            limits=service_level.Limits(**{name: getattr(self, name) for name in service_level.BOUNDS}),
            on=on,
            complete=complete,
        )

    def editions(self, *, complete: bool = False) -> tuple[tuple[date, ServiceLevel], ...]:
        """What the version says from when on, as its rows begin and end while it is in effect. Raises BadServiceLevel, for what is
        missing where `complete`.
        """
        parts: Any = self
        first = local_day(self.effective_from) if self.effective_from else date.min
        days = {first}
        for rows in (parts.targets, parts.windows):
            for starts_on, ends_on in rows.values_list("starts_on", "ends_on"):
                days |= {starts_on or first}
                if ends_on and ends_on < date.max:
                    days |= {ends_on + timedelta(days=1)}
        return tuple((day, self.assembled(day, complete=complete)) for day in sorted(days) if day >= first)

    def check_whole(self) -> None:
        """Raise ValidationError where a target, window or rung does not fit, or one is missing at any time."""
        super().check_whole()
        try:
            editions = self.editions(complete=True)
        except BadServiceLevel as problem:
            raise ValidationError(str(problem), code="bad_service_level") from problem
        # A complex fault has the time of an ordinary one where it has none of its own.
        needed = [(C.HANDLE, one.value) for one in DisposalClass if one not in COMPLEX.values()]
        needed += [(clock, one.value) for clock in (C.SIGN, C.CONTACT) for one in ResponseClass]
        for day, level in editions:
            if missing := [f"{clock} {key}" for clock, key in needed if level.budget(clock, key) is None]:
                words = bilingual(
                    f"自{day}起缺少时限：{'、'.join(missing)}",
                    f"From {day} on there is no target for: {', '.join(missing)}",
                )
                raise ValidationError(words, code="target_missing")


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


class ServiceTarget(DatedBudget):
    """How long one clock runs, for all tickets or for those of one class, under all contracts or those of one service level."""

    version = models.ForeignKey(
        ServiceLevelVersion, models.CASCADE, related_name="targets", verbose_name=bilingual("版本", "version")
    )
    clock = models.CharField(bilingual("时限", "clock"), max_length=12, choices=ClockName)
    key = models.CharField(
        bilingual("类别", "class"),
        max_length=8,
        blank=True,
        default="",
        help_text=bilingual(
            "办结或响应时限类别，或 urgent；不填表示全部。", "A disposal or response class, or urgent; empty for all."
        ),
    )
    standard = models.PositiveSmallIntegerField(
        bilingual("服务等级", "service level"),
        default=0,
        validators=[MaxValueValidator(3)],
        help_text=bilingual("DB11/T 751-2025 的一至三级；0 表示不限。", "1 to 3 of DB11/T 751-2025; 0 for any."),
    )

    class Meta:
        verbose_name = bilingual("时限", "target")
        verbose_name_plural = bilingual("时限", "targets")
        ordering = ["version", "clock", "standard", "key"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "clock", "key", "standard", "starts_on"],
                nulls_distinct=False,
                name="servicetarget_once",
            ),
            models.CheckConstraint(condition=Q(clock__in=ClockName.values), name="servicetarget_clock_known"),
            models.CheckConstraint(condition=Q(standard__lte=3), name="servicetarget_standard_known"),
        ]

    def __str__(self) -> str:
        return " ".join(filter(None, (self.get_clock_display(), self.key, self.budget)))

    def target(self) -> service_level.Target:
        """What the row says."""
        return service_level.Target(
            self.clock, self.key, self.standard, self.budget, self.source, self.starts_on, self.ends_on
        )


class ServiceWindow(DatedBudget):
    """Within which time something may still be done, with all tickets or those of one class."""

    version = models.ForeignKey(
        ServiceLevelVersion, models.CASCADE, related_name="windows", verbose_name=bilingual("版本", "version")
    )
    name = models.CharField(
        bilingual("事项", "what"),
        max_length=12,
        choices=[
            (Window.RETURN.value, bilingual("申请退回", "ask for a return")),
            (Window.REOPENING.value, bilingual("重新办理", "reopen")),
            (Window.URGING.value, bilingual("再次催单", "urge again")),
        ],
    )
    key = models.CharField(
        bilingual("类别", "class"),
        max_length=8,
        blank=True,
        default="",
        help_text=bilingual("办结时限类别；不填表示全部。", "A disposal class; empty for all."),
    )

    class Meta:
        verbose_name = bilingual("窗口期", "window")
        verbose_name_plural = bilingual("窗口期", "windows")
        ordering = ["version", "name", "key"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "name", "key", "starts_on"], nulls_distinct=False, name="servicewindow_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name}:{self.key} {self.budget}"

    def target(self) -> service_level.Target:
        """What the row says."""
        return service_level.Target(self.name, self.key, 0, self.budget, self.source, self.starts_on, self.ends_on)


class ServiceRung(Part):
    """One step of a clock's ladder: when, what happens, and who is told."""

    version = models.ForeignKey(
        ServiceLevelVersion, models.CASCADE, related_name="rungs", verbose_name=bilingual("版本", "version")
    )
    clock = models.CharField(bilingual("时限", "clock"), max_length=12, choices=ClockName)
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
        verbose_name = bilingual("阶梯", "rung")
        verbose_name_plural = bilingual("阶梯", "rungs")
        ordering = ["version", "clock", "position"]
        constraints = [
            models.UniqueConstraint(fields=["version", "clock", "position"], name="servicerung_position"),
            models.UniqueConstraint(fields=["version", "clock", "code"], name="servicerung_code"),
            models.CheckConstraint(condition=Q(clock__in=ClockName.values), name="servicerung_clock_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_clock_display()} {self.code}"

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


_levels: dict[int, tuple[ServiceLevel, list[tuple[datetime, ServiceLevel]]]] = {}
"""What each version says at first, and what it says later with the moment from which it does, the last one first."""
_versions = Remembered(lambda: ServiceLevelVersion, needed=True)
_instead: ContextVar[ServiceLevel | None] = ContextVar("service_level_instead", default=None)


def forget() -> None:
    """Forget everything remembered: for the process that has just published, and between tests."""
    _levels.clear()
    _versions.forget()


@contextmanager
def instead(level: ServiceLevel) -> Iterator[None]:
    """Let `level`, which no row holds, be the one in effect inside: what would have happened under it."""
    token = _instead.set(level)
    try:
        yield
    finally:
        _instead.reset(token)


def in_effect(at: datetime, street: uuid.UUID | None = None) -> ServiceLevel:
    """The service level in effect at `at` in a street, its own or else everybody's. Raises NoServiceLevel."""
    if (other := _instead.get()) is not None:
        return other
    number = _versions.number(at, street)
    if number is None:
        raise NoServiceLevel(f"No service level is in effect at {at}: run `manage.py load_reference`.")
    return level(number, at)


def level(number: int, at: datetime | None = None) -> ServiceLevel:
    """The service level of one published version as it is at `at`; without a moment, as it is in the end. Raises NoServiceLevel."""
    if (other := _instead.get()) is not None and other.number == number:
        return other
    kept = _levels.get(number)
    if kept is None:
        version = ServiceLevelVersion.objects.exclude(published_at=None).filter(number=number).first()
        if version is None:
            raise NoServiceLevel(f"There is no published service level {number}.")
        (_, at_first), *others = version.editions()
        _levels[number] = kept = at_first, [(_begins(day), edition) for day, edition in reversed(others)]
    first, later = kept
    return next((edition for since, edition in later if at is None or since <= at), first)


def _begins(day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(settings.TIME_ZONE)).astimezone(UTC)


def put(draft: ServiceLevelVersion, targets: list[service_level.Target], rungs: list[tuple[str, Rung]]) -> None:
    """Let an empty draft hold these targets and rungs."""
    ServiceTarget.objects.bulk_create(
        [
            ServiceTarget(
                version=draft,
                clock=one.clock,
                key=one.key,
                standard=one.standard,
                budget=one.budget,
                source=one.source,
                starts_on=one.starts_on,
                ends_on=one.ends_on,
            )
            for one in targets
        ]
    )
    rows = []
    for position, (clock, one) in enumerate(rungs, start=1):
        row = ServiceRung(version=draft, clock=clock, position=position, code=one.code, share=one.share)
        row.after = _written(one.after)
        row.every = _written(one.every)
        row.effects, row.audience = " ".join(one.effects), " ".join(one.audience)
        rows.append(row)
    ServiceRung.objects.bulk_create(rows)


def put_windows(draft: ServiceLevelVersion, windows: list[service_level.Target]) -> None:
    """Let a draft without windows hold these."""
    ServiceWindow.objects.bulk_create(
        [
            ServiceWindow(
                version=draft,
                name=one.clock,
                key=one.key,
                budget=one.budget,
                source=one.source,
                starts_on=one.starts_on,
                ends_on=one.ends_on,
            )
            for one in windows
        ]
    )


def _written(offset: Any) -> str:
    return "" if offset is None else f"{int(offset.total_seconds() // 60)}m"


def load(*, at: datetime, effective_from: datetime) -> ServiceLevelVersion | None:
    """Publish the service level of this release where there is none; None where there is one. Raises BadServiceLevel."""
    if ServiceLevelVersion.objects.exclude(published_at=None).exists():
        return None
    source, targets, rungs = service_level.read(service_level.FILE)
    with transaction.atomic():
        windows, rework = service_level.read_windows(service_level.FILE)
        limits = service_level.read_limits(service_level.FILE)
        draft = ServiceLevelVersion.draft(source=source, rework=rework, **asdict(limits))
        put(draft, targets, rungs)
        put_windows(draft, windows)
        draft.publish(at=at, effective_from=effective_from)
    transaction.on_commit(forget)
    return draft
