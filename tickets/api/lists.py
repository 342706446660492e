"""Lists of tickets as they are asked for: which rows, in which order, and how the first of them are found."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.db.models.expressions import RawSQL
from rest_framework.request import Request

from tickets.access import READS_FACE, SEES_WHOLE, Relation
from tickets.api import filters
from tickets.api.rows import ASSIGNMENT_ROW, ROW
from tickets.search import Search, Wanted
from web.paging import First, Page, page
from workflow.actor import Actor

R = Relation
BY_DUE, BY_END, BY_AGE = ("next_due_at", "id"), ("-closed_at", "-id"), ("-id",)
KEYS = {"open": BY_DUE, "ended": BY_END, "all": BY_AGE}


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a list, tickets or parts that lead to theirs by `prefix`, in the order of `keys`.

    `made` are columns that the order needs. The rows must hold what is searched for; what `desks` answer for comes first.
    Rows that lie in several `areas` are in the keys' order within each.
    """

    rows: QuerySet[Any]
    keys: tuple[str, ...]
    made: Mapping[str, Any] = field(default_factory=dict)
    prefix: str = ""
    search: Search | None = None
    desks: tuple[uuid.UUID, ...] = ()
    areas: Sequence[uuid.UUID] = ()

    def page(self, request: Request) -> Page[Any]:
        """The page that is asked for: the columns in ROW of each row, for a part after those in ASSIGNMENT_ROW."""
        made = {**self.made, **({"elsewhere": _elsewhere(self.desks)} if self.desks else {})}
        columns = [*(ASSIGNMENT_ROW if self.prefix else ()), *(f"{self.prefix}{name}" for name in ROW)]
        rows = self.rows.annotate(**made).values_list(*columns, *made, named=True)
        keys = ("elsewhere", *self.keys) if self.desks else self.keys
        return page(request, rows, *keys, first=self._first())

    def _first(self) -> First | None:
        if self.search:
            return self.search.first
        if self.desks:
            return _Desks(self.desks)
        return _Areas(self.areas) if len(self.areas) > 1 else None

    def counted(self) -> QuerySet[Any]:
        """All rows, in no order."""
        return self.rows.filter(self.search.indexed()) if self.search else self.rows


def _elsewhere(desks: Sequence[uuid.UUID]) -> Case:
    return Case(When(desk__in=desks, then=Value(0)), default=Value(1), output_field=IntegerField())


@dataclass(frozen=True, slots=True)
class _Desks:
    """Reads the list of some sections by the index of desks, and then what else there is."""

    desks: tuple[uuid.UUID, ...]

    def __call__(self, rows: QuerySet[Any], keys: Sequence[str], count: int) -> QuerySet[Any]:
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

    def __call__(self, rows: QuerySet[Any], keys: Sequence[str], count: int) -> QuerySet[Any]:
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


def narrowed(
    rows: QuerySet[Any],
    given: Mapping[str, Any],
    actor: Actor,
    relation: Relation,
    *,
    status: str,
    keys: tuple[str, ...],
    prefix: str = "",
    desks: tuple[uuid.UUID, ...] = (),
    areas: Sequence[uuid.UUID] = (),
) -> Listing:
    """Those of `rows` that the filters let through, in the order that is asked for, else that of `keys`, `desks` first.

    `relation` is what the reader is to every one of them. A ticket's whole number finds it among `rows` whatever filters stand.
    Raises a 400 Problem for what the list does not take.
    """
    filters.refuse_foreign(given, relation)
    search = search_for(given, relation, prefix)
    if (named := search.named_in(rows)) is not None:
        return Listing(named, ("-ticket_id", "-id") if prefix else BY_AGE, prefix=prefix)
    if relation == R.NEIGHBOUR and search.wanted.is_a_number:
        # Searched for piece by piece, a number that is masked in the text would come out.
        rows = rows.none()
    rows = rows.filter(filters.conditions(given, actor, relation, prefix))
    if relation in READS_FACE and search:
        rows = search.in_faces(rows)
    if not prefix and status != "all":
        rows = rows.filter(**{"next_due_at__isnull" if status == "open" else "closed_at__isnull": False})
    order = filters.order(given.get("sort"), status, prefix)
    if order or search or "desk" in given:
        desks = ()
    if order:
        return Listing(rows, order.keys, order.made, prefix, search or None)
    return Listing(rows, keys, {}, prefix, search or None, desks, areas)


def search_for(given: Mapping[str, Any], relation: Relation, prefix: str = "") -> Search:
    """The search that is asked for, in what somebody in this relation sees."""
    wanted = given.get("q") or Wanted.read("")
    if relation in SEES_WHOLE:
        return Search.whole(wanted, prefix)
    return Search.public(wanted, prefix) if relation == R.NEIGHBOUR else Search.summary(wanted, prefix)
