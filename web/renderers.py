"""Answers as JSON, written by orjson."""

from collections.abc import Mapping
from decimal import Decimal

import orjson
from django.utils.functional import Promise
from rest_framework.renderers import BaseRenderer


def _plain(value: object) -> object:
    if isinstance(value, Promise | Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def dumps(data: object) -> bytes:
    """`data` as JSON bytes: words in the active language, decimals as strings, times in RFC 3339."""
    return orjson.dumps(data, default=_plain)


class JSONRenderer(BaseRenderer):
    """The API's only renderer; an answer without data has no body."""

    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self, data: object, accepted_media_type: str | None = None, renderer_context: Mapping[str, object] | None = None
    ) -> bytes:
        """The answer's bytes."""
        return b"" if data is None else dumps(data)
