"""Compounds, buildings and doors, as a resident looks for his."""

import uuid

from django.db.models import F, Func, Q, QuerySet, TextField, Value
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from community.api.views import View
from community.models import Building, Compound, Household
from web.bodies import valid
from web.documents import document
from web.fields import LineField
from web.folding import Folded, folded
from web.paging import page
from web.problems import not_found
from web.schema import PAGING, paged


class NamedSerializer(serializers.Serializer[object]):
    """Something with a name."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class PlaceSerializer(NamedSerializer):
    """A compound, and what it lies in."""

    aliases = serializers.ListField(child=serializers.CharField())
    street = NamedSerializer()
    community = NamedSerializer()
    area = NamedSerializer()


class BuildingSerializer(NamedSerializer):
    """A building of a compound."""

    code = serializers.CharField()


class HouseholdSerializer(serializers.Serializer[object]):
    """A door."""

    id = serializers.UUIDField()
    building = serializers.CharField()
    unit = serializers.CharField(allow_blank=True)
    door = serializers.CharField()


class DoorQuerySerializer(serializers.Serializer[object]):
    """Which doors."""

    building = serializers.UUIDField(required=False, help_text="Only in this building.")


class PlaceQuerySerializer(serializers.Serializer[object]):
    """What is looked for."""

    q = LineField(required=False, allow_blank=True, max_length=60, help_text="Part of a name, or of another name.")
    street = serializers.UUIDField(required=False, help_text="Only in this street.")


def _place(compound: Compound) -> dict[str, object]:
    around = {name: document(NamedSerializer, getattr(compound, name)) for name in ("street", "community", "area")}
    return document(PlaceSerializer, compound, **around)


def door(household: Household) -> dict[str, object]:
    """A door with the name of its building."""
    return document(HouseholdSerializer, household, building=household.building.name)


def _compounds() -> QuerySet[Compound]:
    return Compound.objects.select_related("street", "community", "area").only(
        "name", "code", "aliases", "street__name", "community__name", "area__name"
    )


class Places(View):
    """Compounds."""

    @extend_schema(
        operation_id="find_places", parameters=[PlaceQuerySerializer, *PAGING], responses={200: paged(PlaceSerializer)}
    )
    def get(self, request: Request) -> Response:
        """Compounds by name, with the street, community and area they lie in."""
        wanted = valid(PlaceQuerySerializer, request.query_params.dict())
        compounds = _compounds()
        if street := wanted.get("street"):
            compounds = compounds.filter(street_id=street)
        if text := wanted.get("q"):
            others = Func(F("aliases"), Value("\n"), function="array_to_string", output_field=TextField())
            compounds = compounds.alias(names=Folded(F("name")), others=Folded(others))
            compounds = compounds.filter(Q(names__contains=folded(text)) | Q(others__contains=folded(text)))
        found = page(request, compounds, "street_id", "code")
        return Response(found.envelope([_place(compound) for compound in found.rows]))


class PlaceView(View):
    """A compound."""

    @extend_schema(operation_id="read_place", responses={200: PlaceSerializer})
    def get(self, request: Request, id: uuid.UUID) -> Response:
        """One compound."""
        compound = _compounds().filter(id=id).first()
        if compound is None:
            raise not_found()
        return Response(_place(compound))


class Buildings(View):
    """The buildings of a compound."""

    @extend_schema(operation_id="list_buildings", parameters=[*PAGING], responses={200: paged(BuildingSerializer)})
    def get(self, request: Request, id: uuid.UUID) -> Response:
        """The buildings of a compound; none of one that is not there."""
        rows = page(request, Building.objects.filter(compound=id), "code", "id")
        return Response(rows.envelope([document(BuildingSerializer, one) for one in rows.rows]))


class Households(View):
    """The doors of a compound."""

    @extend_schema(
        operation_id="list_households",
        parameters=[DoorQuerySerializer, *PAGING],
        responses={200: paged(HouseholdSerializer)},
    )
    def get(self, request: Request, id: uuid.UUID) -> Response:
        """The doors of a compound, whose ids a home is stated with. They tell of no people."""
        wanted = valid(DoorQuerySerializer, request.query_params.dict())
        doors = Household.objects.filter(building__compound=id).select_related("building")
        if building := wanted.get("building"):
            doors = doors.filter(building=building)
        rows = page(request, doors, "building__code", "unit", "door", "id")
        return Response(rows.envelope([door(one) for one in rows.rows]))
