"""The list of call-backs: which residents the street has to ask how it went, and by when."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tickets.api.tickets import actor_of
from tickets.reading import callbacks
from tickets.reading.schemas import LeafNameSerializer, Shape, choice
from tickets.states import State
from web.paging import PageRequest
from web.schema import PAGING, paged


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
                {"type": "string", "enum": list(callbacks.STATUSES), "default": "all"},
                description="`due`: the time for it has not come yet or is running; `overdue`: it has passed.",
            ),
            *PAGING,
        ],
        responses=paged(CallbackRowSerializer),
    )
    def get(self, request: Request) -> Response:
        """Tickets, closed ones too, whose resident has not been called back, the first due first; for staff of the street."""
        status = request.query_params.get("status", "all")
        found = callbacks.CallbackList(status).read(actor_of(request), PageRequest.of(request.query_params))
        return Response(found.envelope())
