"""How many rows of a list there are, by what they are: exact to 999, and "999+" beyond.

Of a street's open tickets each value is counted by itself and no further than a thousand; indexes find the few rows of a rare one.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, Count, ExpressionWrapper, Model, Q, QuerySet, Value
from django.db.models.expressions import RawSQL

from community.models import Community, Compound, Organisation
from community.models.organisations import STREET_KINDS
from tickets.access import Relation
from tickets.catalogue import leaf_by_id
from tickets.models import Category
from tickets.reading.filters import FACETS_OF_EVERYBODY, Filter, refuse_foreign
from tickets.reading.lists import Listing, TicketQuery
from tickets.states import HIGHEST_LEVEL, Channel, Source, State, SupervisionKind, TicketType
from web.words import Words, bilingual
from workflow.actor import Actor

MOST = 999
LOOKED_AT = 1000
"""How many rows of a list are looked at for a tally, the most urgent first."""
FACETS = (
    *FACETS_OF_EVERYBODY,
    *("desk", "worker", "officer", "compound", "community", "extension_pending", "question_open"),
)
_YES_NO = {"true": bilingual("是", "Yes"), "false": bilingual("否", "No")}
_PEOPLE = {"me": bilingual("我", "Me"), "none": bilingual("未指定", "Nobody")}
_NOT = bilingual("未督办", "Not supervised")
_CHOICES: Mapping[str, type[State] | type[TicketType] | type[Channel]] = {
    "state": State,
    "type": TicketType,
    "channel": Channel,
}


@dataclass(frozen=True, slots=True)
class Facet:
    """The values that are counted, as PostgreSQL compares them, with what each is called; those of `every` also where there are none."""

    column: str
    kind: str
    values: Mapping[Any, tuple[object, Words]]
    every: bool = True


def shown(count: int) -> dict[str, object]:
    """A count for programs and for people."""
    return {"count": min(count, MOST), "shown": f"{MOST}+" if count > MOST else str(count)}


def counts(query: TicketQuery, by: Sequence[str], actor: Actor) -> dict[str, object]:
    """The total of a list, and the count of each value of each facet in `by`. Raises what `TicketQuery.listing` raises."""
    listing = query.listing(actor)
    refuse_foreign(by, listing.relation)
    total, facets = shown(_total(listing)), {}
    for name in by:
        rows = query.without(name).listing(actor).counted()
        facets[name] = _facet(name, rows, actor, listing.relation, query.prefix, wide=query.wide)
    return {"total": total, "facets": facets}


@dataclass(frozen=True, slots=True)
class CountedGroups:
    """How many rows of a list each of several filters lets through, by group of categories.

    `whole`: all rows were looked at. Of a longer list these are the first LOOKED_AT, and there may be more of everything.
    """

    found: Mapping[str, Mapping[str, int]]
    whole: bool

    def shown(self, name: str, groups: Collection[str] | None = None) -> str:
        """For people: how many the filter lets through, of some groups or of all; "12+" where there may be more, and then no zero."""
        found = self.found[name].items()
        return _shown(sum(count for group, count in found if groups is None or group in groups), whole=self.whole)

    def by_group(self, name: str) -> dict[str, str]:
        """For people: how many of each group the filter lets through, where there are any."""
        return {group: _shown(count, whole=self.whole) for group, count in self.found[name].items() if count}


def tally(query: TicketQuery, filters: Mapping[str, Filter], actor: Actor) -> CountedGroups:
    """How many rows of the list each filter lets through, whatever group it is narrowed to. One statement, which reads the first LOOKED_AT.

    Words are looked for in these rows, rather than by their index: of a common word that would gather more.
    """
    query = query.without("group")
    listing = query.listing(actor)
    prefix, rows, holds = query.prefix, listing.rows, Q()
    if listing.search:
        rows, holds = query.without("q").listing(actor).rows, listing.search.holds()
    tested = {
        f"tested_{number}": ExpressionWrapper(Q(Value(True)) & holds & conditions, output_field=BooleanField())
        for number, conditions in enumerate(one.conditions(actor, listing.relation, prefix) for one in filters.values())
    }
    looked = rows.annotate(**tested).order_by(listing.keys[0]).values_list(f"{prefix}category_id", *tested)
    try:
        sql, parameters = looked[: LOOKED_AT + 1].query.sql_with_params()
    except EmptyResultSet:
        return CountedGroups({name: {} for name in filters}, whole=True)
    columns = ", ".join(tested)
    counted = ", ".join(f"count(*) FILTER (WHERE {one})" for one in tested)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT category, count(*), {counted} FROM ({sql}) AS looked (category, {columns}) GROUP BY category",  # noqa: S608
            parameters,
        )
        lines = cursor.fetchall()
    found: dict[str, dict[str, int]] = {name: {} for name in filters}
    for category, _, *several in lines:
        group = leaf_by_id(category).group
        for name, count in zip(filters, several, strict=True):
            found[name][group] = found[name].get(group, 0) + count
    return CountedGroups(found, whole=sum(line[1] for line in lines) <= LOOKED_AT)


def totals(queries: Mapping[str, TicketQuery], actor: Actor) -> dict[str, str]:
    """For people: how many rows each list has; "12+" where words are looked for in more than LOOKED_AT rows, and then no zero.

    One statement, besides those that a list asks first.
    """
    parts: list[str] = []
    parameters: list[Any] = []
    for query in queries.values():
        listing = query.listing(actor)
        rows, counted = _in_order(listing), "count(*), 0"
        if listing.search:
            rows = rows.annotate(holds=listing.search.holds()).values("holds")[: LOOKED_AT + 1]
            counted = "count(*) FILTER (WHERE holds), count(*)"
        else:
            rows = rows.values("pk")[: MOST + 1]
        try:
            sql, bound = rows.query.sql_with_params()
        except EmptyResultSet:
            sql, bound, counted = "SELECT", (), "0, 0"
        parts.append(f"(SELECT ARRAY[{counted}] FROM ({sql}) AS one)")  # noqa: S608 - Django's own words, and parameters are bound
        parameters += bound
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", parameters)
        found = cursor.fetchone()
    return {name: _shown(held, whole=looked <= LOOKED_AT) for name, (held, looked) in zip(queries, found, strict=True)}


def numbers(several: Iterable[QuerySet[Any]]) -> list[int]:
    """How many rows each of these has. One statement."""
    parts: list[str] = []
    parameters: list[Any] = []
    for rows in several:
        try:
            sql, bound = rows.query.sql_with_params()
        except EmptyResultSet:
            sql, bound = "SELECT WHERE false", ()
        parts.append(f"(SELECT count(*) FROM ({sql}) AS one)")  # noqa: S608 - Django's own words, and parameters are bound
        parameters += bound
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", parameters)
        return list(cursor.fetchone())


def _shown(count: int, *, whole: bool) -> str:
    """A count for people; where not all was looked at there may be more."""
    if whole or count > MOST:
        return str(shown(count)["shown"])
    return f"{count}+" if count else ""


def by_holder(query: TicketQuery, actor: Actor) -> dict[uuid.UUID, dict[str, int]]:
    """How many tickets of the list each organisation holds, and how many of these are late. One statement that reads them all."""
    listing = query.listing(actor)
    late = Filter({"late": True}).conditions(actor, listing.relation, query.prefix)
    held = listing.counted().filter(holder__isnull=False).order_by().values("holder")
    found = held.annotate(open=Count("pk"), late=Count("pk", filter=late))
    return {one["holder"]: {"open": one["open"], "late": one["late"]} for one in found}


def _total(listing: Listing) -> int:
    rows = listing.counted().order_by() if listing.search else _in_order(listing)
    return rows.values("pk")[: MOST + 1].count()


def _in_order(listing: Listing) -> QuerySet[Any]:
    """The rows of the list without regard to what is searched for.

    Their order leads PostgreSQL to the index that has it, for it cannot know how many rows it passes until there are enough. Several areas
    have no such index.
    """
    led = len(listing.areas) < 2 and listing.keys[0] not in listing.made
    return listing.rows.order_by(*listing.keys[:1] if led else ())


def _facet(
    name: str, rows: QuerySet[Model], actor: Actor, relation: Relation, prefix: str, *, wide: bool
) -> list[dict[str, object]]:
    if name in ("worker", "officer", "extension_pending", "group"):
        return _by_condition(name, rows, actor, relation, prefix)
    facet = _values(name, rows, actor, prefix)
    column = f"{prefix}{facet.column}"
    found = _by_column(rows, column, facet.kind, list(facet.values)) if wide else _by_group(rows, column)
    merged: dict[object, tuple[Words, int]] = {}
    for value in facet.values:
        (key, label), count = facet.values[value], found.get(value, 0)
        merged[key] = (label, merged.get(key, (label, 0))[1] + count)
    return [
        {"value": str(key), "label": str(label), **shown(count)}
        for key, (label, count) in merged.items()
        if count or facet.every
    ]


def _by_group(rows: QuerySet[Model], column: str) -> dict[object, int]:
    """How many of `rows` have each value that occurs, by one statement that reads them all: of lists that are short."""
    return dict(rows.order_by().values_list(column).annotate(count=Count("pk")))


def _by_column(rows: QuerySet[Model], column: str, kind: str, values: list[object]) -> dict[object, int]:
    """How many of `rows` have each of the values, by one statement."""
    try:
        # The order leads PostgreSQL to the index of the column, for it cannot know which values are rare.
        one = rows.order_by("next_due_at").filter(**{column: RawSQL("facet.value", [])}).values("pk")[: MOST + 1]
        sql, parameters = one.query.sql_with_params()
    except EmptyResultSet:
        return dict.fromkeys(values, 0)
    statement = f"""
