"""Gzip for clients that accept it: JSON, pages and the API's description; never pictures."""

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
    """Django's gzip middleware, for content that is worth compressing.

    A page may show what was searched for next to confidential data. The length of the compressed answer must not tell
    how similar the two are (BREACH), so Django adds a random number of bytes to each. Other software on the way does
    not, and should not compress these answers.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Compress the answer where its content type is listed. Its ETag becomes a weak one."""
        if response.headers.get("Content-Type", "").partition(";")[0].strip() in KINDS:
            return super().process_response(request, response)
        return response
