"""Versions in `If-Match` and `ETag`, so that a caller only overwrites what they have read."""

import re

from rest_framework.request import Request

from web.problems import Problem
from web.words import bilingual

# A proxy that compresses makes our ETag weak (nginx, Caddy) or writes how into it (Apache, Jetty): the version stays the same.
_VERSION = re.compile(r'(?:W/)?"([0-9]{1,18})(?:--?(?:gzip|br|zstd|deflate))?"', re.ASCII)

_MISSING = bilingual('请在 If-Match 中注明所依据的版本，例如 "7"。', 'State the version you read in If-Match: "7".')
_MALFORMED = bilingual('If-Match 应为一个 ETag，例如 "7"。', 'If-Match must be one ETag, such as "7".')


def etag(version: int) -> str:
    """The strong ETag of a version: `"7"`."""
    return f'"{version}"'


def if_match(request: Request) -> int:
    """The version that the caller has read.

    Compared weakly, because a version does not stand for the bytes of an answer. Raises a 428 Problem without
    `If-Match`, and a 400 Problem where it is not one of our ETags.
    """
    header = request.META.get("HTTP_IF_MATCH")
    if header is None:
        raise Problem("version_required", 428, detail=_MISSING)
    found = _VERSION.fullmatch(header.strip())
    if found is None:
        raise Problem("if_match_malformed", 400, detail=_MALFORMED)
    return int(found[1])
