"""Whom a ticket can be given to, and whose tickets a caller's are: the people behind the work."""

import uuid
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from casework.api.inputs import validated
from community.models import Membership, Organisation, Role
from community.models.organisations import STREET_KINDS
from community.phones import PhoneField
from community.receivers import local_day
from tickets.access import Relation
from tickets.actions import look_up, seats_on
from tickets.api import schemas
from tickets.api.tickets import actor_of
from tickets.models import Assignment, Ticket
from tickets.reading.rows import ROW, Gathered
from web.bodies import Body
from web.idempotency import write
from web.limits import Limit
from web.paging import page
from web.schema import PAGING, paged
from web.words import bilingual
from workflow.actor import Actor
from workflow.errors import NotPermitted

# Who does not give others work; where an organisation has nobody else, they do.
HANDS = frozenset({Role.WORKER, Role.MEMBER})


class MemberSerializer(serializers.Serializer[Any]):
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
        actor = actor_of(request)
        if not dispatches(actor, organisation_id):
            raise NotPermitted()
        today = local_day(actor.at)
        seats = Membership.objects.filter(
            Q(ends_on=None) | Q(ends_on__gte=today), organisation=organisation_id, person__is_active=True
        )
        work = Assignment.objects.open().filter(worker=OuterRef("person"), organisation=organisation_id)
        counted = work.order_by().values("worker").annotate(count=Count("pk")).values("count")
        rows: QuerySet[Any] = seats.annotate(work=Coalesce(Subquery(counted), 0)).select_related("person")
        found = page(request, rows, "person__name", "id")
        return Response(
            found.envelope(
                [
                    {
                        "id": one.person_id,
                        "name": one.person.name,
                        "role": one.role,
                        "role_label": one.get_role_display(),
                        "on_duty": one.starts_on <= today,
                        "open": one.work,
                    }
                    for one in found.rows
                ]
            )
        )


def dispatches(actor: Actor, organisation_id: uuid.UUID) -> bool:
    """Whether the actor gives out the work of the organisation: one who dispatches there, or staff of its street, who stand in."""
    mine = [seat for seat in actor.seats if seat.organisation_id == organisation_id]
    if any(seat.role not in HANDS for seat in mine):
        return True
    if mine and not seats_on(local_day(actor.at)).filter(organisation=organisation_id).exclude(role__in=HANDS).exists():
        # Nobody else is there to give it out.
        return True
    streets = {seat.street_id for seat in actor.seats if seat.kind in STREET_KINDS}
    there = Organisation.objects.filter(Q(street__in=streets) | Q(street=None), pk=organisation_id)
    return bool(streets) and there.exists()


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
    def post(self, request: Request) -> Any:
        """The latest 25 tickets of the whole phone number, never anonymous ones; for staff of the street, on record in each."""
        given = validated(CallerBody, request.data)

        def find() -> Response:
            actor = actor_of(request)
            keys = look_up(given["phone"], by=actor)
            gathered = Gathered(Ticket.objects.filter(pk__in=keys).order_by("-id").values_list(*ROW), actor)
            return Response([gathered.row(one, Relation.STREET) for one in gathered.lines])

        return write(find)
