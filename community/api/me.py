"""Who I am, where I sit and where I live."""

import uuid
from datetime import datetime

from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from community import confirming, homes
from community.api.places import HouseholdSerializer, NamedSerializer, door
from community.api.views import View
from community.authentication import caller_of
from community.models import (
    Compound,
    Confirmation,
    Household,
    Language,
    Organisation,
    OrganisationKind,
    Person,
    Residency,
    Role,
    Tenure,
)
from web.bodies import Body, valid
from web.documents import document
from web.fields import LineField
from web.idempotency import write_once
from web.limits import Limit
from web.problems import Fault, invalid, not_found
from web.schema import IDEMPOTENCY_KEY
from web.words import bilingual

_NO_SUCH_PLACE = bilingual("没有这个地点。", "There is no such place.")


class GuessLimit(Limit):
    """A limit far above what a person mistypes. The exact limit is counted with the codes."""

    scope = "household-code"
    requests = 20
    seconds = 3600


class SeatOrganisationSerializer(NamedSerializer):
    """An organisation I belong to."""

    kind = serializers.ChoiceField(OrganisationKind.choices)
    function = serializers.CharField(allow_blank=True)


class SeatSerializer(serializers.Serializer[object]):
    """A seat of mine that is live today."""

    organisation = SeatOrganisationSerializer()
    role = serializers.ChoiceField(Role.choices)
    street_id = serializers.UUIDField(allow_null=True)


class HomeSerializer(serializers.Serializer[object]):
    """A home of mine."""

    id = serializers.UUIDField()
    compound = NamedSerializer()
    household = HouseholdSerializer(allow_null=True)
    relation = serializers.ChoiceField(Tenure.choices)
    starts_on = serializers.DateField()
    confirmed = serializers.BooleanField(
        help_text="Whether it shows me what neighbours may read. What is only claimed lets me report and follow what I reported."
    )
    confirmed_through = serializers.ChoiceField(
        Confirmation.choices, allow_blank=True, help_text="Empty where it is claimed, or counts because I have stayed."
    )


class MeSerializer(serializers.Serializer[object]):
    """Me."""

    id = serializers.UUIDField()
    phone = serializers.CharField()
    name = serializers.CharField()
    language = serializers.ChoiceField(Language.choices)
    is_staff = serializers.BooleanField(help_text="Whether I may enter the admin.")
    seats = SeatSerializer(many=True)
    homes = HomeSerializer(many=True)


class MePatchSerializer(Body):
    """What I may change about me."""

    name = LineField(max_length=40, required=False)
    language = serializers.ChoiceField(Language.choices, required=False)


class MoveInSerializer(Body):
    """A home I state."""

    compound = serializers.UUIDField()
    household = serializers.UUIDField(required=False, allow_null=True, default=None)
    relation = serializers.ChoiceField(Tenure.choices)


class HouseholdCodeSerializer(Body):
    """The code that was handed to the household."""

    code = LineField(max_length=20)


def home_shown(residency: Residency, at: datetime) -> dict[str, object]:
    """A home, as shown to its person and to those who may confirm it."""
    return document(
        HomeSerializer,
        residency,
        compound=document(NamedSerializer, residency.compound),
        household=residency.household and door(residency.household),
        confirmed=homes.is_confirmed(residency, at),
    )


def _me(request: Request) -> dict[str, object]:
    caller = caller_of(request)
    person, actor = caller.person, caller.actor
    names = Organisation.objects.in_bulk([seat.organisation_id for seat in actor.seats]) if actor.seats else {}
    return document(
        MeSerializer,
        person,
        seats=[
            {
                "organisation": document(
                    SeatOrganisationSerializer, names[seat.organisation_id], kind=seat.kind, function=seat.function
                ),
                "role": seat.role,
                "street_id": seat.street_id,
            }
            for seat in actor.seats
        ],
        homes=[home_shown(home, actor.at) for home in homes.homes(person.id, actor.at)],
    )


class Me(View):
    """The caller."""

    @extend_schema(operation_id="read_me", responses={200: MeSerializer})
    def get(self, request: Request) -> Response:
        """Who I am, with my seats and homes of today."""
        return Response(_me(request))

    @extend_schema(operation_id="change_me", request=MePatchSerializer, responses={200: MeSerializer})
    def patch(self, request: Request) -> Response:
        """Change my name, or the language that Linli writes to me in."""
        if given := valid(MePatchSerializer, request.data):
            Person.objects.filter(id=caller_of(request).person.id).update(**given)
            for name, value in given.items():
                setattr(caller_of(request).person, name, value)
        return Response(_me(request))


class Homes(View):
    """The homes I claim."""

    problems = (409, 429)

    @extend_schema(
        operation_id="move_in",
        request=MoveInSerializer,
        parameters=[IDEMPOTENCY_KEY],
        responses={201: HomeSerializer, 200: HomeSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        """State where I live, and as what, from today on; 200 where just that was stated before.

        It is claimed until the committee, the residents' committee or the street confirms it, or a code of the household does.
        """
        return write_once(request, lambda: self._move_in(request))

    def _move_in(self, request: Request) -> Response:
        asked = valid(MoveInSerializer, request.data)
        compound = Compound.objects.select_related("street").filter(id=asked["compound"]).first()
        if compound is None:
            raise invalid(Fault("compound", "does_not_exist", _NO_SUCH_PLACE))
        household = None
        if asked["household"]:
            doors = Household.objects.select_related("building")
            household = doors.filter(id=asked["household"], building__compound=compound).first()
            if household is None:
                raise invalid(Fault("household", "does_not_exist", _NO_SUCH_PLACE))
        caller = caller_of(request)
        home, new = homes.move_in(caller.person.id, compound, household, asked["relation"], caller.actor.at)
        return Response(home_shown(home, caller.actor.at), status=201 if new else 200)


class HomeView(View):
    """One home of mine."""

    @extend_schema(operation_id="move_out", responses={204: OpenApiResponse(description="It is my home no more.")})
    def delete(self, request: Request, id: uuid.UUID) -> Response:
        """Say that I live there no more."""
        caller = caller_of(request)
        with transaction.atomic():
            if not homes.move_out(caller.person.id, id, caller.actor.at):
                raise not_found()
        return Response(status=204)


class HomeConfirmation(View):
    """Confirming one home of mine."""

    throttle_classes = (GuessLimit,)

    @extend_schema(operation_id="confirm_my_home", request=HouseholdCodeSerializer, responses={200: HomeSerializer})
    def post(self, request: Request, id: uuid.UUID) -> Response:
        """Confirm that I live there with the code that was handed to the household."""
        given, actor = valid(HouseholdCodeSerializer, request.data), caller_of(request).actor
        home = confirming.confirm_by_code(id, given["code"], actor)
        if home is None:
            raise not_found()
        return Response(home_shown(home, actor.at))
