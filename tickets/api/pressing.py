"""The office's lists: what is overdue, and what will be soon."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from casework.inputs import Identifier
from community.models.organisations import COMMITTEE_KINDS, STREET_KINDS
from tickets.access import Relation
from tickets.api import filters, schemas
from tickets.api.counts import By, counts
from tickets.api.lists import KEYS, Listing, narrowed
from tickets.api.rows import Gathered, Ticking, pressing_row
from tickets.api.tickets import actor_of
from tickets.models.ticket import TicketQuerySet, risk_begins
from tickets.queries import coordinated_by, in_street
from web.bodies import Body
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


def reach(actor: Actor) -> tuple[TicketQuerySet, Relation]:
    """Whose time the caller watches over: the street's, or what their own committees coordinate. Raises NotPermitted."""
    kinds = {seat.kind for seat in actor.seats}
    if kinds & STREET_KINDS:
        return in_street(actor), Relation.STREET
    if kinds & COMMITTEE_KINDS:
        return coordinated_by(actor), Relation.COORDINATOR
    raise NotPermitted()


def asked_for(request: Request, query: type[Body]) -> dict[str, Any]:
    """The filters that are asked for, `provider` by its other name. Raises a 400 Problem."""
    given = filters.read(request, query)
    if (provider := given.pop("provider", None)) is not None:
        given["holder"] = provider
    return given


def listing(given: Mapping[str, Any], actor: Actor, narrow: Narrow) -> Listing:
    """What `narrow` leaves of what the caller watches over. Raises NotPermitted, or a 400 Problem."""
    tickets, relation = reach(actor)
    return narrowed(narrow(tickets, actor.at), given, actor, relation, status="open", keys=KEYS["open"])


def listed(request: Request, narrow: Narrow, presses: Callable[[Ticking, datetime], bool]) -> Response:
    """One page of what `narrow` leaves of what the caller watches over, each with the clocks that press. Raises NotPermitted."""
    actor, given = actor_of(request), asked_for(request, PressingQuery)
    found = listing(given, actor, narrow).page(request)
    gathered, relation = Gathered(found.rows, actor), reach(actor)[1]
    rows = [pressing_row(line, gathered, relation, lambda clock: presses(clock, actor.at)) for line in gathered.lines]
    return Response(found.envelope(rows))


def counted(request: Request, narrow: Narrow) -> Response:
    """How many `narrow` leaves of what the caller watches over, by what they are. Raises NotPermitted."""
    actor, given = actor_of(request), asked_for(request, PressingCountsQuery)
    by = given.pop("by")
    return Response(counts(lambda some: listing(some, actor, narrow).counted(), given, by, actor, reach(actor)[1]))


class Overdue(APIView):
    """What is overdue in the street."""

    problems = (403,)

    @extend_schema(operation_id="overdue_list", parameters=[PressingQuery, *PAGING], responses=ROWS)
    def get(self, request: Request) -> Response:
        """Open tickets of which something was due and has not been done, the longest overdue first.

        Staff of the street read the street's, a committee what it coordinates itself.
        """
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
        """Open tickets with less than a fifth of the time left on something, the next due first.

        Staff of the street read the street's, a committee what it coordinates itself.
        """
        return listed(request, TicketQuerySet.at_risk, lambda clock, at: risk_begins(clock) <= at)


class AtRiskCounts(APIView):
    """How much will soon be overdue in the street."""

    problems = (403,)

    @extend_schema(operation_id="at_risk_counts", parameters=[PressingCountsQuery], responses=schemas.CountsSerializer)
    def get(self, request: Request) -> Response:
        """How many tickets are at risk, by what they are: exact to 999, "999+" beyond."""
        return counted(request, TicketQuerySet.at_risk)
