"""Which content type an answer has."""

from collections.abc import Iterable

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

ANYTHING = "*/*"


class ContentNegotiation(DefaultContentNegotiation):
    """DRF's own negotiation. Callers that accept anything, as nearly all do, get the first type without weighing them."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The renderer and media type of the answer. Raises NotAcceptable, and Http404 for an unknown format."""
        named = format_suffix or request.query_params.get(self.settings.URL_FORMAT_OVERRIDE)
        if not named and request.headers.get("Accept", ANYTHING) == ANYTHING:
            first = next(iter(renderers))
            return first, str(first.media_type)
        chosen: tuple[BaseRenderer, str] = super().select_renderer(request, renderers, format_suffix)
        return chosen
