"""Whom a ticket can be given to, and whose tickets a caller's are: the people behind the work."""

import uuid

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from casework.api.inputs import validated
from community.models import Role
from community.phones import PhoneField
from tickets.access import Relation
from tickets.actions import look_up
from tickets.api.tickets import actor_of
from tickets.models import Ticket
from tickets.reading import schemas
from tickets.reading.lists import Listing
from tickets.reading.members import members
from web.bodies import Body
from web.idempotency import write
from web.limits import Limit
from web.paging import PageRequest
from web.schema import PAGING, paged
from web.words import bilingual


class MemberSerializer(serializers.Serializer[object]):
    """Somebody who works in an organisation."""

    id = serializers.UUIDField(help_text="The person.")
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)
    role_label = serializers.CharField()
    on_duty = serializers.BooleanField(help_text="Their seat is live today; else it begins later.")
    open = serializers.IntegerField(help_text="How many open tickets of the organisation they work on.")


class Members(APIView):
    """The people of an organisation."""

    problems = (403,)

    @extend_schema(operation_id="organisation_members", parameters=[*PAGING], responses=paged(MemberSerializer))
    def get(self, request: Request, organisation_id: uuid.UUID) -> Response:
        """Who works there, in which role, and on how many open tickets; for those who dispatch there, and staff of the street."""
        found = members(actor_of(request), organisation_id, PageRequest.of(request.query_params))
        return Response(found.envelope())


class CallerBody(Body):
    """The phone number of the caller."""

    phone = PhoneField(
        label=bilingual("来电号码", "Phone number"), help_text=bilingual("完整号码。", "The whole number.")
    )


class CallerLimit(Limit):
    """Above the calls that a desk takes in an hour, and far below what guessing numbers needs."""

    scope = "callers"
    requests = 120
    seconds = 3600


class Callers(APIView):
    """The tickets of somebody who calls."""

    problems = (403,)
    throttle_classes = [CallerLimit]

    @extend_schema(
        operation_id="callers_find",
        request=CallerBody,
        responses=schemas.TicketRowSerializer(many=True),
    )
    def post(self, request: Request) -> HttpResponse:
        """The latest 25 tickets of the whole phone number, never anonymous ones; for staff of the street, on record in each."""
        given = validated(CallerBody, request.data)

        def find() -> Response:
            actor = actor_of(request)
            keys = look_up(given["phone"], by=actor)
            found = Listing(Ticket.objects.filter(pk__in=keys), Relation.STREET, ("-id",))
            return Response(found.read(actor, PageRequest()).rows)

        return write(find)
