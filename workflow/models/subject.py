"""The engine's bases: who uses the engine owns the concrete ones, so that keys and indexes are real."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Never, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import UUID7, Now
from django.utils.functional import Promise

from web.models import Identified
from web.words import bilingual
from workflow.actor import Actor
from workflow.moves import Visibility

type Witness[S: Subject] = Callable[[S, Sequence[Event]], Promise | str | None]
"""Says what is wrong with a subject beside its chain, given its events in order; None where nothing is."""


class Subject(Identified):
    """Something with a life: a state, a version, and a chain of events that tells how it came there.

    `version` counts the changes of what others act upon (state, holder, deadline); `event_count` counts events.
    `head` seals the chain and `seal` the row as the last event left it: see `workflow.audit`.
    """

    version = models.PositiveIntegerField(default=0, editable=False, verbose_name=bilingual("版本", "version"))
    event_count = models.PositiveIntegerField(default=0, editable=False, verbose_name=bilingual("事件数", "events"))
    head = models.BinaryField(max_length=32, default=bytes, editable=False, verbose_name=bilingual("链首", "head"))
    seal = models.BinaryField(
        max_length=32, default=bytes, db_default=b"", editable=False, verbose_name=bilingual("封印", "seal")
    )
    last_event_at = models.DateTimeField(editable=False, verbose_name=bilingual("最近事件时间", "last event at"))

    # A change in one of these makes a new version.
    VERSIONED: ClassVar[tuple[str, ...]] = ("state",)
    # What every row of the subject carries as well.
    SHARED: ClassVar[tuple[str, ...]] = ()
    EVENTS: ClassVar[type["Event"]]
    WORDS: ClassVar[type["EventWords"]]
    OUTBOX: ClassVar[type["Outbox"]]
    CLOCKS: ClassVar[type["Clock"]]
    FIRINGS: ClassVar[type["Firing"]]
    SEALS: ClassVar[type["Seal"]]

    class Meta:
        abstract = True

    # Declared for readers and type checkers: the concrete class brings its own FSMField.
    state: object

    # The clocks that are live, fetched by `gather`.
    clocks: list["Clock"]

    _parts: list[models.Model]
    _facts: dict[str, object]

    @classmethod
    def for_move(cls, person_id: uuid.UUID | None) -> models.QuerySet[Self]:
        """The rows as a move by that person needs to see them, each with an id for its event.

        A subclass adds what its permissions read of the person.
        """
        return cls._base_manager.annotate(spare_id=UUID7())  # type: ignore[return-value]

    def shared_columns(self) -> dict[str, object]:
        """The columns that every row of this subject carries as well, such as its tenant."""
        return {name: getattr(self, name) for name in self.SHARED}

    def sealed_rows(self) -> Iterable[models.Model]:
        """Rows of its own, in memory since `gather`, that change with its events alone and that no event says whole."""
        return ()

    @classmethod
    def unsealed(cls) -> Q:
        """Rows of the time before there were seals."""
        return Q(seal=b"")

    @classmethod
    def seal_parts(cls, subjects: Sequence[Self]) -> tuple[str, ...]:
        """Set the columns that seal rows of other tables, for rows of the time before there were such; their names."""
        return ()

    @classmethod
    def gather_sealed(cls, subjects: Sequence[Self]) -> None:
        """Fetch what `sealed_rows` names."""

    @classmethod
    def witnesses(cls, subjects: Sequence[Self]) -> "Witness[Self]":
        """What proves the rows of these subjects that the engine knows nothing of against their events."""
        return lambda subject, events: None

    @classmethod
    def gather(cls, subjects: Sequence[Self], by: Actor) -> None:
        """Fetch the rows that belong to these subjects and that their moves read or change, their live clocks with them."""
        rows: Any = cls.CLOCKS._base_manager
        live = list(rows.filter(subject__in=subjects, stopped_at__isnull=True).order_by("epoch", "pk"))
        for one in subjects:
            one.clocks = [clock for clock in live if clock.subject_id == one.pk]

    @staticmethod
    def clock_plan(event: "Event", clocks: Sequence["Clock"]) -> Any:
        """What `event` does to the live `clocks`, a `workflow.clocks.Plan`. Pure: it decides from what the event says, and nothing else."""
        raise NotImplementedError

    def terms(self, starts: Sequence[Any]) -> Any:
        """What the clocks that are about to start are measured by, a `workflow.clocks.Terms`."""
        raise NotImplementedError

    def shift(self, clock: "Clock", by: timedelta) -> None:
        """Hear that the due moment of a clock that was live has moved."""

    def rules(self) -> Any:
        """Where this subject's calendars and ladders are found, a `workflow.clocks.Rules`."""
        raise NotImplementedError

    def reckon(self, at: datetime) -> None:
        """Bring columns that follow from the others up to date, after a move and before it is written."""

    def parties(self) -> Iterable[uuid.UUID]:
        """The organisations that have a part in the subject now."""
        return ()

    def outbox_facts(self) -> dict[str, object]:
        """The facts about the subject that notifications of this event need, as they are now: JSON values, UUIDs and moments."""
        return {}

    def acts_for(self, by: Actor, verb: str) -> uuid.UUID | None:
        """The organisation in whose name `by` acts on this subject; None for somebody who acts for themselves."""
        return None

    def stage(self, part: models.Model) -> None:
        """Let `part`, a row that belongs to this subject, be written with the move that is under way."""
        parts = self.__dict__.setdefault("_parts", [])
        if not any(part is known for known in parts):
            parts.append(part)

    def note(self, **facts: object) -> None:
        """Add facts that the move found out to its event."""
        self.__dict__.setdefault("_facts", {}).update(facts)


