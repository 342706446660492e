"""The engine's tables, as abstract bases: who uses the engine owns the concrete ones, so that keys and indexes are real."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import UUID7, Now

from web.models import Identified
from web.words import bilingual
from workflow.actor import Actor
from workflow.moves import Visibility


class Subject(Identified):
    """Something with a life: a state, a version, and a chain of events that tells how it came there.

    `version` counts the changes of what others act upon (state, holder, deadline); `event_count` counts events.
    `head` seals the chain: see `workflow.audit`.
    """

    version = models.PositiveIntegerField(default=0, editable=False, verbose_name=bilingual("版本", "version"))
    event_count = models.PositiveIntegerField(default=0, editable=False, verbose_name=bilingual("事件数", "events"))
    head = models.BinaryField(max_length=32, default=bytes, editable=False, verbose_name=bilingual("链首", "head"))
    last_event_at = models.DateTimeField(editable=False, verbose_name=bilingual("最近事件时间", "last event at"))

    # A change in one of these makes a new version.
    VERSIONED: ClassVar[tuple[str, ...]] = ("state",)
    EVENTS: ClassVar[type["Event"]]
    WORDS: ClassVar[type["Words"]]
    OUTBOX: ClassVar[type["Outbox"]]

    class Meta:
        abstract = True

    # Declared for readers and type checkers: the concrete class brings its own FSMField.
    state: Any

    _parts: list[models.Model]
    _facts: dict[str, Any]

    @classmethod
    def for_move(cls, person_id: uuid.UUID | None) -> models.QuerySet[Self]:
        """The rows as a move by that person needs to see them, each with an id for its event.

        A subclass adds what its permissions read of the person.
        """
        return cls._base_manager.annotate(spare_id=UUID7())  # type: ignore[return-value]

    def shared_columns(self) -> dict[str, Any]:
        """The columns that every row of this subject carries as well, such as its tenant."""
        return {}

    def gather(self, by: Actor) -> None:
        """Fetch the rows that belong to this locked subject and that its moves read or change."""

    def reckon(self, at: datetime) -> None:
        """Bring columns that follow from the others up to date, after a move and before it is written."""

    def audience(self) -> Iterable[uuid.UUID]:
        """The organisations to be told of what just happened, as of now."""
        return ()

    def acts_for(self, by: Actor) -> uuid.UUID | None:
        """The organisation in whose name `by` acts on this subject; None for somebody who acts for themselves."""
        return None

    def stage(self, part: models.Model) -> None:
        """Let `part`, a row that belongs to this subject, be written with the move that is under way."""
        parts = self.__dict__.setdefault("_parts", [])
        if not any(part is known for known in parts):
            parts.append(part)

    def note(self, **facts: Any) -> None:
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
        help_text=bilingual("街道所代办的一方。", "The party that the street stood in for (代办)."),
        verbose_name=bilingual("代办", "on behalf of"),
    )
    at = models.DateTimeField(verbose_name=bilingual("时间", "at"))
    visibility = models.CharField(max_length=8, choices=Visibility, verbose_name=bilingual("可见范围", "visibility"))
    data = models.JSONField(default=dict, verbose_name=bilingual("事实", "facts"))
    digest = models.BinaryField(max_length=32, verbose_name=bilingual("摘要", "digest"))

    class Meta:
        abstract = True

    subject: Any


class Words(Identified):
    """People's own words of one event, beside the chain: the event holds only their salted hash, so that they can be erased."""

    salt = models.BinaryField(max_length=16)
    body = models.JSONField(default=dict)

    class Meta:
        abstract = True

    event: Any


class Outbox(Identified):
    """An event that has still to be told, with the organisations concerned as they were then."""

    audience = ArrayField(models.UUIDField(), default=list)
    attempts = models.PositiveSmallIntegerField(default=0)
    available_at = models.DateTimeField(db_default=Now())
    error = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        abstract = True

    event: Any
