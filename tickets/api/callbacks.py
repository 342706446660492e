"""The list of call-backs: which residents the street has to ask how it went, and by when."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from community.models.organisations import STREET_KINDS
from tickets import catalogue
from tickets.api.schemas import LeafNameSerializer, Shape, choice
from tickets.api.tickets import actor_of
from tickets.models import TicketClock
from tickets.reading import deadlines
from tickets.states import State
from tickets.titles import spoken
from web.paging import page
from web.problems import Fault, invalid
from web.schema import PAGING, paged
from web.words import bilingual
from workflow.errors import NotPermitted
from workflow.moves import moves

STATUSES = ("all", "due", "overdue")
_UNKNOWN_STATUS = bilingual("只能是接口说明中列出的值之一。", "It is all, due or overdue.")
_ROW = (
    *("id", "due_at", "subject_id", "subject__code", "subject__state", "subject__title", "subject__place"),
    *("subject__category_id", "subject__urgent", "subject__level", "subject__closed_at", "subject__version"),
    *("subject__holder_id", "subject__holder__name"),
)


class CallbackRowSerializer(Shape):
    """A ticket whose resident is still to be called back."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    state = choice(State)
    state_label = serializers.CharField()
    category = LeafNameSerializer()
    place = serializers.CharField(allow_blank=True)
    title = serializers.CharField()
    urgent = serializers.BooleanField()
    level = serializers.IntegerField()
    version = serializers.IntegerField()
    holder = serializers.UUIDField(allow_null=True)
    holder_name = serializers.CharField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField(help_text="When the matter was promised for; the call is due then.")
    overdue = serializers.BooleanField()
    remaining_seconds = serializers.IntegerField(help_text="Negative when over.")
    possible = serializers.BooleanField(help_text="Whether the call can be recorded in the state of today.")


class Callbacks(APIView):
    """Whom the street has to call back."""

    problems = (403,)

    @extend_schema(
        operation_id="callbacks_list",
        parameters=[
            OpenApiParameter(
                "status",
                {"type": "string", "enum": list(STATUSES), "default": "all"},
                description="`due`: the time for it has not come yet or is running; `overdue`: it has passed.",
            ),
            *PAGING,
        ],
        responses=paged(CallbackRowSerializer),
    )
    def get(self, request: Request) -> Response:
        """Tickets, closed ones too, whose resident has not been called back, the first due first; for staff of the street."""
        actor = actor_of(request)
        streets = {seat.street_id for seat in actor.seats if seat.kind in STREET_KINDS and seat.street_id}
        if not streets:
            raise NotPermitted()
        status = request.query_params.get("status", "all")
        if status not in STATUSES:
            raise invalid(Fault("status", "invalid", _UNKNOWN_STATUS))
        theirs = sorted({seat.organisation_id for seat in actor.seats})
        waiting = TicketClock.objects.callbacks(streets).exclude(subject__accused__overlap=theirs)
        if status != "all":
            late = {"due_at__lte": actor.at} if status == "overdue" else {"due_at__gt": actor.at}
            waiting = waiting.filter(**late)
        found = page(request, waiting.values_list(*_ROW, named=True), "due_at", "id")
        sources = moves(TicketClock.subject.field.related_model)["callback"].sources
        return Response(found.envelope([_row(one, actor.at, sources) for one in found.rows]))


def _row(one: Any, now: Any, sources: Any) -> dict[str, Any]:
    leaf, state = catalogue.leaf_by_id(one.subject__category_id), State(one.subject__state)
    remaining = deadlines.seconds_until(one.due_at, now)
    return {
        "id": one.subject_id,
        "code": one.subject__code,
        "state": state.value,
        "state_label": state.label,
        "category": {"code": leaf.code, "name": leaf.name},
        "place": one.subject__place,
        "title": spoken(one.subject__title),
        "urgent": one.subject__urgent,
        "level": one.subject__level,
        "version": one.subject__version,
        "holder": one.subject__holder_id,
        "holder_name": one.subject__holder__name,
        "closed_at": one.subject__closed_at,
        "due_at": one.due_at,
        "overdue": one.due_at <= now,
        "remaining_seconds": remaining,
        "possible": state in sources,
    }
