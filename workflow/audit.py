"""The keyed chain of digests that shows tampering with history to the holder of the audit key.

Each event's digest is HMAC-SHA256 over the subject's head before it and the event itself; the new head is a further HMAC over
that digest. A head can therefore be made neither from the rows nor from an older digest without the key, so that a history
which was cut short is found as well as one that was changed.

What no event says is sealed beside the chain: every event leaves a seal over the subject's own row and the rows that `sealed_rows`
names. `workflow.seals` puts the heads of all subjects into a chain of their own every hour, and `workflow.verification` proves all of it.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache
from itertools import compress
from operator import is_not, itemgetter
from typing import Any

import orjson
from django.conf import settings
from django.db import models

from workflow.models import Event, EventWords, Subject

CANONICAL = orjson.OPT_SORT_KEYS
# The first byte of what a digest is made of says that the event left a seal over its subject's row; older digests have no such byte.
_SEALING = b"\x02"


def keyed(message: bytes) -> bytes:
    """HMAC-SHA256 of `message` under the audit key."""
    inner, outer = _begun(settings.AUDIT_KEY)
    inner, outer = inner.copy(), outer.copy()
    inner.update(message)
    outer.update(inner.digest())
    digest: bytes = outer.digest()
    return digest


@lru_cache(2)
def _begun(key: bytes) -> tuple[Any, Any]:
    """The two hashes of an HMAC after the key, which cost more than a short message."""
    block = (key if len(key) <= 64 else hashlib.sha256(key).digest()).ljust(64, b"\0")
    return hashlib.sha256(bytes(one ^ 0x36 for one in block)), hashlib.sha256(bytes(one ^ 0x5C for one in block))


def canonical(event: Event) -> bytes:
    """The bytes that stand for `event`: the same for the same facts, on every machine."""
    return orjson.dumps(
        [
            event.subject_id,
            event.seq,
            event.verb,
            event.source,
            event.target,
            event.actor_id or None,
            event.actor_organisation_id or None,
            event.on_behalf,
            _plain(event.at),
            event.visibility,
            event.data,
        ],
        option=CANONICAL,
    )


def chain(head: bytes, event: Event) -> tuple[bytes, bytes]:
    """The digest of `event` after `head`, and the head that follows it."""
    digest = keyed(_SEALING + bytes(head) + canonical(event))
    return digest, head_after(digest)


def head_after(digest: bytes) -> bytes:
    """The head of a chain whose last event has this digest."""
    return keyed(b"head" + digest)


def links(head: bytes, event: Event) -> bool | None:
    """Whether `event` follows `head` by its digest: True where it left a seal over its subject's row, False where it is of the time
    before there were such seals, None where it does not follow.
    """
    found, body = bytes(event.digest), bytes(head) + canonical(event)
    if hmac.compare_digest(keyed(_SEALING + body), found):
        return True
    return False if hmac.compare_digest(keyed(body), found) else None


def row_seal(subject: Subject) -> bytes:
    """The seal over the subject's own columns and the rows that `sealed_rows` names, as they are in memory."""
    rows = sorted(_canonical_row(row) for row in subject.sealed_rows())
    return keyed(b"row" + b"\n".join([_canonical_row(subject), *rows]))


UNKNOWN = b"\0"
"""The sum of rows that were written before there were such sums."""


def sum_of_rows(
    total: bytes | memoryview, *, added: Iterable[models.Model] = (), removed: Iterable[models.Model] = ()
) -> bytes:
    """A seal over a set of rows, whatever their order, that needs only the rows that change: the sum of their seals."""
    if bytes(total) == UNKNOWN:
        return UNKNOWN
    number = int.from_bytes(bytes(total))
    number += sum(map(_weight, added)) - sum(map(_weight, removed))
    number %= 1 << 256
    return number.to_bytes(32) if number else b""


def _weight(row: models.Model) -> int:
    return int.from_bytes(lone_seal(row))


def lone_seal(row: models.Model) -> bytes:
    """The seal over one row that is no subject."""
    return keyed(b"lone" + _canonical_row(row))


def _canonical_row(row: models.Model) -> bytes:
    """The bytes that stand for a row. A value that is its column's default is left out: a column that is added later changes no seal."""
    names, defaults, taken = _sealed_columns(type(row))
    values = taken(row.__dict__)
    told = {}
    # Most columns are empty; an id that is compared with None costs more than everything else here.
    for name, value, default in compress(zip(names, values, defaults, strict=True), map(is_not, values, defaults)):
        if default is not None and value == default:
            continue
        # orjson writes a moment as `_plain` does, but for a whole second.
        as_it_is = type(value) is datetime and value.microsecond and value.tzinfo is UTC
        told[name] = value if as_it_is or not isinstance(value, _OF_ANOTHER_FORM) else _plain(value)
    return orjson.dumps(told, default=str, option=CANONICAL)


@cache
def _sealed_columns(
    model: type[models.Model],
) -> tuple[tuple[str, ...], tuple[object, ...], Callable[[Mapping[str, object]], tuple[object, ...]]]:
    """The attributes that a seal covers, their defaults, and what takes their values out of an instance's dictionary.

    A row's own id is not among them, for PostgreSQL may have yet to give it.
    """
    own = issubclass(model, Subject)
    covered = [
        field
        for field in model._meta.concrete_fields
        if not field.generated and field.attname != "seal" and (own or not field.primary_key)
    ]
    names = tuple(field.attname for field in covered)
    return names, tuple(field.get_default() for field in covered), itemgetter(*names)


# A tuple, which is looked through faster than a union.
_OF_ANOTHER_FORM = (datetime, bytes, memoryview, Decimal)


def _plain(value: object) -> object:
    """A column's value as JSON has it, the same before it is written and after it is read."""
    if isinstance(value, datetime):
        return (value if value.tzinfo is UTC else value.astimezone(UTC)).isoformat(timespec="microseconds")
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, Decimal):
        # PostgreSQL gives a number the digits of its column, whatever was written.
        return f"{value.normalize():f}"
    return value


def sealed_words(words: dict[str, object]) -> tuple[bytes, str]:
    """A fresh salt for `words`, and the hash by which an event remembers them."""
    salt = secrets.token_bytes(16)
    return salt, words_hash(salt, words)


def words_hash(salt: bytes, words: dict[str, object]) -> str:
    """The salted hash of `words`, in hexadecimal."""
    return hashlib.sha256(bytes(salt) + orjson.dumps(words, option=CANONICAL)).hexdigest()


def erase(words: EventWords) -> None:
    """Forget people's words, and leave a mark that only the holder of the audit key can make: no flaw is found where it stands."""
    words.body, words.erased = {}, erasure(words)
    words.save(update_fields=["body", "erased"])


def erasure(words: EventWords) -> bytes:
    """The mark that an erasure leaves."""
    return keyed(b"erased" + words.event_id.bytes + bytes(words.salt))
