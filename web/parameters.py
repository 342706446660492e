"""Rules for query parameters that hold for every view."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.plumbing import force_instance
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.views import APIView

from web.fields import CONTROL
from web.problems import Fault, Problem, invalid, page
from web.words import bilingual

MAY_BE_EMPTY = frozenset({"q", "text"})
"""The search words; an empty field searches for nothing."""
_LOST_PLUS = re.compile(r"^([^ ]+) (\d{2}:?\d{2})$")
_EMPTY = bilingual(
    "不能为空；不需要时请省略该参数。", "It may not be empty; leave the parameter out where it is not wanted."
)
_UNKNOWN = bilingual("没有这个参数。", "There is no such parameter.")
_REQUIRED = bilingual("必填。", "It is required.")


def missing(*names: str) -> Problem:
    """The 400 for parameters that are required and were not given."""
    return invalid(*(Fault(name, "required", _REQUIRED) for name in names))


def with_plus(moment: str) -> str:
    """A moment whose `+` was not encoded and arrived as a space, put right."""
    return _LOST_PLUS.sub(r"\1+\2", moment)


class Moment(serializers.DateTimeField):
    """A moment in a query parameter."""

    def to_internal_value(self, value: Any) -> datetime:
        """The moment, also where its plus was not encoded."""
        return super().to_internal_value(with_plus(value) if isinstance(value, str) else value)


class Parameters:
    """Middleware: a parameter that the route does not describe, an empty one, or one with control characters is a 400.

    The answer names the parameters. What a route accepts is what its view declares to OpenAPI, so the two cannot
    differ.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass on; only a view that was found can say what it accepts."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]
    ) -> HttpResponse | None:
        """The refusal, where the view belongs to the API."""
        kind = getattr(view, "cls", None)
        if not request.META.get("QUERY_STRING") or kind is None or request.method == "OPTIONS":
            return None
        known = described(kind, "GET" if request.method == "HEAD" else str(request.method))
        found = () if known is None else tuple(_faults(request, known))
        return page(invalid(*found)) if found else None


@cache
def described(kind: type[APIView], method: str) -> frozenset[str] | None:
    """The names of a route's query parameters; None where the API does not describe the route."""
    handler = getattr(kind, method.lower(), None)
    if handler is None:
        return None
    view = kind()
    view.setup(HttpRequest())
    own = getattr(handler, "kwargs", {}).get("schema")
    inspector: Any = view.schema if own is None else own()
    inspector.view, inspector.method = view, method
    if inspector.is_excluded():
        return None
    found: set[str] = set()
    for one in inspector.get_override_parameters():
        if not isinstance(one, OpenApiParameter):
            found |= force_instance(one).fields.keys()
        elif one.location == OpenApiParameter.QUERY:
            found.add(one.name)
    return frozenset(found)


def _faults(request: HttpRequest, known: frozenset[str]) -> Iterator[Fault]:
    for name, values in request.GET.lists():
        if any(ord(one) < 32 or ord(one) == 127 for value in (name, *values) for one in value):
            yield Fault("".join(one for one in name if ord(one) >= 32), "control_character", CONTROL)
        elif name not in known:
            yield Fault(name, "unknown_parameter", _UNKNOWN)
        elif "" in values and name not in MAY_BE_EMPTY:
            yield Fault(name, "empty", _EMPTY)
