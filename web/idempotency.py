"""`Idempotency-Key`: a request that is sent twice acts once, and gets the same answer both times."""

import hashlib
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
from django.core.files.uploadedfile import UploadedFile
from django.db import connection, transaction
from django.http import HttpResponse, QueryDict
from rest_framework.request import Request
from rest_framework.response import Response

from web.problems import Problem
from web.renderers import dumps
from web.words import bilingual

KEPT_FOR = timedelta(days=3)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")

_MALFORMED = bilingual(
    "Idempotency-Key 应为 1 至 255 个可见 ASCII 字符。", "Idempotency-Key must be 1 to 255 visible ASCII characters."
)
_IN_PROGRESS = bilingual("同一请求正在处理，请稍后重试。", "The same request is being worked on; try again.")
_REUSED = bilingual(
    "该 Idempotency-Key 已用于内容不同的请求。", "This Idempotency-Key was used for a request with other content."
)

_TAKE = """
SELECT pg_try_advisory_xact_lock(%s), stored.request_digest, stored.status, stored.headers, stored.body
FROM (VALUES (1)) AS one LEFT JOIN web_idempotencykey AS stored ON stored.fingerprint = %s
"""
_FIND = "SELECT request_digest, status, headers, body FROM web_idempotencykey WHERE fingerprint = %s"
_STORE = """
INSERT INTO web_idempotencykey (fingerprint, caller, request_digest, status, headers, body, created_at)
VALUES (%s, %s, %s, %s, %s, %s, now()) ON CONFLICT (fingerprint) DO NOTHING
"""


class _OvertakenError(Exception):
    """Another request with the same key committed after we looked and before we had the lock."""


def write(act: Callable[[], Response]) -> HttpResponse:
    """Run `act` in one transaction, store nothing of its answer, and return after COMMIT."""
    with transaction.atomic(durable=True):
        return _response(*_rendered(act()))


def write_once(
    request: Request, act: Callable[[], Response], again: Callable[[Any], object] = lambda document: document
) -> HttpResponse:
    """Run `act` in one transaction, at most once per `Idempotency-Key`, and return after COMMIT.

    The key belongs to the caller, the method and the path. Used before with the same body: the stored answer, with
    `Idempotent-Replayed: true`. With another body: 422. In use now: 409 `in_progress`. An exception from `act` rolls
    everything back and is not stored. It is raised, unless the same request has succeeded meanwhile. Without the
    header, or without a signed-in caller, `act` simply runs in its transaction.

    The caller may no longer be allowed to see everything in the stored answer. `again` gets the stored document and
    returns what they may still see, or raises as for something that does not exist.
    """
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None or not request.user:
        return write(act)
    if not _KEY.fullmatch(key):
        raise Problem("idempotency_key_malformed", 400, detail=_MALFORMED)
    answer = _kept_or_made(request, key, act)
    if "Idempotent-Replayed" in answer and answer.content:
        answer.content = dumps(again(orjson.loads(answer.content)))
    return answer


def _kept_or_made(request: Request, key: str, act: Callable[[], Response]) -> HttpResponse:
    caller = request.user.pk
    assert caller is not None
    return once(caller, f"{request.method}\n{request.path}", key, _request_digest(request), act)


def once(caller: uuid.UUID, what: str, key: str, digest: bytes, act: Callable[[], Response]) -> HttpResponse:
    """Run `act` in one transaction, at most once for the caller's `key` for `what`; a repetition has the first answer.

    `digest` stands for what was sent. Raises what `write_once` raises.
    """
    fingerprint = hashlib.sha256("\n".join((str(caller), what, key)).encode()).digest()
    try:
        return _once(caller, fingerprint, digest, act)
    except _OvertakenError:
        return _once(caller, fingerprint, digest, act)
    except Exception:
        # The look's snapshot is older than the lock: a twin may have committed in between, and its success is what refuses us.
        if answer := _answered(fingerprint, digest):
            return answer
        raise


def _answered(fingerprint: bytes, digest: bytes) -> HttpResponse | None:
    """The stored answer of the key, if there is one. Raises the 422 Problem where it belongs to another body."""
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [fingerprint])
        found = cursor.fetchone()
    return _replay(digest, *found) if found else None


def _replay(digest: bytes, stored_digest: bytes, status: int, headers: str, body: bytes) -> HttpResponse:
    if bytes(stored_digest) != digest:
        raise Problem("idempotency_key_reused", 422, detail=_REUSED)
    return _response(status, orjson.loads(headers) | {"Idempotent-Replayed": "true"}, bytes(body))


def _once(caller: uuid.UUID | None, fingerprint: bytes, digest: bytes, act: Callable[[], Response]) -> HttpResponse:
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(_TAKE, [int.from_bytes(fingerprint[:8], signed=True), fingerprint])
        taken, stored_digest, status, headers, body = cursor.fetchone()
        if stored_digest is not None:
            return _replay(digest, stored_digest, status, headers, body)
        if not taken:
            raise Problem("in_progress", 409, detail=_IN_PROGRESS, headers={"Retry-After": "1"})
        status, headers, body = _rendered(act())
        cursor.execute(_STORE, [fingerprint, caller, digest, status, dumps(headers).decode(), body])
        # The look's snapshot is older than the lock: a row that appeared in between is only seen here.
        if not cursor.rowcount:
            raise _OvertakenError
        return _response(status, headers, body)


def _rendered(response: Response) -> tuple[int, dict[str, str], bytes]:
    """The answer as it is sent and stored. It is rendered before the commit, so that an answer that cannot be rendered changes nothing."""
    headers = {name: value for name, value in response.headers.items() if name != "Content-Type"}
    if response.data is None:
        return response.status_code, headers, b""
    return response.status_code, headers | {"Content-Type": "application/json"}, dumps(response.data)


def _response(status: int, headers: dict[str, str], body: bytes) -> HttpResponse:
    return HttpResponse(body, status=status, headers=headers)


def _request_digest(request: Request) -> bytes:
    """A hash of the body: the bytes of JSON, the fields and file contents of a form."""
    data = request.data  # Parses, so that a body we cannot read is refused as such.
    if not (request.content_type or "").startswith("multipart/"):
        return hashlib.sha256(request._request.body).digest()
    assert isinstance(data, QueryDict)
    digest = hashlib.sha256()
    for name in sorted(data):
        for value in data.getlist(name):
            digest.update(name.encode() + b"\0")
            if isinstance(value, UploadedFile):
                content = hashlib.sha256()
                for chunk in value.chunks():
                    content.update(chunk)
                value.seek(0)
                digest.update(content.digest())
            else:
                digest.update(hashlib.sha256(str(value).encode()).digest())
    return digest.digest()
