"""JSON bodies, read by orjson. What the database or a reader could not take is refused here, field by field."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import IO, Any

import orjson
from django.http.request import UnreadablePostError
from django.utils.text import format_lazy
from rest_framework.parsers import BaseParser

from web.bodies import JSONObject
from web.fields import CONTROL
from web.problems import Fault, Problem, invalid
from web.words import bilingual

BODY_LIMIT = 64 * 1024
"""Bytes of a body; a view that needs more says so as its `body_limit`."""
DEPTH_LIMIT = 20  # arrays and objects inside one another

_TOO_LARGE = bilingual("请求内容不能超过 {limit} KB。", "The body may not exceed {limit} KB.")
_MALFORMED = bilingual("请求内容不是有效的 JSON（UTF-8）。", "The body is not valid JSON in UTF-8.")
NOT_AN_OBJECT = bilingual("请求内容应为 JSON 对象。", "The body must be a JSON object.")
_SURROGATE = bilingual("包含不完整的字符。", "It contains half a character.")
_NUMBER = bilingual("应为有限的数值。", "It must be a finite number.")
_TOO_DEEP = bilingual("嵌套层数过多。", "It is nested too deeply.")

_CONTROLS = frozenset(map(chr, range(32))) - set("\t\n\r")
# In valid JSON a control character can only be written as one of these escapes.
_ESCAPES = (b"\\u00", b"\\b", b"\\f")


def _text_fault(text: str, path: str) -> Fault | None:
    if not _CONTROLS.isdisjoint(text):
        return Fault(path, "control_character", CONTROL)
    try:
        text.encode()
    except UnicodeEncodeError:
        return Fault(path, "lone_surrogate", _SURROGATE)
    return None


def _faults(value: object) -> Iterator[Fault]:
    """What is wrong with a parsed body, field by field. It does not recurse, so no body is too deep for it."""
    waiting: list[tuple[object, str, int]] = [(value, "", 0)]
    while waiting:
        value, path, depth = waiting.pop()
        if isinstance(value, str):
            if fault := _text_fault(value, path):
                yield fault
        elif isinstance(value, float):
            if not math.isfinite(value):
                yield Fault(path, "not_a_number", _NUMBER)
        elif isinstance(value, dict | list):
            if depth == DEPTH_LIMIT:
                yield Fault(path, "too_deep", _TOO_DEEP)
                continue
            inner = value.items() if isinstance(value, dict) else enumerate(value)
            for name, item in inner:
                if isinstance(name, str) and (fault := _text_fault(name, path)):
                    yield fault
                    continue
                waiting.append((item, f"{path}.{name}" if path else str(name), depth + 1))


def _too_deep(value: object) -> bool:
    level = [value]
    for _ in range(DEPTH_LIMIT + 1):
        containers = [item for item in level if isinstance(item, dict | list)]
        if not containers:
            return False
        level = [item for each in containers for item in (each.values() if isinstance(each, dict) else each)]
    return True


def _refuse(body: bytes) -> Problem:
    """Why orjson refused `body`: by field, where the standard library's slower parser can tell."""
    try:
        found = tuple(_faults(json.loads(body.decode(), strict=False)))
    except (ValueError, RecursionError):
        found = ()
    return invalid(*found) if found else Problem("malformed", 400, detail=_MALFORMED)


def loads(body: bytes) -> dict[str, object]:
    """The JSON object in `body`.

    Raises a 400 Problem for text that is not UTF-8, not JSON or not an object, for numbers that are not finite, for
    control characters (except tab, newline, carriage return) and lone surrogates in any string, and for nesting
    deeper than DEPTH_LIMIT.
    """
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _refuse(body) from None
    # Scanning bytes clears nearly every body; the walk is for the few that may have something to find.
    deep = body.count(b"{") + body.count(b"[") > DEPTH_LIMIT and _too_deep(data)
    if (deep or any(escape in body for escape in _ESCAPES)) and (found := tuple(_faults(data))):
        raise invalid(*found)
    if not isinstance(data, dict):
        raise invalid(Fault("", "not_an_object", NOT_AN_OBJECT))
    return JSONObject(data)


class JSONParser(BaseParser):
    """The API's parser of JSON bodies; the raw bytes stay readable as `request.body`."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, object]:
        """The body as an object; a 413 Problem before reading more bytes than the view's `body_limit`, else BODY_LIMIT."""
        context = parser_context or {}
        request, limit = context["request"]._request, getattr(context["view"], "body_limit", BODY_LIMIT)
        if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
            raise Problem("too_large", 413, detail=format_lazy(_TOO_LARGE, limit=limit // 1024))
        try:
            return loads(request.body)
        except UnreadablePostError:
            raise Problem("malformed", 400, detail=_MALFORMED) from None
