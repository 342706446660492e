"""Service levels as rows, in versions that never change once they are published, and as the process remembers them."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Q

from tickets import service_level
from tickets.models.category import COMPLEX, DisposalClass, ResponseClass
from tickets.service_level import TicketServiceLevel
from tickets.states import ClockName
from tickets.windows import Window
from web.words import bilingual
from workflow.ladder import Ladder
from workflow.levels import Levels
from workflow.models.service_levels import ClockRung, ClockTarget, DatedBudget, LevelVersion, put, put_windows
from workflow.service_level import Target, Targets, Windows
from workflow.versions import version_key

C = ClockName


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


class ServiceLevelVersion(LevelVersion):
    """One version of a street's targets, windows and ladders. A change never moves a clock that runs."""

    PARTS = ("windows", "targets", "rungs")
    VOCABULARY = service_level.VOCABULARY

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

    class Meta(LevelVersion.Meta):
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

    def level(
        self, number: int, source: str, targets: Targets, ladders: Mapping[str, Ladder], windows: Windows
    ) -> TicketServiceLevel:
        """The service level of its parts, with rework and limits."""
        limits = service_level.Limits(**{name: getattr(self, name) for name in service_level.BOUNDS})
        return TicketServiceLevel(number, source, targets, ladders, windows, self.rework, limits)

    def check_edition(self, day: date, level: Any) -> None:
        """Raise ValidationError where a class has no target."""
        # A complex fault has the time of an ordinary one where it has none of its own.
        needed = [(C.HANDLE, one.value) for one in DisposalClass if one not in COMPLEX.values()]
        needed += [(clock, one.value) for clock in (C.SIGN, C.CONTACT) for one in ResponseClass]
        if missing := [f"{clock} {key}" for clock, key in needed if level.budget(clock, key) is None]:
            words = bilingual(
                f"自{day}起缺少时限：{'、'.join(missing)}",
                f"From {day} on there is no target for: {', '.join(missing)}",
            )
            raise ValidationError(words, code="target_missing")


class ServiceTarget(ClockTarget):
    """How long one clock runs, for all tickets or for those of one class, under all contracts or those of one service level."""

    version = version_key(ServiceLevelVersion, "targets")
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


class ServiceWindow(DatedBudget):
    """Within which time something may still be done, with all tickets or those of one class."""

    version = version_key(ServiceLevelVersion, "windows")
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

    def target(self) -> Target:
        """What the row says."""
        return Target(self.name, self.key, 0, self.budget, self.source, self.starts_on, self.ends_on)


class ServiceRung(ClockRung):
    """One step of a clock's ladder: when, what happens, and who is told."""

    version = version_key(ServiceLevelVersion, "rungs")
    clock = models.CharField(bilingual("时限", "clock"), max_length=12, choices=ClockName)

    class Meta(ClockRung.Meta):
        verbose_name = bilingual("阶梯", "rung")
        verbose_name_plural = bilingual("阶梯", "rungs")
        ordering = ["version", "clock", "position"]
        constraints = [
            *ClockRung.Meta.constraints,
            models.CheckConstraint(condition=Q(clock__in=ClockName.values), name="servicerung_clock_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_clock_display()} {self.code}"


LEVELS: Levels[TicketServiceLevel] = Levels(lambda: ServiceLevelVersion)
forget, instead, in_effect, level = LEVELS.forget, LEVELS.instead, LEVELS.in_effect, LEVELS.level


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
