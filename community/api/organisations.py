"""Organisations, as staff look for whom to dispatch to, to whistle or to hold to account."""

from django.db.models import F, Q
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from community.api.views import View
from community.authentication import caller_of
from community.models import Organisation, OrganisationKind
from community.receivers import is_there, receives
from web.bodies import valid
from web.documents import document
from web.fields import LineField
from web.folding import Folded, folded
from web.paging import page
from web.problems import Problem
from web.schema import PAGING, paged
from web.words import bilingual

_STAFF_ONLY = bilingual("仅供各单位工作人员查询。", "Only members of an organisation may look them up.")


class OrganisationSerializer(serializers.Serializer[object]):
    """An organisation that a ticket can be given to."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=OrganisationKind.choices)
    kind_label = serializers.CharField()
    function = serializers.CharField(allow_blank=True, help_text="What it is for, such as desk or traffic_police.")
    shared = serializers.BooleanField(help_text="Of the district or beyond, not of one street.")
    staffed = serializers.BooleanField(help_text="Somebody is there today; else its head office receives.")


class OrganisationQuerySerializer(serializers.Serializer[object]):
    """What is looked for."""

    q = LineField(required=False, allow_blank=True, max_length=60, help_text="Part of a name.")
    kind = serializers.ChoiceField(choices=OrganisationKind.choices, required=False)
    function = LineField(required=False, max_length=24)


class Organisations(View):
    """Organisations."""

    problems = (403,)

    @extend_schema(
        operation_id="find_organisations",
        parameters=[OrganisationQuerySerializer, *PAGING],
        responses={200: paged(OrganisationSerializer)},
    )
    def get(self, request: Request) -> Response:
        """The organisations of the caller's streets that are there today, and the shared ones."""
        actor = caller_of(request).actor
        if not actor.seats:
            raise Problem("not_permitted", 403, detail=_STAFF_ONLY)
        wanted = valid(OrganisationQuerySerializer, request.query_params.dict())
        streets = {seat.street_id for seat in actor.seats if seat.street_id}
        found = Organisation.objects.filter(Q(street__in=streets) | Q(street=None), is_there("pk", actor.at))
        if text := wanted.get("q"):
            found = found.alias(names=Folded(F("name")), english=Folded(F("name_en")))
            found = found.filter(Q(names__contains=folded(text)) | Q(english__contains=folded(text)))
        if kind := wanted.get("kind"):
            found = found.filter(kind=kind)
        if function := wanted.get("function"):
            found = found.filter(function=function)
        rows = page(request, found.annotate(staffed=receives("pk", actor.at)), "code", "id")
        found_here = [
            document(OrganisationSerializer, one, kind_label=one.get_kind_display(), shared=one.street_id is None)
            for one in rows.rows
        ]
        return Response(rows.envelope(found_here))
