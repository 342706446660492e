"""Versions in `If-Match` and `ETag`: nobody overwrites what he has not read."""

import re

from rest_framework.request import Request

from web.problems import Problem
from web.words import bilingual

_STRONG_VERSION = re.compile(r'"([0-9]{1,18})"', re.ASCII)

_MISSING = bilingual('请在 If-Match 中注明所依据的版本，例如 "7"。', 'State the version you read in If-Match: "7".')
_MALFORMED = bilingual('If-Match 应为一个强 ETag，例如 "7"。', 'If-Match must be one strong ETag, such as "7".')


def etag(version: int) -> str:
    """The strong ETag of a version: `"7"`."""
    return f'"{version}"'


def if_match(request: Request) -> int:
    """The version that the caller has read.

    Raises a 428 Problem without `If-Match`, and a 400 Problem where it is not one strong ETag of ours.
    """
    header = request.META.get("HTTP_IF_MATCH")
    if header is None:
        raise Problem("version_required", 428, detail=_MISSING)
    found = _STRONG_VERSION.fullmatch(header.strip())
    if found is None:
        raise Problem("if_match_malformed", 400, detail=_MALFORMED)
    return int(found[1])