class Event(Identified):
    """One thing that happened to a subject. Append-only: the database refuses UPDATE, DELETE and TRUNCATE."""

    seq = models.PositiveIntegerField(verbose_name=bilingual("序号", "number"))
    verb = models.CharField(max_length=32, verbose_name=bilingual("动作", "move"))
    source = models.CharField(max_length=16, blank=True, verbose_name=bilingual("原状态", "from"))
    target = models.CharField(max_length=16, verbose_name=bilingual("新状态", "to"))
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        help_text=bilingual("空：由系统按时限执行。", "Empty: the clock, or routing."),
        verbose_name=bilingual("操作人", "actor"),
    )
    actor_organisation_id = models.UUIDField(null=True, verbose_name=bilingual("操作单位", "acting organisation"))
    on_behalf = models.CharField(
        max_length=16,
        blank=True,
        help_text=bilingual("街道所代办的一方。", "The party that the street stood in for."),
        verbose_name=bilingual("代办", "on behalf of"),
    )
    at = models.DateTimeField(verbose_name=bilingual("时间", "at"))
    visibility = models.CharField(max_length=8, choices=Visibility, verbose_name=bilingual("可见范围", "visibility"))
    data = models.JSONField(default=dict, verbose_name=bilingual("事实", "facts"))
    digest = models.BinaryField(max_length=32, verbose_name=bilingual("摘要", "digest"))

    class Meta:
        abstract = True
        constraints = [models.UniqueConstraint(F("subject"), F("seq"), name="%(class)s_seq")]

    subject: "models.ForeignKey[Never, Subject]"
    subject_id: uuid.UUID


class EventWords(Identified):
    """People's own words of one event, beside the chain: the event holds only their salted hash, so that they can be erased."""

    salt = models.BinaryField(max_length=16)
    body = models.JSONField(default=dict)
    erased = models.BinaryField(
        max_length=32,
        default=bytes,
        db_default=b"",
        help_text=bilingual("已按规定删除的标记。", "The mark of an erasure; empty where the words stand."),
    )

    class Meta:
        abstract = True

    event: "models.ForeignKey[Never, Event]"
    event_id: uuid.UUID


class Seal(Identified):
    """The heads of the subjects that changed since the seal before, in a chain of seals that numbers from 1. Append-only.

    `body` lists a subject's id, how many events it had, and its head in hexadecimal. See `workflow.seals`.
    """

    number = models.PositiveIntegerField(verbose_name=bilingual("序号", "number"))
    at = models.DateTimeField(verbose_name=bilingual("时间", "at"))
    body = models.JSONField(default=list)
    digest = models.BinaryField(max_length=32, verbose_name=bilingual("摘要", "digest"))

    class Meta:
        abstract = True


