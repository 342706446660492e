"""What a client needs to know before it can file: the catalogue, and what neighbours reported already."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tickets import catalogue
from tickets.api.tickets import actor_of, identifier
from tickets.reading import schemas
from tickets.reading.duplicates import alike
from web.documents import document
from web.parameters import missing


class Categories(APIView):
    """The catalogue of categories."""

    @extend_schema(operation_id="categories", responses=schemas.CatalogueSerializer)
    def get(self, request: Request) -> Response:
        """The categories in force today, in their groups."""
        tree = catalogue.current(actor_of(request).at)
        groups = [
            document(
                schemas.CategoryGroupSerializer,
                group,
                categories=[document(schemas.CategorySerializer, leaf) for leaf in group.leaves],
            )
            for group in tree.groups
        ]
        return Response({"version": tree.number, "groups": groups})


class Duplicates(APIView):
    """Open reports that may be the same."""

    @extend_schema(
        operation_id="duplicates",
        parameters=[
            OpenApiParameter("compound", OpenApiTypes.UUID, required=True),
            OpenApiParameter("category", OpenApiTypes.STR, required=True),
            OpenApiParameter("text", OpenApiTypes.STR, description="What the resident is about to say."),
        ],
        responses=schemas.DuplicateSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Up to five open tickets of the compound and category, most alike first; cosign one instead of filing again."""
        compound, category = identifier(request, "compound"), request.query_params.get("category", "")[:8]
        absent = [name for name, value in (("compound", compound), ("category", category)) if not value]
        if absent or "\0" in category:
            raise missing(*(absent or ["category"]))
        assert compound is not None
        text = request.query_params.get("text", "")[:2000]
        return Response(alike(compound, category, text, actor_of(request)))