SELECT facet.value, (SELECT count(*) FROM ({sql}) AS one) FROM unnest(%s::{kind}[]) WITH ORDINALITY AS facet (value, n) ORDER BY facet.n
"""  # noqa: S608 - Django's own words, and parameters are bound
    with connection.cursor() as cursor:
        cursor.execute(statement, [*parameters, values])
        return dict(cursor.fetchall())


def _by_condition(
    name: str, rows: QuerySet[Model], actor: Actor, relation: Relation, prefix: str
) -> list[dict[str, object]]:
    """How many of `rows` each value of the filter lets through, by one statement."""
    match name:
        case "worker" | "officer":
            labels: Mapping[str, Words] = _PEOPLE
            given: dict[str, object] = {one: one for one in labels}
        case "extension_pending":
            labels, given = _YES_NO, {"true": True, "false": False}
        case _:
            labels = {code: bilingual(zh, en) for code, zh, en in _newest_groups()}
            given = {code: [code] for code in labels}
    wanted = (Filter({name: value}).conditions(actor, relation, prefix) for value in given.values())
    found = numbers(rows.order_by().filter(one).values("pk")[: MOST + 1] for one in wanted)
    return [{"value": key, "label": str(labels[key]), **shown(count)} for key, count in zip(given, found, strict=True)]


def _newest_groups() -> Iterable[tuple[str, str, str]]:
    rows = Category.objects.order_by("group", "-version__number").distinct("group")
    return rows.values_list("group", "group_zh", "group_en")


def _values(name: str, rows: QuerySet[Model], actor: Actor, prefix: str) -> Facet:
    """What a facet's values are, each with its name for the API and its label."""
    match name:
        case "state" | "type" | "channel":
            return Facet(name, "text", {one.value: (one.value, one.label) for one in _CHOICES[name]})
        case "source":
            return Facet(
                "channel", "text", {one.value: ((found := Source.of(one)).value, found.label) for one in Channel}
            )
        case "level":
            return Facet("level", "int", {one: (one, f"L{one}") for one in range(HIGHEST_LEVEL + 1)})
        case "urgent" | "question_open":
            return Facet(name, "bool", {one: (str(one).lower(), _YES_NO[str(one).lower()]) for one in (True, False)})
        case "supervised":
            kinds = {one.value: (one.value, one.label) for one in SupervisionKind}
            return Facet("supervised", "text", {**kinds, "": ("false", _NOT)})
        case "category":
            leaves = Category.objects.order_by("code").values_list("pk", "code", "name_zh", "name_en")
            return Facet("category_id", "uuid", {pk: (code, bilingual(zh, en)) for pk, code, zh, en in leaves}, False)
    return Facet(f"{name}_id", "uuid", _named(name, rows, actor, prefix), False)


def _named(name: str, rows: QuerySet[Model], actor: Actor, prefix: str) -> dict[uuid.UUID, tuple[uuid.UUID, str]]:
    """The places or organisations that may stand in a column: those of the reader's streets, else those that do."""
    model: Any = {"compound": Compound, "community": Community}.get(name, Organisation)
    streets = {seat.street_id for seat in actor.seats if seat.kind in STREET_KINDS}
    if streets and not prefix:
        wanted = model.objects.filter(street__in=streets)
        if model is Organisation:
            wanted = wanted | model.objects.filter(street=None)
    else:
        wanted = model.objects.filter(pk__in=rows.order_by().values(f"{prefix}{name}"))
    return {pk: (pk, said) for pk, said in wanted.order_by("name").values_list("pk", "name")}
