"""Answers where no view answers: problem documents under /api/, Django's plain pages elsewhere."""

import sys

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views import csrf, defaults

from web.problems import Problem, not_found, page, problem_of
from web.words import bilingual

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#2f75c0"/>'
    '<path fill="#fff" d="M4 26V15l6-5 6 5v11zM17 26V12l6-5 5 4v15z"/></svg>'
)
CSRF_FAILED = bilingual("页面已过期，请刷新后重试。", "The page has expired; reload it and try again.")


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """400: the request could not be understood."""
    if _is_api(request):
        return page(problem_of(exception, {}) or Problem("bad_request", 400))
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """403."""
    if _is_api(request):
        return page(Problem("not_permitted", 403))
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """404: the same document as for an object that is absent."""
    if _is_api(request):
        return page(not_found())
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """500, or 503 when the database was away where no view could say so (sessions, middleware)."""
    if _is_api(request):
        return page(problem_of(sys.exception(), {}) or Problem("server_error", 500))
    return defaults.server_error(request)


def icon(request: HttpRequest) -> HttpResponse:
    """The site's icon, which browsers ask for whatever page they show: two houses side by side."""
    headers = {"Content-Type": "image/svg+xml", "Cache-Control": "public, max-age=86400"}
    return HttpResponse(ICON, headers=headers)


def robots(request: HttpRequest) -> HttpResponse:
    """Nothing here is for search engines."""
    headers = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "public, max-age=86400"}
    return HttpResponse("User-agent: *\nDisallow: /\n", headers=headers)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the CSRF token was missing or wrong."""
    if _is_api(request):
        return page(Problem("csrf_failed", 403, detail=CSRF_FAILED))
    return csrf.csrf_failure(request, reason)
