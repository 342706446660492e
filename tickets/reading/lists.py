"""Lists of tickets as plain query objects: which rows somebody asks for, what narrows and orders them, and what each row shows.

API and pages read the same objects from their addresses (`tickets.reading.parameters`). `read` gives a page of documents, `counts` in
`tickets.reading.counts` how many rows there are.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, ClassVar, Self

from django.core.exceptions import EmptyResultSet
from django.db.models import Case, IntegerField, Model, QuerySet, Value, When
from django.db.models.expressions import RawSQL

from community.models.organisations import COMMITTEE_KINDS, STREET_KINDS
from tickets.access import READS_FACE, RESIDENTS, SEES_WHOLE, Relation
from tickets.models.ticket import TicketQuerySet, risk_begins
from tickets.queries import (
    areas_of,
    communities_of,
    coordinated_by,
    followed_by,
    in_compound,
    in_street,
    inspected_by,
    on_a_committee,
    past,
    queue,
    reported_by,
    within,
    within_communities,
)
from tickets.reading import worded
from tickets.reading.columns import PageShape
from tickets.reading.filters import Filter, order, refuse_foreign
from tickets.reading.rows import Gathered, PressingClock
from tickets.search import Search
from web.paging import First, Page, PageRequest
from web.problems import Fault, invalid
from web.words import bilingual
from workflow.actor import Actor
from workflow.errors import NotPermitted

R = Relation
BY_DUE, BY_END, BY_AGE = ("next_due_at", "id"), ("-closed_at", "-id"), ("-id",)
KEYS = {"open": BY_DUE, "ended": BY_END, "all": BY_AGE}
_NEEDS_COMPOUND = bilingual("请注明小区。", "Name the compound.")


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a list, tickets or parts that lead to theirs by `prefix`, in the order of `keys`.

    `relation` is what the reader is to each of them. `made` are columns that the order needs. The rows must hold what is searched for;
    what `desks` answer for comes first. Rows that lie in several `areas` are in the keys' order within each. `first` finds the
    first rows in a way of the list's own.
    """

    rows: QuerySet[Model]
    relation: Relation
    keys: tuple[str, ...]
    made: Mapping[str, object] = field(default_factory=dict)
    prefix: str = ""
    search: Search | None = None
    desks: tuple[uuid.UUID, ...] = ()
    areas: Sequence[uuid.UUID] = ()
    first: First[Any] | None = None

    def read(self, actor: Actor, asked: PageRequest) -> Page[dict[str, Any]]:
        """A page of tickets as the actor may see them. One statement. Raises a 400 Problem for a bad cursor or limit."""
        found = worded.listed(self, asked, actor.at)
        gathered = Gathered(found.rows, actor)
        return found.of(gathered.tickets(self.relation))

    def columns(self) -> QuerySet[Any]:
        """The rows with the columns of their shape alone."""
        return self.rows.annotate(**self._all_made()).values_list(*self.shape().columns)

    def shape(self) -> PageShape:
        """Which columns these are."""
        keys, _ = self.order()
        return PageShape(self.relation, bool(self.prefix), tuple(self._all_made()), keys)

    def _all_made(self) -> dict[str, object]:
        return {**self.made, **({"elsewhere": _elsewhere(self.desks)} if self.desks else {})}

    def order(self) -> tuple[tuple[str, ...], First[Any] | None]:
        """The keys that give the order, and what finds the first rows in a way of its own."""
        return (("elsewhere", *self.keys) if self.desks else self.keys), self._first()

    def _first(self) -> First[Any] | None:
        if self.first:
            return self.first
        if self.search:
            return self.search.first
        if self.desks:
            return _Desks(self.desks)
        return _Areas(self.areas) if len(self.areas) > 1 else None

    def counted(self) -> QuerySet[Model]:
        """All rows, in no order."""
        return self.rows.filter(self.search.indexed()) if self.search else self.rows