class Clock(Identified):
    """Time that runs for or against somebody: one row for each time it was started, which is never reset.

    `holder_id` is the organisation that it watches, where it watches one; `epoch` the number of the event that started it. `budget` is
    written as `workflow.calendar.Budget` writes it, under the numbered `calendar`, with the days it was `extended` by. `policy` says
    whose ladder it climbs and `rung` how far it has come, for the first time or, as `turn` counts, once more. `spans` holds the moments
    at which it was paused and resumed, by turns, and `reasons` why. It is not due before `not_before`. `due_at` of a paused clock is as
    it was.
    """

    name = models.CharField(max_length=12, verbose_name=bilingual("时限", "clock"))
    holder_id = models.UUIDField(null=True, verbose_name=bilingual("单位", "holder"))
    epoch = models.PositiveIntegerField(verbose_name=bilingual("起始事件", "epoch"))
    budget = models.CharField(max_length=32, verbose_name=bilingual("期限", "budget"))
    policy = models.PositiveIntegerField(verbose_name=bilingual("时限标准版本", "policy"))
    calendar = models.PositiveIntegerField(verbose_name=bilingual("日历版本", "calendar"))
    started_at = models.DateTimeField(verbose_name=bilingual("开始时间", "started at"))
    running_since = models.DateTimeField(null=True, verbose_name=bilingual("计时起点", "running since"))
    pauses = models.PositiveSmallIntegerField(default=0, verbose_name=bilingual("暂停次数", "pauses"))
    paused = models.DurationField(default=timedelta, verbose_name=bilingual("暂停时长", "paused"))
    spans = ArrayField(models.DateTimeField(), default=list, verbose_name=bilingual("暂停区间", "spans"))
    pause_reason = models.CharField(max_length=12, default="", verbose_name=bilingual("暂停原因", "pause reason"))
    reasons = ArrayField(
        models.CharField(max_length=12, blank=True),
        default=list,
        db_default=[],
        verbose_name=bilingual("各次暂停原因", "why it was paused"),
    )
    extended = models.PositiveSmallIntegerField(
        default=0, db_default=0, verbose_name=bilingual("延期天数", "days of extension")
    )
    not_before = models.DateTimeField(null=True, verbose_name=bilingual("最早到期时间", "not due before"))
    due_at = models.DateTimeField(verbose_name=bilingual("到期时间", "due at"))
    fire_at = models.DateTimeField(null=True, verbose_name=bilingual("下次触发", "fire at"))
    rung = models.PositiveIntegerField(default=0, verbose_name=bilingual("已触发", "rung"))
    turn = models.PositiveSmallIntegerField(
        default=0, db_default=0, verbose_name=bilingual("重新提醒轮次", "turn of the ladder")
    )
    breached_at = models.DateTimeField(null=True, verbose_name=bilingual("超期时间", "breached at"))
    stopped_at = models.DateTimeField(null=True, verbose_name=bilingual("停止时间", "stopped at"))
    consumed = models.DurationField(null=True, verbose_name=bilingual("用时", "consumed"))
    over = models.DurationField(null=True, verbose_name=bilingual("超时", "over"))
    failures = models.PositiveSmallIntegerField(default=0, verbose_name=bilingual("失败次数", "failures"))
    error = models.CharField(max_length=200, default="", verbose_name=bilingual("错误", "error"))

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(stopped_at__isnull=True)
                | Q(running_since__isnull=True, fire_at__isnull=True, consumed__isnull=False, over__isnull=False),
                name="%(class)s_stopped_is_still",
            ),
            models.CheckConstraint(
                condition=Q(fire_at__isnull=True) | Q(running_since__isnull=False), name="%(class)s_fires_running"
            ),
        ]
        indexes = [
            models.Index(F("fire_at"), F("id"), condition=Q(fire_at__isnull=False), name="%(class)s_due"),
            models.Index(F("subject"), condition=Q(stopped_at__isnull=True), name="%(class)s_live"),
            # Nearly always empty: it makes counting them cost nothing.
            models.Index(F("id"), condition=Q(failures__gt=0, stopped_at__isnull=True), name="%(class)s_failing"),
        ]

    subject: "models.ForeignKey[Never, Subject]"
    subject_id: uuid.UUID

    def __str__(self) -> str:
        return f"{self.name} {self.due_at:%Y-%m-%d %H:%M}"


class Firing(Identified):
    """That a rung was fired: once for a clock and a rung, whoever swept. `due_at` is the rung's own moment."""

    rung = models.CharField(max_length=24, verbose_name=bilingual("阶梯", "rung"))
    due_at = models.DateTimeField(verbose_name=bilingual("应触发时间", "due at"))
    fired_at = models.DateTimeField(verbose_name=bilingual("触发时间", "fired at"))

    class Meta:
        abstract = True

    clock: "models.ForeignKey[Never, Clock]"
    event: "models.ForeignKey[Never, Event]"
    event_id: uuid.UUID

    def __str__(self) -> str:
        return self.rung


class Outbox(Identified):
    """An event whose notifications are not written yet, with the subject's `outbox_facts` of that moment.

    In `facts`, `was` holds the values that the event changed. `audience` are the subject's `parties` before the event and after it.
    """

    audience = ArrayField(models.UUIDField(), default=list)
    facts = models.JSONField(default=dict)
    attempts = models.PositiveSmallIntegerField(default=0)
    available_at = models.DateTimeField(db_default=Now())
    error = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        abstract = True
        indexes = [models.Index(F("available_at"), F("id"), name="%(class)s_due")]

    event: "models.ForeignKey[Never, Event]"
    event_id: uuid.UUID
