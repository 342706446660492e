"""Answers are sent gzipped to clients that take that: JSON, the pages and the API's description; never pictures."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

KINDS = frozenset(
    {
        "application/json",
        "application/problem+json",
        "application/vnd.oai.openapi",
        "application/vnd.oai.openapi+json",
        "application/yaml",
        "text/html",
        "text/plain",
    }
)


class Compression(GZipMiddleware):
    """Django's own middleware, for what is worth it.

    A page may repeat what was searched for beside what is confidential, so the length of an answer must not tell how well the two
    compress together (BREACH): Django adds a random number of bytes to each. Whatever else compresses on the way does not, and
    should leave these answers alone.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Compress the answer where its kind is named; its ETag becomes a weak one."""
        if response.headers.get("Content-Type", "").partition(";")[0].strip() in KINDS:
            return super().process_response(request, response)
        return response
