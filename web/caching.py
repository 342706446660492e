"""What is answered to somebody signed in is kept by nobody on the way."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

PREFIX = "/api/v1/"


def keep_nothing(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: every answer of the API says that no cache may store it, unless it says something itself."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.path.startswith(PREFIX):
            response.headers.setdefault("Cache-Control", "private, no-store")
            patch_vary_headers(response, ["Authorization", "Cookie"])
        return response

    return middleware
