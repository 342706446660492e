"""The API's description over HTTP."""

from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request


class Schema(SpectacularAPIView):
    """The description over HTTP, in the format and the language asked for."""

    def _get_filename(self, request: Request, version: str) -> str:
        """A name that every browser keeps: the title has letters that a header has no room for."""
        suffix: str = self.perform_content_negotiation(request, force=True)[0].format
        return f"linli-openapi.{'json' if 'json' in suffix else 'yaml'}"
