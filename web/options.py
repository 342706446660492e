"""OPTIONS: the methods of a route, for everybody."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase


class Options:
    """Middleware: OPTIONS on a route of the API is 204 with `Allow`. It needs no sign-in, because `Allow` on a refusal says the same."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass on; only a view that was found can say what it allows."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]
    ) -> HttpResponse | None:
        """The answer, where the view belongs to the API."""
        kind = getattr(view, "cls", None)
        if request.method != "OPTIONS" or kind is None:
            return None
        found = kind(**getattr(view, "initkwargs", {}))
        found.setup(request, *args, **kwargs)
        return HttpResponse(status=204, headers={"Allow": ", ".join(found.allowed_methods)})
