"""SQL of list pages, compiled once for each shape of a list.

Compiling a list's query takes the ORM longer than answering it takes PostgreSQL. Two lists have the same shape if they differ only in
ids, moments and search words: the same scope, filters and order, and the same kinds of seats. The first list of a shape is compiled with
stand-ins for these values. Its SQL is kept, and every list of that shape runs it with values of its own.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Field

from community.receivers import local_day
from tickets.access import Relation
from tickets.reading.columns import PageLine, PageShape
from tickets.reading.filters import Filter
from tickets.search import Wanted
from web.paging import Page, PageRequest
from workflow.actor import Actor, Seat

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from tickets.reading.lists import Listing, TicketQuery

MOST_SHAPES = 1000
"""How many shapes a process keeps before it begins anew."""
_IDS = uuid.UUID("57a4d142-0000-4000-8000-000000000000")
_MOMENTS = datetime(4242, 4, 2, tzinfo=UTC)
_STEP = timedelta(seconds=1)
_OF_POSITIONS = 4_242
_KINDS = (uuid.UUID, datetime)


# Each is one object, so that shapes are compared quickly.
@cache
def _id(number: int) -> uuid.UUID:
    return uuid.UUID(int=_IDS.int + number)


@cache
def _moment(number: int) -> datetime:
    return _MOMENTS + number * _STEP


@cache
def _names(kind: type["DataclassInstance"]) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind))


class _Unlike(Exception):
    """The list has something in it that no other list of its shape need have: it is worded each time."""


@dataclass(slots=True)
class _Standins:
    """The stand-ins of a list's ids, moments and search words, in the order in which they are met; equal values have the same one."""

    known: dict[object, object] = field(default_factory=dict)

    def of(self, value: Any) -> Any:
        """The stand-in of an id or a moment, of each in a list, or of each word of a search; anything else as it is."""
        if isinstance(value, _KINDS):
            return self._kept(value)
        if isinstance(value, Wanted):
            return Wanted(tuple(self._kept(one) for one in value.words), value.codes)
        return [self.of(one) for one in value] if isinstance(value, (list, tuple)) else value

    def _kept(self, value: uuid.UUID | datetime | str) -> Any:
        if value not in self.known:
            self.known[value] = self._next(value)
        return self.known[value]

    def _next(self, value: uuid.UUID | datetime | str) -> object:
        number = len(self.known)
        if isinstance(value, uuid.UUID):
            return _id(number)
        if isinstance(value, datetime):
            return _moment(number)
        # A list treats words with digits in a row differently.
        return f"{'000' if Wanted((value,), ()).is_a_number else ''}\N{CURRENCY SIGN}{number}"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a statement takes a value from: the number of the value in the list, or of the key in the page's position."""

    number: int
    of_position: bool = False
    kind: Callable[[Any], object] | None = None


@dataclass(frozen=True, slots=True)
class _Wording:
    """The statement of a shape: its parameters after the day, and where the keys of its order stand in a row."""

    sql: str
    parameters: tuple[object, ...]
    shape: PageShape
    places: tuple[int, ...]
    keys: tuple["Field[Any, Any]", ...]

    def read(self, asked: PageRequest, at: datetime, parameters: Sequence[Any]) -> Page[PageLine]:
        """The page that is asked for, with these values of the parameters."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql, [local_day(at), *parameters])
            rows = cursor.fetchall()
        found = asked.cut(rows, lambda row: [row[place] for place in self.places])
        return found.of([self.shape.line(row) for row in found.rows])


_wordings: dict[tuple[object, ...], _Wording | None] = {}


def page(query: "TicketQuery", actor: Actor, asked: PageRequest) -> tuple[Relation, Page[PageLine]]:
    """What the actor is to every row of a list, and the page that is asked for: its rows.

    Raises what `TicketQuery.listing` raises, and a 400 Problem for a bad cursor or limit.
    """
    standins = _Standins()
    try:
        if query.asks_first(actor):
            raise _Unlike
        shape = _shape(query, actor, asked, standins)
        try:
            wording = _wordings[shape]
        except KeyError:
            wording = _word(*_alike(query, actor, standins), asked, standins)
            # Another thread may do the same meanwhile.
            if len(_wordings) >= MOST_SHAPES:
                _wordings.clear()
            _wordings[shape] = wording
    except _Unlike:
        wording = None
    if wording is None:
        listing = query.listing(actor)
        return listing.relation, listed(listing, asked, actor.at)
    position, values = asked.position(wording.keys), list(standins.known)
    return wording.shape.relation, wording.read(
        asked, actor.at, [_value(one, values, position) for one in wording.parameters]
    )


def listed(listing: "Listing", asked: PageRequest, at: datetime) -> Page[PageLine]:
    """The page of a listing as it is at `at`, worded for it alone.

    One statement. Raises a 400 Problem for a bad cursor or limit.
    """
    keys, _ = listing.order()
    position = asked.position(asked.fields(listing.columns(), keys))
    try:
        wording = _worded(listing, asked, position)
    except EmptyResultSet:
        return asked.cut([], list)
    return wording.read(asked, at, wording.parameters)


def _shape(query: "TicketQuery", actor: Actor, asked: PageRequest, standins: _Standins) -> tuple[object, ...]:
    """The shape of a list for the actor. Raises _Unlike where a ticket's number may be searched for."""
    shape: list[object] = [type(query), str(asked.limit), bool(asked.cursor)]
    for name in _names(type(query)):  # type: ignore[arg-type]  # mypy takes a class for unhashable.
        value = getattr(query, name)
        if isinstance(value, Filter):
            if "q" in value.values and value.wanted.codes:
                raise _Unlike
            narrows = ((name, _hashable(standins.of(wanted))) for name, wanted in value.values.items())
            shape.append(tuple(narrows))
        else:
            shape.append(_hashable(standins.of(value)))
    homes = _homes(actor, standins)
    seats = tuple(tuple(standins.of(getattr(seat, name)) for name in _names(Seat)) for seat in actor.seats)
    standins.of(actor.at)
    return (*shape, standins.of(actor.person_id), seats, homes, actor.clock, actor.on_behalf)


