"""The homes of others, for the committees and the street, who confirm that people live where they say."""

import uuid
from collections.abc import Mapping

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from community import confirming
from community.api.me import HomeSerializer, home_shown
from community.api.views import View
from community.authentication import caller_of
from community.models import Confirmation, Residency
from web.bodies import Body, valid
from web.documents import document
from web.idempotency import write_once
from web.paging import page
from web.problems import Problem, not_found
from web.schema import IDEMPOTENCY_KEY, PAGING, paged
from web.words import bilingual
from workflow.actor import Actor

_NOT_HERE = bilingual("仅供物管会、业委会、居委会和街道核实住处。", "Only the committees and the street confirm homes.")
STANDINGS: Mapping[str, Mapping[str, object]] = {
    "claimed": {"confirmed_at": None, "objected_at": None},
    "confirmed": {"confirmed_at__isnull": False},
    "objected": {"objected_at__isnull": False},
}


class ClaimantSerializer(serializers.Serializer[object]):
    """Who says to live there."""

    name = serializers.CharField()
    phone = serializers.CharField(help_text="Masked: 138****8000.")


class ClaimSerializer(HomeSerializer):
    """A home of somebody's that the caller may confirm."""

    person = ClaimantSerializer()
    confirmed = serializers.BooleanField()
    confirmed_through = serializers.ChoiceField(Confirmation.choices, allow_blank=True)
    confirmed_at = serializers.DateTimeField(allow_null=True)
    objected_at = serializers.DateTimeField(allow_null=True)


class ClaimQuerySerializer(serializers.Serializer[object]):
    """What is looked for."""

    status = serializers.ChoiceField(
        sorted(STANDINGS), default="claimed", help_text="Claimed ones unless others are asked for."
    )
    compound = serializers.UUIDField(required=False)


class NewCodeSerializer(serializers.Serializer[object]):
    """A household's code, which is shown this once."""

    code = serializers.CharField()
    expires_at = serializers.DateTimeField()
    uses = serializers.IntegerField(help_text="How many people may confirm their homes with it.")


class EmptySerializer(Body):
    """No fields."""


def _claim(home: Residency, actor: Actor) -> dict[str, object]:
    person = document(ClaimantSerializer, home.person, phone=home.person.masked_phone)
    return document(ClaimSerializer, home, **home_shown(home, actor.at), person=person)


def _actor(request: Request) -> Actor:
    actor = caller_of(request).actor
    if not confirming.may_confirm(actor):
        raise Problem("not_permitted", 403, detail=_NOT_HERE)
    return actor


class Claims(View):
    """The homes that the caller may confirm."""

    problems = (403,)

    @extend_schema(
        operation_id="list_homes", parameters=[ClaimQuerySerializer, *PAGING], responses={200: paged(ClaimSerializer)}
    )
    def get(self, request: Request) -> Response:
        """The homes of others where the caller confirms them, those that wait for it unless others are asked for."""
        actor = _actor(request)
        wanted = valid(ClaimQuerySerializer, request.query_params.dict())
        found = confirming.in_reach(actor).filter(**STANDINGS[wanted["status"]])
        if compound := wanted.get("compound"):
            found = found.filter(compound=compound)
        rows = page(request, found, "starts_on", "id")
        return Response(rows.envelope([_claim(one, actor) for one in rows.rows]))


class Judgement(View):
    """Saying of a home whether its person lives there."""

    problems = (403,)
    lives_there = True

    def judge(self, request: Request, id: uuid.UUID) -> HttpResponse:
        """Confirm the home or object to it, once for each Idempotency-Key."""
        actor = _actor(request)

        def answer() -> Response:
            valid(EmptySerializer, request.data)
            home = confirming.judge(id, actor, lives_there=self.lives_there)
            if home is None:
                raise not_found()
            return Response(_claim(home, actor))

        return write_once(request, answer)


class Confirming(Judgement):
    """Confirming a home."""

    @extend_schema(
        operation_id="confirm_home",
        request=EmptySerializer,
        parameters=[IDEMPOTENCY_KEY],
        responses={200: ClaimSerializer},
    )
    def post(self, request: Request, id: uuid.UUID) -> HttpResponse:
        """Confirm that the person lives there. Nobody confirms their own home."""
        return self.judge(request, id)


class Objecting(Judgement):
    """Objecting to a home."""

    lives_there = False

    @extend_schema(
        operation_id="object_to_home",
        request=EmptySerializer,
        parameters=[IDEMPOTENCY_KEY],
        responses={200: ClaimSerializer},
    )
    def post(self, request: Request, id: uuid.UUID) -> HttpResponse:
        """Say that the person does not live there; a confirmation is taken back."""
        return self.judge(request, id)


class HouseholdCodes(View):
    """Codes for households."""

    problems = (403,)

    @extend_schema(operation_id="make_household_code", request=EmptySerializer, responses={201: NewCodeSerializer})
    def post(self, request: Request, id: uuid.UUID) -> Response:
        """Make a code, to be handed to the household: with it, its people confirm their homes. An older one ends."""
        actor = _actor(request)
        valid(EmptySerializer, request.data)
        new = confirming.make_code(id, actor)
        if new is None:
            raise not_found()
        document = {"code": new.secret, "expires_at": new.expires_at, "uses": confirming.CODE_USES}
        return Response(document, status=201)
