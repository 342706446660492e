"""What a street, or a committee over its places, watches: what is late or due soon, where that is, and when tickets were received."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db.models import Count, F, Model, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import TruncHour

from community.models.organisations import COMMITTEE_KINDS, STREET_KINDS
from tickets.models import Ticket
from tickets.reading.filters import Filter, next_due
from tickets.reading.lists import Listing, ScopedList
from tickets.states import Secrecy, TicketType
from workflow.actor import Actor

SOON = timedelta(hours=2)
DAYS = 30
NAMES = ("late", "soon", "today")
"""What is late, what is due within two hours, and what is due later today."""


def watched(actor: Actor) -> str | None:
    """The scope of the tickets that the actor watches over: the street's, else those of their places; None where there are none."""
    kinds = {seat.kind for seat in actor.seats}
    if kinds & STREET_KINDS:
        return "street"
    if "residents_committee" in kinds:
        return "community"
    return "area" if kinds & COMMITTEE_KINDS else None


def moments(now: datetime) -> tuple[datetime, datetime, datetime]:
    """Where the spans of `NAMES` end: now, in two hours, and at midnight, or in two hours where that is later."""
    local = now.astimezone(ZoneInfo(settings.TIME_ZONE))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return now, now + SOON, max(midnight, now + SOON)


def span(name: str, now: datetime) -> tuple[datetime | None, datetime]:
    """After which moment something is due that is in the span of this name, and by which."""
    ends = dict(zip(NAMES, pairwise((None, *moments(now))), strict=True))
    since, until = ends[name]
    assert until is not None
    return since, until


@dataclass(frozen=True, slots=True)
class _FirstOfSpans:
    """Reads the first `each` tickets of every span by the index of due moments."""

    moments: Sequence[datetime]
    each: int

    def __call__(self, rows: QuerySet[Model], keys: Sequence[str], count: int) -> QuerySet[Model]:
        """The first of every span, one after the other."""
        spans = [rows.filter(next_due(one)).order_by(*keys) for one in pairwise((None, *self.moments))]
        try:
            found = [one.values_list("pk")[: self.each].query.sql_with_params() for one in spans]
        except EmptyResultSet:
            return rows.none()
        sql = " UNION ALL ".join(f"({one})" for one, _ in found)
        return rows.filter(pk__in=RawSQL(sql, [value for _, values in found for value in values]))  # noqa: S611


@dataclass(frozen=True, slots=True, kw_only=True)
class MostUrgent(ScopedList):
    """The first `each` open tickets of a scope that are due up to the first of the `moments`, from there to the next, and so on.

    A page of it must have room for all of them.
    """

    moments: Sequence[datetime]
    each: int

    def listing(self, actor: Actor) -> Listing:
        """These tickets, most urgent first."""
        found = ScopedList.listing(self, actor)
        return replace(found, desks=(), first=_FirstOfSpans(self.moments, self.each))


@dataclass(frozen=True, slots=True)
class Pressed:
    """How many tickets of one place are in each span."""

    community: uuid.UUID | None
    community_name: str
    compound: uuid.UUID | None
    compound_name: str
    late: int
    soon: int
    today: int


def pressed(scope: str, actor: Actor) -> list[Pressed]:
    """The places with something that is late or due today, by name. One statement, which reads these tickets alone."""
    ends = moments(actor.at)
    rows = _open(scope, actor, {"next_due": (None, ends[-1])})
    counted = {
        name: Count("pk", filter=next_due(one)) for name, one in zip(NAMES, pairwise((None, *ends)), strict=True)
    }
    places = {"community_name": F("community__name"), "compound_name": F("compound__name")}
    found = (
        rows.values("community", "compound", **places).annotate(**counted).order_by("community_name", "compound_name")
    )
    return [
        Pressed(
            one["community"],
            one["community_name"] or "",
            one["compound"],
            one["compound_name"] or "",
            *(one[name] for name in NAMES),
        )
        for one in found
    ]


def late(actor: Actor, most: int) -> int:
    """How many tickets that the actor watches over are late, counted up to `most`. One statement."""
    scope = watched(actor)
    assert scope is not None
    return _open(scope, actor, {"next_due": span("late", actor.at)})[:most].count()


def supervised(scope: str, actor: Actor) -> int:
    """How many open tickets of the scope are supervised. One statement."""
    return _open(scope, actor, {"supervised": ["true"]}).count()


def _open(scope: str, actor: Actor, narrowed: Mapping[str, object]) -> QuerySet[Any]:
    query = ScopedList(scope=scope, status="open", filter=Filter(narrowed))
    return query.listing(actor).rows.order_by()


@dataclass(frozen=True, slots=True)
class Received:
    """How many tickets were received: on each of the last days, and over all of them by weekday (Monday first) and hour."""

    days: Sequence[tuple[date, int]]
    hours: Sequence[Sequence[int]]


def first_days(now: datetime) -> tuple[datetime, datetime]:
    """Where the days begin of which `received` tells: the first of them, and today."""
    today = now.astimezone(ZoneInfo(settings.TIME_ZONE)).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=DAYS - 1), today


def received_by_hour(
    scope: str, actor: Actor, since: datetime, until: datetime | None = None, *, accusing: bool | None = None
) -> dict[datetime, int]:
    """How many tickets were received in each hour from one midnight to another, or till now. One statement.

    Those that accuse nobody are the same for all who watch over the same places; which `accusing` ones count depends on the actor. Without
    `accusing` both are counted.
    """
    last = {"submitted_to": (until - timedelta(days=1)).date()} if until else {}
    query = ScopedList(scope=scope, status="all", filter=Filter({"submitted_from": since.date(), **last}))
    # Ids rise with the moment of filing, and have the index. Of what is filed since, both ends are named, as in `due_by`.
    rows = query.listing(actor).rows.filter(pk__gte=first_id_of(since)).order_by()
    if accusing is not None:
        rows = rows.filter(accused__empty=not accusing)
    if until is None:
        rows = rows.filter(pk__lt=uuid.UUID(int=2**128 - 1))
    zone = ZoneInfo(settings.TIME_ZONE)
    return dict(rows.values_list(TruncHour("submitted_at", tzinfo=zone)).annotate(Count("pk")))


def received(now: datetime, *counted: Mapping[datetime, int]) -> Received:
    """What was received in the last 30 days, today among them, of what was counted by hour."""
    first, _ = first_days(now)
    days = dict.fromkeys((first.date() + timedelta(days=one) for one in range(DAYS)), 0)
    hours = [[0] * 24 for _ in range(7)]
    for hour, count in (one for several in counted for one in several.items()):
        if hour.date() in days:
            days[hour.date()] += count
            hours[hour.weekday()][hour.hour] += count
    return Received(list(days.items()), hours)


def first_id_of(moment: datetime) -> uuid.UUID:
    """The least id that PostgreSQL may have made at the moment or later."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


def not_for_a_wall(tickets: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the tickets of which strangers who pass a screen must not read the title: secret ones, accusing ones, and hidden words."""
    told = Q(secrecy=Secrecy.OPEN, accused=[], words_hidden="", public_title="") & ~Q(type=TicketType.REPORT)
    return set(Ticket.objects.filter(~told, pk__in=list(tickets)).values_list("pk", flat=True))