def _homes(actor: Actor, standins: _Standins) -> frozenset[uuid.UUID]:
    """The actor's homes with stand-ins. A home matters to a list only where the list names its compound."""
    return frozenset(standins.of(one) for one in actor.compounds if one in standins.known)


def _alike(query: "TicketQuery", actor: Actor, standins: _Standins) -> tuple["TicketQuery", Actor]:
    """The list and the actor with the stand-ins that their shape has."""
    changed: dict[str, Any] = {}
    for name in _names(type(query)):  # type: ignore[arg-type]  # mypy takes a class for unhashable.
        value = getattr(query, name)
        if isinstance(value, Filter):
            changed[name] = Filter({name: standins.of(wanted) for name, wanted in value.values.items()})
        else:
            changed[name] = standins.of(value)
    homes = _homes(actor, standins)
    seats = tuple(
        replace(seat, **{name: standins.of(getattr(seat, name)) for name in _names(Seat)}) for seat in actor.seats
    )
    person, at = standins.of(actor.person_id), standins.of(actor.at)
    return replace(query, **changed), replace(actor, person_id=person, at=at, seats=seats, compounds=homes)


def _hashable(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _word(query: "TicketQuery", actor: Actor, asked: PageRequest, standins: _Standins) -> _Wording | None:
    """The statement of a list; None where it must be worded each time, since wording it asks the database something, or it has no rows."""
    try:
        with _nothing_asked():
            listing = query.listing(actor)
            fields = asked.fields(listing.columns(), listing.order()[0])
            position = [_standin(one, number) for number, one in enumerate(fields)] if asked.cursor else []
            wording = _worded(listing, asked, position)
    except (_Unlike, EmptyResultSet):
        return None
    places: dict[object, _Place] = {one: _Place(number) for number, one in enumerate(standins.known.values())}
    places |= {one: _Place(number, of_position=True) for number, one in enumerate(position)}
    return replace(wording, parameters=tuple(_placed(one, places) for one in wording.parameters))


def _worded(listing: "Listing", asked: PageRequest, position: Sequence[object]) -> _Wording:
    rows, shape = listing.columns(), listing.shape()
    keys, first = listing.order()
    compiler = asked.narrowed(rows, keys, position, first).query.get_compiler(connection=connection)
    sql, parameters = compiler.as_sql()
    own = compiler.select[: len(compiler.select) - len(shape.made)]
    if compiler.get_converters([expression for expression, *_ in own]):
        raise TypeError("A list has a column that needs converting.")
    return _Wording(shape.around(sql), parameters, shape, shape.places, tuple(asked.fields(rows, keys)))


def _standin(key: "Field[Any, Any]", number: int) -> object:
    """What stands in for the value of a key in a position."""
    match key.get_internal_type():
        case "UUIDField":
            return _id(_OF_POSITIONS + number)
        case "DateTimeField":
            return _moment(_OF_POSITIONS + number)
        case "IntegerField" | "SmallIntegerField" | "PositiveSmallIntegerField":
            return -(_OF_POSITIONS + number)
    raise _Unlike


def _placed(parameter: object, places: Mapping[object, _Place]) -> object:
    """A parameter, or the place that its value comes from."""
    if isinstance(parameter, list | tuple):
        return [_placed(one, places) for one in parameter]
    if not isinstance(parameter, uuid.UUID | datetime | int | str) or parameter not in places:
        return parameter
    # PostgreSQL's driver tells small numbers from large ones by their class.
    return replace(places[parameter], kind=type(parameter)) if isinstance(parameter, int) else places[parameter]


def _value(parameter: object, values: Sequence[object], position: Sequence[object]) -> Any:
    if isinstance(parameter, _Place):
        value = (position if parameter.of_position else values)[parameter.number]
        return value if parameter.kind is None else parameter.kind(value)
    return [_value(one, values, position) for one in parameter] if isinstance(parameter, list) else parameter


def _nothing_asked() -> AbstractContextManager[None]:
    """Stop whatever asks the database something."""

    def stop(*_: object) -> None:
        raise _Unlike

    return connection.execute_wrapper(stop)
