"""What the parameters of an address may hold, whatever the view behind it reads of them."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework import serializers

from web.problems import Fault, invalid, page
from web.words import bilingual

MAY_BE_EMPTY = frozenset({"q", "text"})
"""What somebody searches for: an empty field searches for nothing."""
_LOST_PLUS = re.compile(r"^([^ ]+) (\d{2}:?\d{2})$")
_EMPTY = bilingual(
    "不能为空；不需要时请省略该参数。", "It may not be empty; leave the parameter out where it is not wanted."
)
_CONTROL = bilingual("不能包含控制字符。", "Control characters are not allowed.")


def with_plus(moment: str) -> str:
    """A moment whose plus was not encoded, and so arrived as a space, as it was meant."""
    return _LOST_PLUS.sub(r"\1+\2", moment)


class Moment(serializers.DateTimeField):
    """A moment in an address."""

    def to_internal_value(self, value: Any) -> datetime:
        """The moment, also where its plus was not encoded."""
        return super().to_internal_value(with_plus(value) if isinstance(value, str) else value)


def checked(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: an API address with an empty parameter, or with control characters in one, is a 400 that names it."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        asks = request.path_info.startswith("/api/v1/") and request.META.get("QUERY_STRING")
        return (_refusal(request) if asks else None) or get_response(request)

    return answer


def _refusal(request: HttpRequest) -> HttpResponse | None:
    found = tuple(_faults(request))
    return page(invalid(*found)) if found else None


def _faults(request: HttpRequest) -> Iterator[Fault]:
    for name, values in request.GET.lists():
        if any(ord(one) < 32 or ord(one) == 127 for value in (name, *values) for one in value):
            yield Fault("".join(one for one in name if ord(one) >= 32), "control_character", _CONTROL)
        elif "" in values and name not in MAY_BE_EMPTY:
            yield Fault(name, "empty", _EMPTY)
