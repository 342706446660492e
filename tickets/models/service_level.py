"""Service levels as rows, in versions that never change once they are published, and as the process remembers them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Q

from tickets import service_level
from tickets.models.category import DisposalClass, ResponseClass
from tickets.service_level import BadServiceLevel, ServiceLevel
from tickets.states import ClockName
from web.words import bilingual
from workflow.calendar import Budget
from workflow.ladder import Rung, span
from workflow.versions import Part, Version

C = ClockName
REREAD_SECONDS = 5.0


class NoServiceLevel(LookupError):
    """No version of the service level is in effect, or there is none of that number."""


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


class ServiceLevelVersion(Version):
    """One version of the street's targets and ladders. A change never moves a clock that runs."""

    PARTS = ("targets", "rungs")

    class Meta(Version.Meta):
        verbose_name = bilingual("时限标准版本", "service level version")
        verbose_name_plural = bilingual("时限标准版本", "service level versions")

    def assembled(self) -> ServiceLevel:
        """What the version says. Raises BadServiceLevel."""
        targets: Any = self.targets
        rungs: Any = self.rungs
        return service_level.assemble(
            self.number,
            self.source,
            [service_level.Target(row.clock, row.key, row.standard, row.budget) for row in targets.all()],
            [(row.clock, row.rung()) for row in rungs.order_by("clock", "position")],
        )

    def check_whole(self) -> None:
        """Raise ValidationError where a target or rung does not fit, or one is missing."""
        super().check_whole()
        try:
            level = self.assembled()
        except BadServiceLevel as problem:
            raise ValidationError(str(problem), code="bad_service_level") from problem
        needed = [(C.HANDLE, one.value) for one in DisposalClass]
        needed += [(clock, one.value) for clock in (C.SIGN, C.CONTACT) for one in ResponseClass]
        if missing := [f"{clock} {key}" for clock, key in needed if level.budget(clock, key) is None]:
            words = bilingual(f"缺少时限：{'、'.join(missing)}", f"There is no target for: {', '.join(missing)}")
            raise ValidationError(words, code="target_missing")


class ServiceTarget(Part):
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
    budget = models.CharField(bilingual("期限", "budget"), max_length=32, validators=[valid_budget])

    class Meta:
        verbose_name = bilingual("时限", "target")
        verbose_name_plural = bilingual("时限", "targets")
        ordering = ["version", "clock", "standard", "key"]
        constraints = [
            models.UniqueConstraint(fields=["version", "clock", "key", "standard"], name="servicetarget_once"),
            models.CheckConstraint(condition=Q(clock__in=ClockName.values), name="servicetarget_clock_known"),
            models.CheckConstraint(condition=Q(standard__lte=3), name="servicetarget_standard_known"),
        ]

    def __str__(self) -> str:
        return " ".join(filter(None, (self.get_clock_display(), self.key, self.budget)))


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


_levels: dict[int, ServiceLevel] = {}
# When the list was read (monotonic seconds), and each published version with its first moment, newest first.
_published: tuple[float, tuple[tuple[datetime, int], ...]] | None = None
_instead: ContextVar[ServiceLevel | None] = ContextVar("service_level_instead", default=None)


def forget() -> None:
    """Forget everything remembered: for the process that has just published, and between tests."""
    global _published
    _levels.clear()
    _published = None


@contextmanager
def instead(level: ServiceLevel) -> Iterator[None]:
    """Let `level`, which no row holds, be the one in effect inside: what would have happened under it."""
    token = _instead.set(level)
    try:
        yield
    finally:
        _instead.reset(token)


def in_effect(at: datetime) -> ServiceLevel:
    """The service level in effect at `at`. Raises NoServiceLevel."""
    if (other := _instead.get()) is not None:
        return other
    for effective_from, number in _published_versions():
        if effective_from <= at:
            return level(number)
    raise NoServiceLevel(f"No service level is in effect at {at}: run `manage.py load_reference`.")


def level(number: int) -> ServiceLevel:
    """The service level of one published version. Raises NoServiceLevel."""
    if (other := _instead.get()) is not None and other.number == number:
        return other
    if number not in _levels:
        version = ServiceLevelVersion.objects.exclude(published_at=None).filter(number=number).first()
        if version is None:
            raise NoServiceLevel(f"There is no published service level {number}.")
        _levels[number] = version.assembled()
    return _levels[number]


def _published_versions() -> tuple[tuple[datetime, int], ...]:
    global _published
    now = time.monotonic()
    # An empty list is not kept: the process that starts before the levels are loaded must not go on without them.
    if _published is None or now - _published[0] > REREAD_SECONDS or not _published[1]:
        versions = ServiceLevelVersion.objects.exclude(published_at=None).order_by("-effective_from")
        _published = now, tuple((one.effective_from, one.number) for one in versions if one.effective_from)
    return _published[1]


def put(draft: ServiceLevelVersion, targets: list[service_level.Target], rungs: list[tuple[str, Rung]]) -> None:
    """Let an empty draft hold these targets and rungs."""
    ServiceTarget.objects.bulk_create(
        [
            ServiceTarget(version=draft, clock=one.clock, key=one.key, standard=one.standard, budget=one.budget)
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


def _written(offset: Any) -> str:
    return "" if offset is None else f"{int(offset.total_seconds() // 60)}m"


def load(*, at: datetime, effective_from: datetime) -> ServiceLevelVersion | None:
    """Publish the service level of this release where there is none; None where there is one. Raises BadServiceLevel."""
    if ServiceLevelVersion.objects.exclude(published_at=None).exists():
        return None
    source, targets, rungs = service_level.read(service_level.FILE)
    with transaction.atomic():
        draft = ServiceLevelVersion.draft(source=source)
        put(draft, targets, rungs)
        draft.publish(at=at, effective_from=effective_from)
    transaction.on_commit(forget)
    return draft
