"""The office's lists: what is overdue, and what will be soon."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tickets.access import STREET_KINDS, Relation
from tickets.api import filters, schemas
from tickets.api.counts import By, counts
from tickets.api.lists import KEYS, Listing, narrowed
from tickets.api.rows import Gathered, pressing_row
from tickets.api.tickets import actor_of
from tickets.inputs import Identifier
from tickets.models import TicketClock
from tickets.models.ticket import TicketQuerySet, risk_begins
from tickets.queries import in_street
from web.schema import PAGING, paged
from workflow.actor import Actor
from workflow.errors import NotPermitted


class PressingQuery(filters.Filters):
    """What narrows and orders the office's lists."""

    provider = Identifier(required=False, help_text="The same as `holder`.")
    sort = filters.SORT


class PressingCountsQuery(By, PressingQuery):
    """What is counted of the office's lists, and by what."""

    sort = None  # type: ignore[assignment]


type Narrow = Callable[[TicketQuerySet, datetime], TicketQuerySet]
ROWS = paged(schemas.PressingRowSerializer)
STREET = Relation.STREET


def listing(given: Mapping[str, Any], actor: Actor, narrow: Narrow) -> Listing:
    """What `narrow` leaves of the caller's street. Raises NotPermitted, or a 400 Problem."""
    if not any(seat.kind in STREET_KINDS for seat in actor.seats):
        raise NotPermitted()
    asked = {**given, **({"holder": given["provider"]} if "provider" in given else {})}
    return narrowed(narrow(in_street(actor), actor.at), asked, actor, STREET, status="open", keys=KEYS["open"])


def listed(request: Request, narrow: Narrow, presses: Callable[[TicketClock, datetime], bool]) -> Response:
    """One page of what `narrow` leaves of the caller's street, each with the clocks that press. Raises NotPermitted."""
    actor, given = actor_of(request), filters.read(request, PressingQuery)
    found = listing(given, actor, narrow).page(request)
    gathered = Gathered(found.rows, actor)
    rows = [pressing_row(line, gathered, lambda clock: presses(clock, actor.at)) for line in gathered.lines]
    return Response(found.envelope(rows))


def counted(request: Request, narrow: Narrow) -> Response:
    """How many `narrow` leaves of the caller's street, by what they are. Raises NotPermitted."""
    actor, given = actor_of(request), filters.read(request, PressingCountsQuery, ())
    by = given.pop("by")
    return Response(counts(lambda some: listing(some, actor, narrow).counted(), given, by, actor, STREET))


class Overdue(APIView):
    """What is overdue in the street."""

    problems = (403,)

    @extend_schema(operation_id="overdue_list", parameters=[PressingQuery, *PAGING], responses=ROWS)
    def get(self, request: Request) -> Response:
        """Open tickets of which something was due and has not been done, the longest overdue first; for staff of the street."""
        return listed(request, TicketQuerySet.overdue, lambda clock, at: clock.due_at <= at)


class OverdueCounts(APIView):
    """How much is overdue in the street."""

    problems = (403,)

    @extend_schema(operation_id="overdue_counts", parameters=[PressingCountsQuery], responses=schemas.CountsSerializer)
    def get(self, request: Request) -> Response:
        """How many tickets are overdue, by what they are: exact to 999, "999+" beyond."""
        return counted(request, TicketQuerySet.overdue)


class AtRisk(APIView):
    """What will soon be overdue in the street."""

    problems = (403,)

    @extend_schema(operation_id="at_risk_list", parameters=[PressingQuery, *PAGING], responses=ROWS)
    def get(self, request: Request) -> Response:
        """Open tickets with less than a fifth of the time left on something, the next due first; for staff of the street."""
        return listed(request, TicketQuerySet.at_risk, lambda clock, at: risk_begins(clock) <= at)


class AtRiskCounts(APIView):
    """How much will soon be overdue in the street."""

    problems = (403,)

    @extend_schema(operation_id="at_risk_counts", parameters=[PressingCountsQuery], responses=schemas.CountsSerializer)
    def get(self, request: Request) -> Response:
        """How many tickets are at risk, by what they are: exact to 999, "999+" beyond."""
        return counted(request, TicketQuerySet.at_risk)
