"""The one write path: a subject changes only through `perform`, is born only through `bear`, and both leave events."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django.db import connection, models
from django.utils.functional import Promise

from workflow.actor import Actor
from workflow.audit import chain, sealed_words
from workflow.errors import StaleVersion
from workflow.models import Event, Subject, Words
from workflow.moves import Move, Visibility, moves
from workflow.prepared import Prepared
from workflow.rows import Change, write_rows


@dataclass(frozen=True, slots=True)
class Happening:
    """What an event will say. `words` are people's own; `data` holds facts only."""

    verb: str
    source: str
    target: str
    visibility: Visibility
    data: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, Any] = field(default_factory=dict)


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
    for row in found.values():
        row.gather(by)
    return [found[key] for key in keys]


def _locked[S: Subject](model: type[S], person_id: uuid.UUID | None) -> models.QuerySet[S]:
    return model.for_move(person_id).select_for_update(no_key=True, of=("self",))


@cache
def _locking[S: Subject](model: type[S]) -> Prepared[S]:
    return Prepared(
        lambda person, key: _locked(model, person).filter(pk=key), person=uuid.UUID(int=1), key=uuid.UUID(int=2)
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


def perform[S: Subject](
    transition: Callable[..., Any], subject: S, *, by: Actor, version: int | None = None, **inputs: Any
) -> Event:
    """Make a move on a locked `subject` and leave its event; the only door from state to state.

    `transition` is the model's method (`Ticket.reply`); `version` is what the caller last read, None where the move needs none.
    `by.at` is the moment; it never runs backwards on a subject. The caller has locked `subject` in the transaction it opened.
    Raises StaleVersion, IllegalMove, NotPermitted or InvalidInput before anything is written.
    """
    move, source = admit(transition.__name__.rstrip("_"), subject, by=by, version=version)
    at = max(by.at, subject.last_event_at)
    before, concerned = _columns(subject), tuple(subject.audience())
    getattr(subject, move.method)(at=at, by=by, **inputs)
    words_of = move.input.own_words()
    # What an action found out for the move is no fact of its own unless the move notes it.
    given = {name: value for name, value in inputs.items() if name in move.input.names()}
    facts = {**given, **subject.__dict__.pop("_facts", {})}
    happening = Happening(
        verb=move.name,
        source=source,
        target=str(subject.state),
        visibility=move.visibility,
        data={name: value for name, value in facts.items() if name not in words_of},
        words={name: value for name, value in inputs.items() if name in words_of and value},
    )
    return write(subject, happening, by=by, at=at, before=before, concerned=concerned)


def bear(subject: Subject, happening: Happening, *, by: Actor, at: datetime) -> Event:
    """Write a new `subject` in the state it was built with, with the event that brought it there."""
    return write(subject, happening, by=by, at=at, before=None)


def write(
    subject: Subject,
    happening: Happening,
    *,
    by: Actor,
    at: datetime,
    before: Mapping[str, Any] | None,
    concerned: Iterable[uuid.UUID] = (),
) -> Event:
    """Write `subject`, its staged parts, its new event, the event's words and its outbox row.

    `before` holds the subject's columns as they were; None means that it is born now. `concerned` are the organisations that
    it concerned until now: whoever loses it is told as well.
    """
    subject.last_event_at = at
    subject.reckon(at)
    if before is None or any(before[name] != getattr(subject, name) for name in subject.VERSIONED):
        subject.version += 1
    event, words = _chained(subject, happening, by, at)
    new = _parts(subject)
    change = None
    if before is None:
        new.insert(0, [subject])
    else:
        after = _columns(subject)
        change = Change(subject, tuple(name for name, value in after.items() if before[name] != value))
    outbox: Any = type(subject).OUTBOX
    audience = sorted({*concerned, *subject.audience()})
    new.append([event])
    if words is not None:
        new.append([words])
    new.append([outbox(event=event, audience=audience, **subject.shared_columns())])
    write_rows(*new, change=change)
    return event


def _columns(subject: Subject) -> dict[str, Any]:
    return {field.attname: subject.__dict__[field.attname] for field in subject._meta.concrete_fields}


def _chained(subject: Subject, happening: Happening, by: Actor, at: datetime) -> tuple[Event, Words | None]:
    """The event that `happening` becomes, chained to those before it, and its words."""
    data = {name: _fact(value) for name, value in happening.data.items() if value is not None}
    body = dict(happening.words)
    if body:
        salt, data["words"] = sealed_words(body)
    subject.event_count += 1
    event = type(subject).EVENTS(
        id=_event_id(subject),
        subject=subject,  # type: ignore[misc]
        seq=subject.event_count,
        verb=happening.verb,
        source=happening.source,
        target=happening.target,
        actor_id=by.person_id,
        actor_organisation_id=subject.acts_for(by),
        on_behalf=by.on_behalf,
        at=at,
        visibility=happening.visibility,
        data=data,
        **subject.shared_columns(),
    )
    event.digest, subject.head = chain(bytes(subject.head), event)
    if not body:
        return event, None
    return event, type(subject).WORDS(event=event, salt=salt, body=body, **subject.shared_columns())  # type: ignore[misc]


def _event_id(subject: Subject) -> uuid.UUID:
    """The id that came with the lock, or with the place; another one from PostgreSQL when it has been used."""
    spare: uuid.UUID | None = subject.__dict__.pop("spare_id", None)
    if spare is not None:
        return spare
    with connection.cursor() as cursor:
        cursor.execute("SELECT uuidv7()")
        fresh: uuid.UUID = cursor.fetchone()[0]
    return fresh


def _fact(value: Any) -> Any:
    """`value` as the chain keeps it: JSON without floats, so that its bytes are the same everywhere."""
    match value:
        case models.Model():
            return str(value.pk)
        case bool() | int() | None:
            return value
        case str():
            return str(value)
        case uuid.UUID() | Decimal() | Promise():
            return str(value)
        case list() | tuple():
            return [_fact(item) for item in value]
        case set() | frozenset():
            return sorted((_fact(item) for item in value), key=str)
        case Mapping():
            return {str(name): _fact(item) for name, item in value.items() if item is not None}
        case _ if hasattr(value, "isoformat"):
            return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be a fact of an event.")


def _parts(subject: Subject) -> list[list[models.Model]]:
    """Update the changed parts, in the order in which they were staged; the new ones, by table."""
    new: dict[type[models.Model], list[models.Model]] = {}
    changed: dict[type[models.Model], list[models.Model]] = {}
    for part in subject.__dict__.pop("_parts", []):
        (new if part._state.adding else changed).setdefault(type(part), []).append(part)
    for model, rows in changed.items():
        if len(rows) == 1:
            names = tuple(field.attname for field in model._meta.concrete_fields if not field.primary_key)
            write_rows(change=Change(rows[0], names))
            continue
        # Rows are there, so that this updates each in its turn; UPDATE knows no order, and a place must be left before it is taken.
        columns = [field.name for field in model._meta.concrete_fields if not field.primary_key]
        model._base_manager.bulk_create(rows, update_conflicts=True, unique_fields=["pk"], update_fields=columns)
    return list(new.values())
