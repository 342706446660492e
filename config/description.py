"""The API's description over HTTP."""

from django.http import HttpResponse
from django.utils import translation
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request

from web.schema import drawn


class Schema(SpectacularAPIView):
    """The description, in the format and the language asked for."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: object, **kwargs: object) -> HttpResponse:
        """The document as a file whose name every browser keeps: the title has letters that a header has no room for."""
        # Django keeps a catalogue for every language that it has been asked for, whatever it is called.
        asked_for = request.query_params.get("lang") or translation.get_language() or ""
        language = "en" if asked_for.startswith("en") else "zh-hans"
        asked = request.accepted_renderer
        form = "json" if isinstance(asked, OpenApiJsonRenderer) else "yaml"
        return HttpResponse(
            drawn(language, form),
            content_type=asked.media_type,
            headers={
                "Content-Disposition": f'inline; filename="linli-openapi.{form}"',
                "Vary": "Accept, Accept-Language",
            },
        )
