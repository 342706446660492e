"""The API's description in OpenAPI, where every operation tells the problems it can answer with."""

import re
from functools import cache
from typing import Any

from django.utils import translation
from drf_spectacular import openapi
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.plumbing import ComponentRegistry
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers

from web.paging import DEFAULT_LIMIT, MAX_LIMIT
from web.problems import MEDIA_TYPE, TITLES

# Operations name these among their parameters; the problems that come with them are then told as well.
IF_MATCH = OpenApiParameter(
    "If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True, pattern=r'^"[0-9]{1,18}"$',
    description="The version you have read, as a strong ETag.",
)  # fmt: skip
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER, pattern=r"^[!-~]{1,255}$",
    description="Sent twice with the same key, a request acts once and is answered alike.",
)  # fmt: skip
CURSOR = OpenApiParameter("cursor", OpenApiTypes.STR, description="`next_cursor` of the page before.")
LIMIT = OpenApiParameter(
    "limit", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    description="Rows on a page.",
)  # fmt: skip
PAGING = [CURSOR, LIMIT]


class FaultSerializer(serializers.Serializer[Any]):
    """One thing wrong with one field."""

    field = serializers.CharField(help_text="Dotted path; empty for the whole body.")
    code = serializers.CharField()
    reason = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """A refusal (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="Stable, for programs.")
    detail = serializers.CharField(required=False, help_text="For people, in the language they asked for.")
    errors = FaultSerializer(many=True, required=False)  # type: ignore[assignment]


def paged(serializer: type[serializers.BaseSerializer[Any]]) -> serializers.Serializer[Any]:
    """The body of one page of `serializer`'s rows."""
    name = serializer.__name__.removesuffix("Serializer")
    return inline_serializer(
        f"{name}Page", {"results": serializer(many=True), "next_cursor": serializers.CharField(allow_null=True)}
    )


class AutoSchema(openapi.AutoSchema):
    """drf-spectacular's, plus a line on what each operation does and the problem documents that it can answer with.

    Most follow from what the operation takes; a view names further statuses in `problems`.
    """

    def get_summary(self) -> str | None:
        """What an operation does in one line: the first sentence of its docstring, unless the view gives another."""
        # A lazy text is read now, in the language that the description is asked for in.
        said = str(super().get_summary() or "")
        words = " ".join((self.get_description() or "").split())
        return said or re.split(r"(?<=[.!?])\s", words)[0].rstrip(".") or None

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any] | None:
        """The operation with its problem responses; what a view documents itself is left as it is."""
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is None:
            return None
        problem = self.resolve_serializer(ProblemSerializer, "response").ref
        for status in sorted(self._problem_statuses(operation)):
            answer = {"description": str(TITLES[status]), "content": {MEDIA_TYPE: {"schema": problem}}}
            operation["responses"].setdefault(str(status), answer)
        return operation

    def _problem_statuses(self, operation: dict[str, Any]) -> set[int]:
        parameters = {(parameter["in"], parameter["name"]) for parameter in operation.get("parameters", ())}
        places = {place for place, _ in parameters}
        statuses = {406, 503, *getattr(self.view, "problems", ())}
        if "requestBody" in operation:
            statuses |= {400, 413, 415}
        if self.view.get_authenticators():
            statuses |= {401, 403}
        if "path" in places:
            statuses.add(404)
        if "query" in places:
            statuses.add(400)
        if ("header", "If-Match") in parameters:
            statuses |= {400, 403, 409, 412, 428}
        if ("header", "Idempotency-Key") in parameters:
            statuses |= {400, 409, 422}
        if self.view.get_throttles():
            statuses.add(429)
        return statuses


@cache
def openapi_yaml() -> str:
    """The whole description as YAML, in English, as `docs/openapi.yaml` holds it."""
    with translation.override("en"):
        document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
        drawn: bytes = OpenApiYamlRenderer().render(document, renderer_context={})
    return drawn.decode()
