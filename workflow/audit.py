"""The keyed chain of digests that shows tampering with history to whoever holds the audit key.

Each event's digest is HMAC-SHA256 over the subject's head before it and the event itself; the new head is a further HMAC over
that digest. A head can therefore be made neither from the rows nor from an older digest without the key, so that a history
which was cut short is found as well as one that was changed.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC
from itertools import groupby
from operator import attrgetter
from typing import Any

import orjson
from django.conf import settings
from django.db import transaction

from workflow.clocks import untrue
from workflow.models import Clock, Event, Subject

_CANONICAL = orjson.OPT_SORT_KEYS


def _keyed(message: bytes) -> bytes:
    return hmac.digest(settings.AUDIT_KEY, message, "sha256")


def canonical(event: Event) -> bytes:
    """The bytes that stand for `event`: the same for the same facts, on every machine."""
    return orjson.dumps(
        [
            str(event.subject_id),  # type: ignore[attr-defined]
            event.seq,
            event.verb,
            event.source,
            event.target,
            str(event.actor_id) if event.actor_id else None,
            str(event.actor_organisation_id) if event.actor_organisation_id else None,
            event.on_behalf,
            event.at.astimezone(UTC).isoformat(timespec="microseconds"),
            event.visibility,
            event.data,
        ],
        option=_CANONICAL,
    )


def chain(head: bytes, event: Event) -> tuple[bytes, bytes]:
    """The digest of `event` after `head`, and the head that follows it."""
    digest = _keyed(bytes(head) + canonical(event))
    return digest, _keyed(b"head" + digest)


def sealed_words(words: dict[str, Any]) -> tuple[bytes, str]:
    """A fresh salt for `words`, and the hash by which an event remembers them."""
    salt = secrets.token_bytes(16)
    return salt, words_hash(salt, words)


def words_hash(salt: bytes, words: dict[str, Any]) -> str:
    """The salted hash of `words`, in hexadecimal."""
    return hashlib.sha256(bytes(salt) + orjson.dumps(words, option=_CANONICAL)).hexdigest()


def fold(events: Iterable[Event]) -> str:
    """The state to which `events`, in order, lead. Raises ValueError where they do not follow from one another."""
    state = ""
    for number, event in enumerate(events, start=1):
        if event.seq != number:
            raise ValueError(f"event {number} is missing")
        if event.source != state:
            raise ValueError(f"event {number} starts from {event.source!r}, but the state was {state!r}")
        state = event.target
    return state


@dataclass(frozen=True, slots=True)
class Flaw:
    """The first place where a subject's history does not hold, and why."""

    subject: Subject
    seq: int
    reason: str


def flaw(subject: Subject, events: Iterable[Event]) -> Flaw | None:
    """The first flaw in the history of `subject`, whose events come in order; None when it holds."""
    head, state, count = b"", "", 0
    for event in events:
        count += 1
        if event.seq != count:
            return Flaw(subject, count, "the event is missing")
        if event.source != state:
            return Flaw(subject, count, f"it starts from {event.source!r}, but the state was {state!r}")
        digest, head = chain(head, event)
        if not hmac.compare_digest(digest, bytes(event.digest)):
            return Flaw(subject, count, "its digest does not match its contents")
        words = getattr(event, "words", None)
        if words is not None and words.body and words_hash(words.salt, words.body) != event.data.get("words"):
            return Flaw(subject, count, "its words do not match their hash")
        state = event.target
    if subject.event_count != count:
        return Flaw(subject, count + 1, f"the subject counts {subject.event_count} events, the history has {count}")
    if not hmac.compare_digest(head, bytes(subject.head)):
        return Flaw(subject, count, "the subject's head does not seal its history")
    if subject.state != state:
        return Flaw(subject, count, f"the subject is {subject.state!r}, its history says {state!r}")
    return None


def verify(model: type[Subject], *, batch: int = 500) -> Iterator[tuple[int, Flaw | None]]:
    """Prove every history of `model`, and that its clocks are as it says, in the order of ids.

    Yields (subjects proved so far, flaw or None) once a subject. It may run beside the work: a subject that moved while its batch
    was read is read again under its lock.
    """
    proved, last = 0, None
    while True:
        rows = model._base_manager.order_by("pk")
        subjects = list((rows.filter(pk__gt=last) if last else rows)[:batch])
        if not subjects:
            return
        histories = {
            key: list(group) for key, group in groupby(_history(model, subjects), key=attrgetter("subject_id"))
        }
        clocks = {key: list(group) for key, group in groupby(_clocks(model, subjects), key=attrgetter("subject_id"))}
        for subject in subjects:
            proved += 1
            history = histories.get(subject.pk, [])
            found = flaw(subject, history) or _clock_flaw(subject, history, clocks.get(subject.pk, []))
            yield proved, found and _flaw_under_lock(subject)
        last = subjects[-1].pk


def _history(model: type[Subject], subjects: list[Subject]) -> Iterable[Any]:
    events: Any = model.EVENTS
    rows: Iterable[Any] = (
        events._base_manager.filter(subject__in=subjects).select_related("words").order_by("subject_id", "seq")
    )
    return rows


def _flaw_under_lock(subject: Subject) -> Flaw | None:
    """What is wrong with a subject and its history as they stand at one moment."""
    model = type(subject)
    with transaction.atomic():
        locked = model._base_manager.select_for_update(no_key=True).get(pk=subject.pk)
        history = list(_history(model, [locked]))
        return flaw(locked, history) or _clock_flaw(locked, history, list(_clocks(model, [locked])))


def _clocks(model: type[Subject], subjects: list[Subject]) -> Iterable[Any]:
    clocks: Any = model.CLOCKS._base_manager
    rows: Iterable[Any] = clocks.filter(subject__in=subjects).order_by("subject_id", "epoch", "pk")
    return rows


def _clock_flaw(subject: Subject, history: Iterable[Event], clocks: Iterable[Clock]) -> Flaw | None:
    wrong = untrue(subject, history, clocks)
    if wrong is None:
        return None
    return Flaw(subject, wrong.epoch, f"the clock {wrong.name!r} that it started is not as the history says")
