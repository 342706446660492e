"""The API's description in OpenAPI. Each operation lists the problems that it can answer with."""

import re
from functools import cache
from http import HTTPStatus
from threading import Lock
from typing import Any

from django.utils import translation
from drf_spectacular import openapi
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.plumbing import ComponentRegistry, force_instance
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers

from web.bodies import Body
from web.paging import DEFAULT_LIMIT, MAX_LIMIT
from web.problems import FAULTS_TOLD, MEDIA_TYPE, TITLES

# Operations name these among their parameters; their problems are then documented, too.
IF_MATCH = OpenApiParameter(
    "If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True, pattern=r'^(W/)?"[0-9]{1,18}(--?(gzip|br|zstd|deflate))?"$',
    description="The version you have read: its ETag, as it came.",
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


# The subjects of the operations, in the order in which the documentation shows them.
TAGS = {
    "tickets": "Reporting, reading and moving tickets, and the lists of them.",
    "photos": "Pictures before and after.",
    "categories": "The catalogue of what can be reported.",
    "service-levels": "The deadlines that a report would get.",
    "auth": "Signing in and out.",
    "me": "Who I am, and where I live.",
    "homes": "Homes that people claim, and those who confirm them.",
    "notifications": "What I am told, and how.",
    "places": "Compounds, and what is in them.",
    "organisations": "Those who work on tickets.",
    "contracts": "Service contracts and their moments.",
}
# Whose operations those are whose address begins otherwise.
_TAG_OF = {
    "households": "homes",
    **dict.fromkeys(
        ("at-risk", "callbacks", "callers", "duplicates", "overdue", "policies", "queue"),
        "tickets",
    ),
}


def complete(result: dict[str, Any], **options: object) -> dict[str, Any]:
    """A hook of drf-spectacular: add what belongs to the whole document."""
    result["tags"] = [{"name": name, "description": words} for name, words in TAGS.items()]
    schemes = result["components"].setdefault("securitySchemes", {})
    schemes[CSRF] = {"type": "apiKey", "in": "header", "name": "X-CSRFToken", "description": "As in the CSRF cookie."}
    return result


def _strict(described: dict[str, Any], field: object) -> dict[str, Any]:
    """The description of a body field: an optional field has no default, because generators would take it for a required one."""
    if "oneOf" in described and isinstance(field, serializers.CharField):
        # A pattern that allows an empty text matches it already.
        described = {**{name: part for name, part in described.items() if name != "oneOf"}, **described["oneOf"][0]}
    default = described.pop("default", None)
    if default not in (None, ""):
        described["description"] = f"{described.get('description', '')}\n\nDefault: {default}.".strip()
    if isinstance(field, serializers.CharField) and not field.allow_blank and "pattern" not in described:
        described.setdefault("minLength", 1)
    if isinstance(field, serializers.ListSerializer) and (most := getattr(field, "max_length", None)) is not None:
        described["maxItems"] = most
    if isinstance(field, serializers.ListField) and not field.allow_empty:
        described.setdefault("minItems", 1)
    if isinstance(field, serializers.DictField) and not field.allow_empty:
        described.setdefault("minProperties", 1)
    if isinstance(field, serializers.ListField) and isinstance(field.child, serializers.CharField):
        described["items"] = _strict(described["items"], field.child)
    return described


class FaultSerializer(serializers.Serializer[object]):
    """One thing wrong with one field."""

    field = serializers.CharField(help_text="Dotted path; empty for the whole body.")
    code = serializers.CharField()
    reason = serializers.CharField()


class ProblemSerializer(serializers.Serializer[object]):
    """A refusal (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="Stable, for programs.")
    detail = serializers.CharField(required=False, help_text="For people, in the language they asked for.")
    errors = FaultSerializer(many=True, required=False, max_length=FAULTS_TOLD)  # type: ignore[assignment, call-arg]
    more_errors = serializers.IntegerField(required=False, help_text="How many more there are than `errors` tells.")


def paged(serializer: type[serializers.BaseSerializer[object]]) -> serializers.Serializer[object]:
    """The body of one page of `serializer`'s rows."""
    name = serializer.__name__.removesuffix("Serializer")
    return inline_serializer(
        f"{name}Page", {"results": serializer(many=True), "next_cursor": serializers.CharField(allow_null=True)}
    )


# What a client may read in the head of an answer.
RETRY_AFTER = {"description": "Seconds until it makes sense to try again.", "schema": {"type": "integer", "minimum": 0}}
ETAG = {
    "description": "The version that was read, to be sent back in If-Match as it came; a weak one where the answer is gzipped.",
    "schema": {"type": "string", "pattern": '^(W/)?"[0-9]{1,18}"$'},
}
CHALLENGE = {"description": "How to sign in: Bearer.", "schema": {"type": "string"}}
READS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF = "csrf"
"""The second half of a browser's session, in the header of what changes something."""


class AutoSchema(openapi.AutoSchema):
    """drf-spectacular's schema, with a summary, the answers' headers and the problems of each operation.

    Most problems follow from what the operation accepts. A view names further statuses in `problems`, and in
    `versioned` the methods whose answers have a version.
    """

    def get_summary(self) -> str | None:
        """What an operation does in one line: the first sentence of its docstring, unless the view gives another."""
        # A lazy text is read now, in the language that the description is asked for in.
        said = str(super().get_summary() or "")
        words = " ".join((self.get_description() or "").split())
        return said or re.split(r"(?<=[.!?])\s", words)[0].rstrip(".") or None

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, object] | None:
        """The operation with its problem responses; what a view documents itself is left as it is."""
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is None:
            return None
        problem = self.resolve_serializer(ProblemSerializer, "response").ref
        for status in sorted(self._problem_statuses(operation)):
            answer = {"description": str(TITLES[status]), "content": {MEDIA_TYPE: {"schema": problem}}}
            operation["responses"].setdefault(str(status), answer)
        for status, response in operation["responses"].items():
            response["description"] = response["description"] or HTTPStatus(int(status)).phrase
            if headers := self._headers(int(status), method):
                response["headers"] = {**headers, **response.get("headers", {})}
        # No sign-in is documented where none is required.
        operation.setdefault("security", [{}])
        return operation

    def get_auth(self) -> list[dict[str, list[str]]]:
        """How the caller may sign in; a session changes something only together with its CSRF token."""
        found: list[dict[str, list[str]]] = super().get_auth()
        if self.method in READS:
            return found
        return [{**one, CSRF: []} if "session" in one else one for one in found]

    def get_tags(self) -> list[str]:
        """The subject of the operation: the address begins with it, or with one of its lists."""
        found: list[str] = super().get_tags()
        return [_TAG_OF.get(tag, tag) for tag in found]

    def _headers(self, status: int, method: str) -> dict[str, Any]:
        headers = {}
        if status in {429, 503}:
            headers["Retry-After"] = RETRY_AFTER
        if status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = CHALLENGE
        if status < HTTPStatus.MULTIPLE_CHOICES and method in getattr(self.view, "versioned", ()):
            headers["ETag"] = ETAG
        return headers

    def _map_serializer(self, serializer: object, direction: str, bypass_extensions: bool = False) -> dict[str, Any]:
        """A body's shape as strict as the body is: nothing besides its fields, no text that is blank."""
        shape: dict[str, Any] = super()._map_serializer(serializer, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        body = force_instance(serializer)
        if isinstance(body, Body):
            shape["additionalProperties"] = False
            shape["properties"] = {
                name: _strict(described, body.fields[name]) for name, described in shape.get("properties", {}).items()
            }
        return shape

    def _problem_statuses(self, operation: dict[str, Any]) -> set[int]:
        parameters = {(parameter["in"], parameter["name"]) for parameter in operation.get("parameters", ())}
        places = {place for place, _ in parameters}
        # No operation takes parameters that it does not describe.
        statuses = {400, 406, 503, *getattr(self.view, "problems", ())}
        if "requestBody" in operation:
            statuses |= {413, 415}
        if self.view.get_authenticators():
            statuses |= {401, 403}
        if "path" in places:
            statuses.add(404)
        if ("header", "If-Match") in parameters:
            statuses |= {403, 409, 412, 428}
        if ("header", "Idempotency-Key") in parameters:
            statuses |= {409, 422}
        if self.view.get_throttles():
            statuses.add(429)
        return statuses


RENDERERS = {"json": OpenApiJsonRenderer, "yaml": OpenApiYamlRenderer}
_DRAWING = Lock()


def drawn(language: str, form: str) -> bytes:
    """The whole description in a language, as `json` or `yaml`. It takes seconds, so each process does it once per language."""
    with _DRAWING:
        return _draw(language, form)


@cache
def _draw(language: str, form: str) -> bytes:
    with translation.override(language):
        document = SchemaGenerator().get_schema(request=None, public=True)
        found: Any = RENDERERS[form]().render(document, renderer_context={})
    return bytes(found)


def openapi_yaml() -> str:
    """The whole description as YAML, in English, as `docs/openapi.yaml` holds it."""
    return drawn("en", "yaml").decode()