def _elsewhere(desks: Sequence[uuid.UUID]) -> Case:
    return Case(When(desk__in=desks, then=Value(0)), default=Value(1), output_field=IntegerField())


@dataclass(frozen=True, slots=True)
class _Desks:
    """Reads the list of some sections by the index of desks, and then what else there is."""

    desks: tuple[uuid.UUID, ...]

    def __call__(self, rows: QuerySet[Model], keys: Sequence[str], count: int) -> QuerySet[Model]:
        """The first `count` of both, one after the other."""
        rest = keys[1:]
        own, others = rows.filter(desk__in=self.desks), rows.exclude(desk__in=self.desks)
        try:
            (first, of_first), (then, of_then) = (
                one.order_by(*rest).values_list("pk")[:count].query.sql_with_params() for one in (own, others)
            )
        except EmptyResultSet:
            return rows.none()
        sql = f"""
WITH own AS MATERIALIZED ({first})
SELECT * FROM own UNION ALL SELECT * FROM ({then}) AS others WHERE (SELECT count(*) FROM own) < {count}
"""  # noqa: S608 - Django's own words, and parameters are bound
        return rows.filter(pk__in=RawSQL(sql, (*of_first, *of_then)))  # noqa: S611


@dataclass(frozen=True, slots=True)
class _Areas:
    """Reads each area by its index: together, PostgreSQL would read all that lies in them and put it in order."""

    areas: Sequence[uuid.UUID]

    def __call__(self, rows: QuerySet[Model], keys: Sequence[str], count: int) -> QuerySet[Model]:
        """The first `count` of each, which hold the first of all."""
        try:
            found = [
                rows.filter(area=area).order_by(*keys).values_list("pk")[:count].query.sql_with_params()
                for area in self.areas
            ]
        except EmptyResultSet:
            return rows.none()
        sql = " UNION ALL ".join(f"({one})" for one, _ in found)
        return rows.filter(pk__in=RawSQL(sql, [value for _, values in found for value in values]))  # noqa: S611


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketQuery:
    """A list that somebody asks for, narrowed by `filter` and ordered by `sort`, the name of a column with or without a minus."""

    filter: Filter = field(default_factory=Filter)
    sort: str | None = None
    prefix: ClassVar[str] = ""

    @property
    def wide(self) -> bool:
        """Whether it has the open tickets of a whole street, so that counting finds the rows of each value by index."""
        return False

    def asks_first(self, actor: Actor) -> bool:
        """Whether the database is asked something before the rows are known: which areas the actor's committees have."""
        return False

    def without(self, name: str) -> Self:
        """The same list, without one of the values that narrow it."""
        return replace(self, filter=self.filter.without(name))

    def listing(self, actor: Actor) -> Listing:
        """The rows that the actor may see of it. Raises a 400 Problem for what the list does not take, or NotPermitted."""
        raise NotImplementedError

    def read(self, actor: Actor, asked: PageRequest) -> Page[dict[str, object]]:
        """A page of it, each row as the actor may see it. Raises what `listing` raises, and a 400 Problem for a bad cursor."""
        raise NotImplementedError

    def _narrowed(
        self,
        rows: QuerySet[Model],
        actor: Actor,
        relation: Relation,
        *,
        status: str,
        keys: tuple[str, ...],
        desks: tuple[uuid.UUID, ...] = (),
        areas: Sequence[uuid.UUID] = (),
    ) -> Listing:
        """Those of `rows` that the filter lets through, in the order that is asked for, else that of `keys`, `desks` first.

        `relation` is what the reader is to every one of them. A ticket's whole number finds it among `rows` whatever filters stand.
        """
        prefix = self.prefix
        refuse_foreign(self.filter.values, relation)
        search = self._search(relation)
        if (named := search.named_in(rows)) is not None:
            return Listing(named, relation, ("-ticket_id", "-id") if prefix else BY_AGE, prefix=prefix)
        if relation == R.NEIGHBOUR and search.wanted.is_a_number:
            # Searched for piece by piece, a number that is masked in the text would come out.
            rows = rows.none()
        rows = rows.filter(self.filter.conditions(actor, relation, prefix))
        if relation in READS_FACE and search:
            rows = search.in_faces(rows)
        if not prefix and status != "all":
            rows = rows.filter(**{"next_due_at__isnull" if status == "open" else "closed_at__isnull": False})
        ordered = order(self.sort, status, prefix)
        if ordered or search or "desk" in self.filter.values:
            desks = ()
        if ordered:
            return Listing(rows, relation, ordered.keys, ordered.made, prefix, search or None)
        return Listing(rows, relation, keys, {}, prefix, search or None, desks, areas)

    def _search(self, relation: Relation) -> Search:
        """The search that is asked for, in what somebody in this relation sees."""
        wanted = self.filter.wanted
        if relation in SEES_WHOLE:
            return Search.whole(wanted, self.prefix)
        return Search.public(wanted, self.prefix) if relation == R.NEIGHBOUR else Search.summary(wanted, self.prefix)


