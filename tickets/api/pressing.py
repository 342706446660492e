"""The office's lists: what is overdue, and what will be soon."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tickets.api.tickets import actor_of
from tickets.reading import parameters, schemas
from tickets.reading.counts import counts
from tickets.reading.lists import Pressing
from tickets.reading.parameters import PressingCountsQuery, PressingQuery
from web.paging import PageRequest
from web.schema import PAGING, paged

ROWS = paged(schemas.PressingRowSerializer)


def listed(request: Request, which: Pressing) -> Response:
    """One page of the tickets that press. Raises NotPermitted, or a 400 Problem."""
    query = parameters.pressing_list(request.query_params, which)
    return Response(query.read(actor_of(request), PageRequest.of(request.query_params)).envelope())


def counted(request: Request, which: Pressing) -> Response:
    """How many tickets press, by what they are. Raises NotPermitted, or a 400 Problem."""
    query, by = parameters.pressing_counts(request.query_params, which)
    return Response(counts(query, by, actor_of(request)))


class Overdue(APIView):
    """What is overdue in the street."""

    problems = (403,)

    @extend_schema(operation_id="overdue_list", parameters=[PressingQuery, *PAGING], responses=ROWS)
    def get(self, request: Request) -> Response:
        """Open tickets of which something was due and has not been done, the longest overdue first.

        Staff of the street read the street's, a committee what it coordinates itself.
        """
        return listed(request, Pressing.OVERDUE)


class OverdueCounts(APIView):
    """How much is overdue in the street."""

    problems = (403,)

    @extend_schema(operation_id="overdue_counts", parameters=[PressingCountsQuery], responses=schemas.CountsSerializer)
    def get(self, request: Request) -> Response:
        """How many tickets are overdue, by what they are: exact to 999, "999+" beyond."""
        return counted(request, Pressing.OVERDUE)


class AtRisk(APIView):
    """What will soon be overdue in the street."""

    problems = (403,)

    @extend_schema(operation_id="at_risk_list", parameters=[PressingQuery, *PAGING], responses=ROWS)
    def get(self, request: Request) -> Response:
        """Open tickets with less than a fifth of the time left on something, the next due first.

        Staff of the street read the street's, a committee what it coordinates itself.
        """
        return listed(request, Pressing.AT_RISK)


class AtRiskCounts(APIView):
    """How much will soon be overdue in the street."""

    problems = (403,)

    @extend_schema(operation_id="at_risk_counts", parameters=[PressingCountsQuery], responses=schemas.CountsSerializer)
    def get(self, request: Request) -> Response:
        """How many tickets are at risk, by what they are: exact to 999, "999+" beyond."""
        return counted(request, Pressing.AT_RISK)
