"""The one write path: subjects are created by `create` and changed by `perform`, and both leave events.

A `Draft` is what is about to be written of one subject; `store` writes one draft, or those of a whole sweep, by one statement.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from itertools import compress
from operator import is_not
from typing import Any

from django.db import models
from django.utils.functional import Promise

from web.models import new_ids
from workflow.actor import Actor
from workflow.audit import chain, row_seal, sealed_words
from workflow.clocks import NEWEST_RULES, NO_PLAN, RULES, Changes, Plan, Start, carry_out, plan_of
from workflow.errors import StaleVersion
from workflow.instances import fresh
from workflow.models import Clock, Event, Subject
from workflow.moves import Move, Visibility, moves
from workflow.prepared import Prepared
from workflow.rows import Change, all_of, attributes, write_rows


@dataclass(frozen=True, slots=True)
class Happening:
    """What an event will say. `words` are people's own; `data` holds facts only."""

    verb: str
    source: str
    target: str
    visibility: Visibility
    data: Mapping[str, object] = field(default_factory=dict)
    words: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What of a subject a later event is compared with: what others act upon, its parties, and the facts about it."""

    versioned: tuple[object, ...] | None = None
    parties: frozenset[uuid.UUID] = frozenset()
    facts: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, subject: Subject) -> "Snapshot":
        """A snapshot of the subject as it is now."""
        return cls(_versioned(subject), frozenset(subject.parties()), subject.outbox_facts())


NOTHING = Snapshot()
"""The snapshot of a subject that was not there."""


def lock[S: Subject](model: type[S], *keys: uuid.UUID, by: Actor) -> list[S]:
    """The subjects with these ids, locked in id order by one statement, in the order asked for.

    Raises `model.DoesNotExist` when one is not there. Call it first in the transaction.
    """
    if len(keys) == 1:
        rows: Iterable[S] = _locking(model).rows(person=by.person_id, key=keys[0])
    else:
        rows = _locked(model, by.person_id).filter(pk__in=set(keys)).order_by("pk")
    found = {row.pk: row for row in rows}
    if missing := set(keys) - set(found):
        raise model.DoesNotExist(f"{model.__name__} {missing} does not exist.")
    model.gather(list(found.values()), by)
    return [found[key] for key in keys]


def _locked[S: Subject](model: type[S], person_id: uuid.UUID | None) -> models.QuerySet[S]:
    return model.for_move(person_id).select_for_update(no_key=True, of=("self",))


@cache
def _locking[S: Subject](model: type[S]) -> Prepared[S]:
    # A subject whose permissions read nothing of the person does not ask who it is.
    return Prepared(
        lambda person, key: _locked(model, person).filter(pk=key),
        optional=("person",),
        person=uuid.UUID(int=1),
        key=uuid.UUID(int=2),
    )


def admit(name: str, subject: Subject, *, by: Actor, version: int | None) -> tuple[Move, str]:
    """The move `name` and the state it starts from, if `by` may make it now on `subject` as read at `version`.

    Raises StaleVersion, IllegalMove or NotPermitted.
    """
    if version is not None and version != subject.version:
        raise StaleVersion()
    move, source = moves(type(subject))[name], str(subject.state)
    if refusal := move.refusal(subject, source, by):
        raise refusal
    return move, source


@dataclass(slots=True)
class Draft[S: Subject]:
    """What is about to be written of one subject: the columns that changed, and the rows that are new.

    `before` holds the subject's attributes as they were; None of a new one.
    """

    subject: S
    before: Mapping[str, object] | None
    events: list[Event] = field(default_factory=list)
    beside: list[models.Model] = field(default_factory=list)
    clocks: Changes = field(default_factory=Changes)

    @classmethod
    def of(cls, subject: S, *, new: bool = False) -> "Draft[S]":
        """A draft of a locked subject as it stands, or of a new one."""
        return cls(subject, None if new else subject.__dict__.copy())

    def move(
        self,
        transition: Callable[..., object],
        *,
        by: Actor,
        version: int | None = None,
        facts: Mapping[str, object] | None = None,
        **inputs: object,
    ) -> Event:
        """Make a move, as `perform` describes it; `facts` go into its event besides the inputs."""
        subject = self.subject
        move, source = admit(transition.__name__.rstrip("_"), subject, by=by, version=version)
        at = max(by.at, subject.last_event_at)
        before = Snapshot.of(subject)
        getattr(subject, move.method)(at=at, by=by, **inputs)
        words_of = move.input.own_words()
        # What an action found out for the move is no fact of its own unless the move notes it.
        given = {name: value for name, value in inputs.items() if name in move.input.names()}
        said = {**given, **(facts or {})}
        happening = Happening(
            verb=move.name,
            source=source,
            target=str(subject.state),
            visibility=move.visibility,
            data={name: value for name, value in said.items() if name not in words_of},
            words={name: value for name, value in inputs.items() if name in words_of and value},
        )
        return self.record(happening, by=by, at=at, before=before)

    def note(self, verb: str, *, by: Actor, visibility: Visibility, facts: Mapping[str, object] | None = None) -> Event:
        """Add an event that is no move: the state stays, and nobody can be refused."""
        subject, state = self.subject, str(self.subject.state)
        happening = Happening(verb, state, state, visibility, data=facts or {})
        at = max(by.at, subject.last_event_at)
        return self.record(happening, by=by, at=at, before=Snapshot.of(subject))

    def record(self, happening: Happening, *, by: Actor, at: datetime, before: Snapshot = NOTHING) -> Event:
        """Add an event, its words, its outbox row and what it does to the clocks. `before` is the subject as it was."""
        subject = self.subject
        kinds = type(subject)
        said = {**happening.data, **subject.__dict__.pop("_facts", {})}
        data = {name: _fact(value) for name, value in said.items() if value is not None}
        body, salt = dict(happening.words), b""
        if body:
            salt, data["words"] = sealed_words(body)
        shared = subject.shared_columns()
        subject.event_count += 1
        subject.last_event_at = at
        event = fresh(
            kinds.EVENTS,
            id=_event_id(subject),
            subject_id=subject.id,
            seq=subject.event_count,
            verb=happening.verb,
            source=happening.source,
            target=happening.target,
            actor_id=by.person_id,
            actor_organisation_id=subject.acts_for(by, happening.verb),
            on_behalf=by.on_behalf,
            at=at,
            visibility=happening.visibility,
            data=data,
            **shared,
        )
        self._move_clocks(event)
        subject.reckon(at)
        if _versioned(subject) != before.versioned:
            subject.version += 1
        event.digest, subject.head = chain(bytes(subject.head), event)
        self.events.append(event)
        if body:
            self.beside.append(fresh(kinds.WORDS, event_id=event.pk, salt=salt, body=body, **shared))
        parties = sorted({*before.parties, *subject.parties()})
        facts = subject.outbox_facts()
        facts["was"] = {name: value for name, value in before.facts.items() if facts.get(name) != value}
        self.beside.append(fresh(kinds.OUTBOX, event_id=event.id, audience=parties, facts=facts, **shared))
        return event

    def _plan(self, event: Event) -> Plan:
        """What the event does to the clocks; one that moves any, or would have by the first rules, says by which rules."""
        model, clocks = type(self.subject), tuple(self.subject.clocks)
        event.data[RULES] = NEWEST_RULES
        plan = plan_of(model, event, clocks)
        if plan == NO_PLAN:
            del event.data[RULES]
            if plan_of(model, event, clocks) != NO_PLAN:
                event.data[RULES] = NEWEST_RULES
        return plan

    def _move_clocks(self, event: Event) -> None:
        subject = self.subject
        plan = self._plan(event)
        if plan.starts or plan.revises:
            measured = (*plan.starts, *(Start(one.name, one.holder_id) for one in plan.revises))
            event.data["terms"] = subject.terms(measured).facts()

        def make(**columns: object) -> Clock:
            return fresh(type(subject).CLOCKS, subject_id=subject.id, **columns, **subject.shared_columns())

        due_before = {id(clock): clock.due_at for clock in subject.clocks}
        touched = carry_out(plan, event, subject.clocks, subject.rules(), make)
        self.clocks.new += touched.new
        for clock in touched.changed:
            self.clocks.touch(clock)
            moved = clock.due_at - due_before[id(clock)]
            # Also of one that the event stops: a question that held it may have been over before.
            if moved:
                subject.shift(clock, moved)
        for old, clock in touched.replaced:
            subject.shift(clock, clock.due_at - old.due_at)


def perform[S: Subject](
    transition: Callable[..., object], subject: S, *, by: Actor, version: int | None = None, **inputs: Any
) -> Event:
    """Make a move on a locked `subject` and leave its event; the only door from state to state.

    `transition` is the model's method (`Ticket.reply`); `version` is what the caller last read, None where the move needs none.
    `by.at` is the moment; it never runs backwards on a subject. The caller has locked `subject` in the transaction it opened.
    Raises StaleVersion, IllegalMove, NotPermitted or InvalidInput before anything is written.
    """
    draft = Draft.of(subject)
    event = draft.move(transition, by=by, version=version, **inputs)
    store([draft])
    return event


def create(subject: Subject, happening: Happening, *, by: Actor, at: datetime) -> Event:
    """Insert a new subject in its first state, together with its first event."""
    subject.clocks = []
    draft = Draft.of(subject, new=True)
    event = draft.record(happening, by=by, at=at)
    store([draft])
    return event


def store[S: Subject](drafts: Sequence[Draft[S]], *beside: Sequence[models.Model]) -> None:
    """Write what the drafts of subjects of one kind hold, and the new rows of `beside`, each group those of one table.

    Where several parts of a table change, or new ones are made beside one that does, those that changed are written first: they may
    leave places that others take. Everything else is written by one statement.
    """
    new: dict[type[models.Model], list[models.Model]] = {}
    changed: dict[type[models.Model], list[models.Model]] = {}
    subjects: list[Subject] = []
    names: dict[str, None] = {}
    clocks: list[models.Model] = []
    for draft in drafts:
        subject = draft.subject
        subject.seal = row_seal(subject)
        if draft.before is None:
            new.setdefault(type(subject), []).append(subject)
        else:
            before, after = draft.before, subject.__dict__
            every, values = attributes(type(subject)), all_of(type(subject))
            # Most are the very same; to compare them costs more than everything else here.
            others = compress(every, map(is_not, values(after), values(before)))
            differing = [name for name in others if after[name] != before[name]]
            if differing:
                subjects.append(subject)
                names |= dict.fromkeys(differing)
        for part in subject.__dict__.pop("_parts", []):
            (new if part._state.adding else changed).setdefault(type(part), []).append(part)
    for draft in drafts:
        for row in (*draft.events, *draft.beside, *draft.clocks.new):
            new.setdefault(type(row), []).append(row)
        clocks += draft.clocks.changed
    changes = [Change(subjects, tuple(names))] if subjects else []
    for model, rows in changed.items():
        if len(rows) == 1 and model not in new:
            changes.append(Change(rows, _all_but_key(model)))
        else:
            _write_parts(rows)
    if clocks:
        changes.append(Change(clocks, _all_but_key(type(clocks[0]))))
    write_rows(*new.values(), *(group for group in beside if group), changes=changes)


def seal_again(subject: Subject, *names: str, new: Sequence[models.Model] = (), changes: Sequence[Change] = ()) -> None:
    """Write columns of a locked subject that seal rows of another table, the seal over its own, and what is new or changed there."""
    subject.seal = row_seal(subject)
    write_rows(*([new] if new else []), changes=[*changes, Change([subject], (*names, "seal"))])


def _versioned(subject: Subject) -> tuple[object, ...]:
    values = subject.__dict__
    return tuple([values[name] for name in subject.VERSIONED])


@cache
def _all_but_key(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(name for name in attributes(model) if name != model._meta.pk.attname)


def _write_parts(rows: list[models.Model]) -> None:
    model = type(rows[0])
    if len(rows) == 1:
        write_rows(changes=[Change(rows, _all_but_key(model))])
        return
    # Rows are there, so that this updates each in its turn; UPDATE knows no order, and a place must be left before it is taken.
    columns = [field.name for field in model._meta.concrete_fields if not field.primary_key]
    model._base_manager.bulk_create(rows, update_conflicts=True, unique_fields=["pk"], update_fields=columns)


_spare: ContextVar[list[uuid.UUID]] = ContextVar("spare_event_ids")


@contextmanager
def spare_ids(count: int) -> Iterator[None]:
    """Fetch ids for `count` events at once; a sweep writes more events than its subjects brought ids along."""
    token = _spare.set(new_ids(count))
    try:
        yield
    finally:
        _spare.reset(token)


def _event_id(subject: Subject) -> uuid.UUID:
    """The id that came with the lock, or with the place; one that was fetched ahead, else another from PostgreSQL."""
    spare: uuid.UUID | None = subject.__dict__.pop("spare_id", None)
    if spare is not None:
        return spare
    if ahead := _spare.get([]):
        return ahead.pop()
    return new_ids(1)[0]


_AS_IT_IS = frozenset({str, int, bool, type(None)})


def _fact(value: object) -> object:
    """`value` as the chain keeps it: JSON without floats, so that its bytes are the same everywhere."""
    if type(value) in _AS_IT_IS:
        return value
    match value:
        case models.Model():
            return str(value.pk)
        case bool() | int():
            return value
        case datetime():
            return value.isoformat()
        case str():
            return str(value)
        case uuid.UUID() | Decimal() | Promise():
            return str(value)
        case dict():
            return _facts(value)
        case list() | tuple():
            return [_fact(item) for item in value]
        case set() | frozenset():
            return sorted((_fact(item) for item in value), key=str)
        case Mapping():
            return _facts(value)
        case _ if hasattr(value, "isoformat"):
            return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be a fact of an event.")


def _facts(value: Mapping[Any, object]) -> dict[str, object]:
    return {str(name): _fact(item) for name, item in value.items() if item is not None}
