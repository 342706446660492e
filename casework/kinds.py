"""The kinds of subjects that there are: what is asked of a kind beside its model.

The API, simulations, health, metrics, `tick`, beat and the audit go through the registered kinds.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar

from prometheus_client import Metric

from casework.notifying import Teller
from web.management.looping import Duty
from web.words import Words
from workflow.actor import Actor
from workflow.clocks import RECALENDAR, RECALENDAR_LABEL
from workflow.models import Event, Subject
from workflow.moves import Move, clock_alone, moves
from workflow.sweep import Climber
from workflow.writing import admit, lock, perform

_KINDS: dict[str, "Kind[Any]"] = {}


def register[K: Kind[Any]](kind: K) -> K:
    """Register a kind. The module `kind` of its app does this; it is imported when the apps are there."""
    _KINDS[kind.name] = kind
    return kind


def kinds() -> tuple["Kind[Any]", ...]:
    """Every registered kind."""
    return tuple(_KINDS.values())


def kind_of(model: type[object]) -> "Kind[Any]":
    """The kind whose subjects are of this model."""
    return next(kind for kind in kinds() if kind.model is model)


class Kind[S: Subject]:
    """How one kind of subject is acted upon and read. Its app writes one; everything that is the same for all kinds takes it."""

    name: ClassVar[str]
    """The plural, as it stands in addresses (`tickets`); its tasks and its sweep are called by it (`tickets.sweep`)."""
    model: type[S]
    teller: ClassVar[Teller[Any]]
    """How what happened is told."""
    urls: ClassVar[str | None] = None
    """The module of its addresses below `/api/v1/`; None where the server has none of it."""

    events: ClassVar[Mapping[str, Words]] = {}
    """What stands in a history by verb and is no move, such as that the subject was created."""

    sealed_as: ClassVar[str | None] = None
    """What stands before the street's code in the heads that are kept elsewhere, where it is not the name (`polls:`)."""

    # Acting.

    def hold(
        self, move: str, key: uuid.UUID, inputs: Mapping[str, object], *, by: Actor
    ) -> tuple[S, Mapping[str, object]]:
        """Lock the subject, and what else the move concerns; returns it with the inputs, as `act` takes them.

        Raises the model's DoesNotExist.
        """
        (subject,) = lock(self.model, key, by=by)
        return subject, inputs

    def sees(self, subject: S, actor: Actor) -> bool:
        """Whether the actor may see the subject at all. Costs no SQL."""
        raise NotImplementedError

    def act(self, move: str, subject: S, *, by: Actor, version: int | None, inputs: Mapping[str, object]) -> Event:
        """Make the move on the held subject, with its second parties where it has some. Raises what `perform` raises."""
        made, _ = admit(move, subject, by=by, version=version)
        return perform(getattr(self.model, made.method), subject, by=by, version=version, **inputs)

    def absent(self, key: uuid.UUID, by: Actor) -> None:
        """Ask of a subject that is not there what is asked of any, so that how long it takes does not tell which are there."""
        absent = self.model(pk=key)
        self.model.gather([absent], by)

    # What is done again and again (`casework/duties.py`), and what is proved.

    def climber(self) -> Climber[S]:
        """What makes the effects of rungs, in a sweep."""
        return Climber(self.model)

    def upkeep(self) -> Iterable[Duty]:
        """What has to be done again and again for this kind alone. A duty may return words that say what was done."""
        return ()

    def reference(self, subject: S) -> str:
        """What people call the subject by, beside its id."""
        return str(subject)

    def changed_photos(self) -> Iterable[tuple[uuid.UUID, uuid.UUID, Words]]:
        """The photos whose files are not those that were uploaded: the subject's id, the photo's, and what is wrong."""
        return ()

    # Reading.

    @property
    def singular(self) -> Words:
        """What one such subject is called."""
        return self.model._meta.verbose_name or self.name

    @property
    def plural(self) -> Words:
        """What several of them are called."""
        return self.model._meta.verbose_name_plural or self.name

    def read(self, key: uuid.UUID, actor: Actor) -> S:
        """The subject as the actor may see it. Raises the model's DoesNotExist, just as for one that is absent."""
        subject = self.model.for_move(actor.person_id).filter(pk=key).first()
        if subject is None:
            self.absent(key, actor)
            raise self.model.DoesNotExist
        self.model.gather([subject], actor)
        if not self.sees(subject, actor):
            raise self.model.DoesNotExist
        return subject

    @property
    def subject_type(self) -> str:
        """What messages and webhooks call such a subject (`ticket`)."""
        return str(self.model._meta.model_name)

    def event_labels(self) -> Mapping[str, Words]:
        """What each event is called, by verb: those that are no moves, then the moves."""
        named = {name: move.label for name, move in moves(self.model).items()}
        return {**self.events, RECALENDAR: RECALENDAR_LABEL, **named}

    def event_label(self, verb: str) -> Words:
        """What an event is called; its verb where there is none such any more."""
        return self.event_labels().get(verb, verb)

    def readable(self, subject: S, actor: Actor) -> Collection[str]:
        """The visibilities of the events that the actor may read."""
        raise NotImplementedError

    def offered(self, subject: S, actor: Actor) -> list[Move]:
        """The moves that the actor may make now. Costs no SQL."""
        state = str(subject.state)
        return [move for move in moves(self.model).values() if move.refusal(subject, state, actor) is None]

    def offered_on_behalf(self, subject: S, actor: Actor) -> list[tuple[Move, str]]:
        """The moves that the actor may make in another party's place (代办), each with that party."""
        return []

    def figures(self) -> Iterable[Metric]:
        """What `/metrics` counts of this kind alone: metrics of prometheus_client."""
        return ()

    def for_people(self, move: Move) -> bool:
        """Whether a person may ever make the move; others have no address. A kind with permissions of its own says it by those."""
        permissions: list[Any] = [transition.permission for transition in move.meta.transitions.values()]
        return any(permission is not clock_alone for permission in permissions)
