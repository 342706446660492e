"""How many rows of a list there are, by what they are: exact to 999, and "999+" beyond.

Of a street's open tickets each value is counted by itself and no further than a thousand; indexes find the few rows of a rare one.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, Model, QuerySet
from django.db.models.expressions import RawSQL

from community.models import Community, Compound, Organisation
from community.models.organisations import STREET_KINDS
from tickets.access import Relation
from tickets.catalogue import leaf_by_id
from tickets.models import Category
from tickets.reading.filters import FACETS_OF_EVERYBODY, Filter, refuse_foreign
from tickets.reading.lists import TicketQuery
from tickets.states import HIGHEST_LEVEL, Channel, Source, State, SupervisionKind, TicketType
from web.words import Words, bilingual
from workflow.actor import Actor

MOST = 999
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
    total, facets = shown(_total(listing.counted())), {}
    for name in by:
        rows = query.without(name).listing(actor).counted()
        facets[name] = _facet(name, rows, actor, listing.relation, query.prefix, wide=query.wide)
    return {"total": total, "facets": facets}


def groups(query: TicketQuery, actor: Actor) -> list[dict[str, object]]:
    """The groups of categories that the list has, whatever group it is narrowed to. One statement that reads all of it: of short lists."""
    rows = query.without("group").listing(actor).counted()
    found: dict[str, tuple[Words, int]] = {}
    for category, count in _by_group(rows, f"{query.prefix}category_id").items():
        leaf = leaf_by_id(category)  # type: ignore[arg-type]
        found[leaf.group] = (leaf.group_name, found.get(leaf.group, ("", 0))[1] + count)
    return [{"value": code, "label": str(label), **shown(count)} for code, (label, count) in sorted(found.items())]


def let_through(query: TicketQuery, filters: Mapping[str, Filter], actor: Actor) -> dict[str, int]:
    """How many rows of the list each filter lets through. One statement that reads them all: of lists that are short."""
    listing = query.listing(actor)
    wanted = {
        name: Count("pk", filter=one.conditions(actor, listing.relation, query.prefix)) if one.values else Count("pk")
        for name, one in filters.items()
    }
    return dict(listing.counted().order_by().aggregate(**wanted))


def by_holder(query: TicketQuery, actor: Actor) -> dict[uuid.UUID, dict[str, int]]:
    """How many tickets of the list each organisation holds, and how many of these are late. One statement that reads them all."""
    listing = query.listing(actor)
    late = Filter({"late": True}).conditions(actor, listing.relation, query.prefix)
    held = listing.counted().filter(holder__isnull=False).order_by().values("holder")
    found = held.annotate(open=Count("pk"), late=Count("pk", filter=late))
    return {one["holder"]: {"open": one["open"], "late": one["late"]} for one in found}


def _total(rows: QuerySet[Model]) -> int:
    return rows.order_by().values("pk")[: MOST + 1].count()


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
    parts: list[str] = []
    parameters: list[Any] = []
    for value in given.values():
        wanted = rows.order_by().filter(Filter({name: value}).conditions(actor, relation, prefix))
        try:
            sql, bound = wanted.values("pk")[: MOST + 1].query.sql_with_params()
        except EmptyResultSet:
            sql, bound = "SELECT 1 WHERE false", ()
        parts.append(f"(SELECT count(*) FROM ({sql}) AS one)")  # noqa: S608 - Django's own words, and parameters are bound
        parameters += bound
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", parameters)
        found = cursor.fetchone()
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
