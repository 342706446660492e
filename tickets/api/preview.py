"""A forecast: the deadlines that a report would get."""

from dataclasses import replace
from datetime import datetime, timedelta

from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from community.authentication import caller_of
from tickets.access import relations
from tickets.api.tickets import choice, identifier
from tickets.catalogue import NoCatalogue
from tickets.filing import Report, forecast
from tickets.reading import deadlines, schemas
from tickets.states import TicketType, state_label
from web.parameters import missing, with_plus
from web.problems import Fault, invalid
from web.words import bilingual
from workflow import calendars
from workflow.levels import NoServiceLevel

FURTHEST = timedelta(days=5 * 366)
_NO_MOMENT = bilingual(
    "应为带时区的时间，如 2026-10-01T09:00:00+08:00。",
    "It must be a time with its zone, such as 2026-10-01T09:00:00+08:00.",
)
_TOO_FAR = bilingual("时间须在五年以内。", "It must lie within five years from now.")
_TOO_EARLY = bilingual("当时还没有时限标准。", "There was no service level then.")


def moment(request: Request, now: datetime) -> datetime:
    """The query parameter `at`, `now` where it is not given. Raises a 400 Problem."""
    text = request.query_params.get("at")
    if text is None:
        return now
    try:
        at = parse_datetime(with_plus(text))
    except ValueError:
        at = None
    if at is None or at.utcoffset() is None:
        raise invalid(Fault("at", "invalid", _NO_MOMENT))
    # The years by themselves first: at either end of them a moment has no neighbours to compare with.
    if abs(at.year - now.year) > 6 or abs(at - now) > FURTHEST:
        raise invalid(Fault("at", "too_far", _TOO_FAR))
    return at


class Preview(APIView):
    """The deadlines that a report would get."""

    @extend_schema(
        operation_id="service_levels_preview",
        parameters=[
            OpenApiParameter("category", OpenApiTypes.STR, required=True, description="Its code."),
            OpenApiParameter("compound", OpenApiTypes.UUID, description="The place; this or `street` is needed."),
            OpenApiParameter("street", OpenApiTypes.UUID, description="The street on whose public ground it lies."),
            OpenApiParameter("type", OpenApiTypes.STR, enum=TicketType.values, default=TicketType.HELP.value),
            OpenApiParameter(
                "at",
                OpenApiTypes.DATETIME,
                description="When it would be filed, within five years; now where it is left out.",
            ),
        ],
        responses=schemas.ForecastSerializer,
    )
    def get(self, request: Request) -> Response:
        """What would start, and when each would be due, if it were filed then; nothing is written."""
        caller = caller_of(request)
        now = caller.actor.at
        category, at = request.query_params.get("category", ""), moment(request, now)
        compound, street = identifier(request, "compound"), identifier(request, "street")
        absent = [name for name, value in (("category", category), ("compound", compound or street)) if not value]
        if absent:
            raise missing(*absent)
        report = Report(
            type=choice(request, "type", set(TicketType.values), TicketType.HELP),
            category=category,
            text="",
            compound_id=compound,
            street_id=street,
        )
        try:
            ticket, routing = forecast(report, by=replace(caller.actor, at=at), person=caller.person)
        except (NoCatalogue, NoServiceLevel):
            if at >= now:
                raise
            raise invalid(Fault("at", "too_early", _TOO_EARLY)) from None
        document = {
            "at": at,
            "state": str(ticket.state),
            "state_label": state_label(ticket.state, ticket.channel),
            "routed": routing.reason,
            "urgent": ticket.urgent,
            "service_level": ticket.policy,
            "calendar": calendars.newest(ticket.street_id),
            "clocks": deadlines.forecast(ticket, relations(ticket, caller.actor), now),
        }
        return Response(document)