SCOPES: Mapping[str, Relation] = {
    "mine": R.REPORTER,
    "followed": R.FOLLOWER,
    "compound": R.NEIGHBOUR,
    "area": R.COMMITTEE,
    "community": R.COMMUNITY,
    "coordinating": R.COORDINATOR,
    "inspected": R.INSPECTOR,
    "street": R.STREET,
}
"""What the reader is to every ticket of each list."""
_ALL_OF_THEM = frozenset({"mine", "followed", "compound"})
_OF_AREAS = frozenset({"area", "community"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopedList(TicketQuery):
    """The tickets to which the reader stands in the relation of the `scope`; without a `status` all of them, or the open ones."""

    scope: str = "mine"
    status: str | None = None

    @property
    def wide(self) -> bool:
        """Whether it has the open tickets of a whole street."""
        return self.scope == "street" and self.status in (None, "open")

    def asks_first(self, actor: Actor) -> bool:
        """Whether it has the rows of areas."""
        return self.scope in _OF_AREAS or (self.scope == "coordinating" and on_a_committee(actor))

    def listing(self, actor: Actor) -> Listing:
        """The tickets of the scope. Raises a 400 Problem."""
        tickets, areas = self._tickets(actor)
        status = self.status or ("all" if self.scope in _ALL_OF_THEM else "open")
        desks = _sections(actor) if self.scope == "street" and status == "open" else ()
        relation = SCOPES[self.scope]
        return self._narrowed(tickets, actor, relation, status=status, keys=KEYS[status], desks=desks, areas=areas)

    def _tickets(self, actor: Actor) -> tuple[TicketQuerySet, Sequence[uuid.UUID]]:
        """The tickets of the scope, and in which areas they lie where that leads to an index."""
        match self.scope:
            case "mine":
                return reported_by(actor), ()
            case "followed":
                return followed_by(actor), ()
            case "compound":
                if "compound" not in self.filter.values:
                    raise invalid(Fault("compound", "required", _NEEDS_COMPOUND))
                return in_compound(self.filter.values["compound"], actor), ()
            case "area":
                areas = areas_of(actor)
                return within(areas), areas
            case "community":
                communities, areas = communities_of(actor)
                return within_communities(communities, areas), areas
            case "coordinating":
                return coordinated_by(actor), ()
            case "inspected":
                return inspected_by(actor), ()
        return in_street(actor), ()

    def read(self, actor: Actor, asked: PageRequest) -> Page[dict[str, object]]:
        """A page of it; residents also read how much of each ticket's news they have not read."""
        relation, found = worded.page(self, actor, asked)
        gathered = Gathered(found.rows, actor)
        if relation in RESIDENTS and actor.person_id:
            gathered.mark_unread(actor.person_id)
        return found.of(gathered.tickets(relation))


def _sections(actor: Actor) -> tuple[uuid.UUID, ...]:
    """The sections of the street that the actor sits in; none for somebody who sits in the office itself."""
    kinds = {seat.organisation_id: seat.kind for seat in actor.seats if seat.kind in STREET_KINDS}
    return () if "street_office" in kinds.values() else tuple(sorted(kinds))


_PARTS = {"open": queue, "ended": past}
# Members of an organisation with a part see the whole ticket, and its summary once the part is over.
_QUEUE_SEES = {"open": R.HOLDER, "ended": R.PAST_HOLDER}
_QUEUE_KEYS = {"open": ("next_due_at", "ticket_id", "id"), "ended": ("-closed_at", "-ticket_id", "-id")}


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueList(TicketQuery):
    """The parts that the reader's organisations have in tickets, or one `organisation`, in one of the `roles` where some are named."""

    status: str = "open"
    organisation: uuid.UUID | None = None
    roles: Sequence[str] | None = None
    prefix: ClassVar[str] = "ticket__"

    def listing(self, actor: Actor) -> Listing:
        """The parts. A ticket's whole number finds those of the other status, too, where this one has none. Raises a 400 Problem."""
        status, other = self.status, "ended" if self.status == "open" else "open"
        rows = _PARTS[status](actor, self.organisation)
        if self.filter.wanted.codes:
            search = self._search(_QUEUE_SEES[status])
            others = _PARTS[other](actor, self.organisation)
            if search.named_in(rows) is None and search.named_in(others) is not None:
                status, rows = other, others
        if self.roles is not None:
            rows = rows.filter(role__in=self.roles)
        return self._narrowed(rows, actor, _QUEUE_SEES[status], status=status, keys=_QUEUE_KEYS[status])

    def read(self, actor: Actor, asked: PageRequest) -> Page[dict[str, object]]:
        """A page of it: each part with its ticket, as the part lets it be seen."""
        relation, found = worded.page(self, actor, asked)
        gathered = Gathered(found.rows, actor)
        return found.of(gathered.parts(None if relation == _QUEUE_SEES["open"] else relation))


class Pressing(StrEnum):
    """What presses: something was due and has not been done, or less than a fifth of the time for it is left."""

    OVERDUE = "overdue"
    AT_RISK = "at_risk"


@dataclass(frozen=True, slots=True, kw_only=True)
class PressingList(TicketQuery):
    """The open tickets that press, of those that the reader watches over: the street's, or what their committees coordinate."""

    which: Pressing

    def asks_first(self, actor: Actor) -> bool:
        """Whether it has the rows of areas."""
        return on_a_committee(actor)

    def listing(self, actor: Actor) -> Listing:
        """The tickets that press. Raises NotPermitted, or a 400 Problem."""
        tickets, relation = _watched_by(actor)
        narrow = {Pressing.OVERDUE: TicketQuerySet.overdue, Pressing.AT_RISK: TicketQuerySet.at_risk}[self.which]
        return self._narrowed(narrow(tickets, actor.at), actor, relation, status="open", keys=KEYS["open"])

    def read(self, actor: Actor, asked: PageRequest) -> Page[dict[str, object]]:
        """A page of it, each ticket with the clocks that press."""
        relation, found = worded.page(self, actor, asked)
        gathered = Gathered(found.rows, actor)

        def presses(clock: PressingClock) -> bool:
            return (clock.due_at if self.which == Pressing.OVERDUE else risk_begins(clock)) <= actor.at

        return found.of(gathered.pressing(relation, presses))


def _watched_by(actor: Actor) -> tuple[TicketQuerySet, Relation]:
    """The tickets whose time the actor watches over, and what they are to them. Raises NotPermitted."""
    kinds = {seat.kind for seat in actor.seats}
    if kinds & STREET_KINDS:
        return in_street(actor), R.STREET
    if kinds & COMMITTEE_KINDS:
        return coordinated_by(actor), R.COORDINATOR
    raise NotPermitted()
