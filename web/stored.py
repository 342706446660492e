"""Files of the storage as answers: from the proxy in front where it serves them, else from this process."""

from collections.abc import Mapping

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase

PRIVATE: Mapping[str, str] = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of a file that one person may see: nobody keeps it, and nothing in it runs."""


def stored(name: str, headers: Mapping[str, str]) -> HttpResponseBase:
    """The file `name` under `headers`, which say how it is shown. Raises FileNotFoundError, where this process serves it itself."""
    if settings.LINLI_ACCEL_PREFIX:
        path = f"{settings.LINLI_ACCEL_PREFIX.rstrip('/')}/{name}"
        return HttpResponse(headers={**PRIVATE, **headers, "X-Accel-Redirect": path})
    response = FileResponse(default_storage.open(name), headers={**PRIVATE, **headers})
    # FileResponse has put the name in the storage there.
    response["Content-Disposition"] = headers["Content-Disposition"]
    return response
