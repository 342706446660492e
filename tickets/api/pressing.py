"""The office's lists: what is overdue, and what will be soon."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tickets.access import STREET_KINDS
from tickets.api import representation, schemas
from tickets.api.tickets import actor_of, identifier
from tickets.models import TicketClock
from tickets.models.ticket import NEXT, TicketQuerySet, risk_begins
from tickets.queries import in_street
from web.paging import page
from web.problems import Fault, invalid
from web.schema import PAGING, paged
from web.words import bilingual
from workflow.errors import NotPermitted

HIGHEST_LEVEL = 5
_BAD_LEVEL = bilingual("层级应为 0 至 5 的整数。", "A level is a whole number from 0 to 5.")
_BAD_CATEGORY = bilingual("事项分类代码有误。", "It is no category's code.")
FILTERS = [
    OpenApiParameter(
        "level",
        {"type": "integer", "minimum": 0, "maximum": HIGHEST_LEVEL},
        description="Only this level of escalation.",
    ),
    OpenApiParameter("compound", OpenApiTypes.UUID, description="Only this compound."),
    OpenApiParameter("provider", OpenApiTypes.UUID, description="Only what this organisation holds."),
    OpenApiParameter("category", OpenApiTypes.STR, description="Only this category, by its code."),
]
ROWS = paged(schemas.PressingRowSerializer)


def narrowed(request: Request, tickets: TicketQuerySet) -> TicketQuerySet:
    """Those that the request's filters let through. Raises a 400 Problem."""
    if (level := request.query_params.get("level")) is not None:
        if level not in {str(one) for one in range(HIGHEST_LEVEL + 1)}:
            raise invalid(Fault("level", "invalid", _BAD_LEVEL))
        tickets = tickets.filter(level=int(level))
    if compound := identifier(request, "compound"):
        tickets = tickets.filter(compound=compound)
    if provider := identifier(request, "provider"):
        tickets = tickets.filter(holder=provider)
    if category := request.query_params.get("category"):
        if len(category) > 8 or "\0" in category:
            raise invalid(Fault("category", "invalid", _BAD_CATEGORY))
        tickets = tickets.filter(category__code=category)
    return tickets


def listed(
    request: Request,
    narrow: Callable[[TicketQuerySet, datetime], TicketQuerySet],
    presses: Callable[[TicketClock, datetime], bool],
) -> Response:
    """One page of what `narrow` leaves of the caller's street, each with the clocks that press. Raises NotPermitted."""
    actor = actor_of(request)
    if not any(seat.kind in STREET_KINDS for seat in actor.seats):
        raise NotPermitted()
    tickets = narrow(narrowed(request, in_street(actor)), actor.at)
    found = page(request, tickets.values_list(*representation.ROW, named=True), "next_due_at", "id")
    clocks: dict[Any, list[TicketClock]] = {one.id: [] for one in found.rows}
    for one in TicketClock.objects.running(NEXT).filter(subject__in=clocks):
        if presses(one, actor.at):
            clocks[one.subject_id].append(one)
    rows = [representation.pressing_row(one, clocks[one.id], actor.at) for one in found.rows]
    return Response(found.envelope(rows))


class Overdue(APIView):
    """What is overdue in the street."""

    problems = (403,)

    @extend_schema(operation_id="overdue_list", parameters=[*FILTERS, *PAGING], responses=ROWS)
    def get(self, request: Request) -> Response:
        """Open tickets of which something was due and has not been done, the longest overdue first; for staff of the street."""
        return listed(request, TicketQuerySet.overdue, lambda clock, at: clock.due_at <= at)


class AtRisk(APIView):
    """What will soon be overdue in the street."""

    problems = (403,)

    @extend_schema(operation_id="at_risk_list", parameters=[*FILTERS, *PAGING], responses=ROWS)
    def get(self, request: Request) -> Response:
        """Open tickets with less than a fifth of the time left on something, the next due first; for staff of the street."""
        return listed(request, TicketQuerySet.at_risk, lambda clock, at: risk_begins(clock) <= at)
