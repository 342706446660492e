"""Proving what `workflow.audit` and `workflow.seals` sealed: every history, and every row that hangs on it."""

import hmac
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.db import transaction
from django.db.models import Model

from web.words import Words, bilingual
from workflow import moment
from workflow.audit import erasure, head_after, links, row_seal, words_hash
from workflow.clocks import FIRED, untrue
from workflow.models import Clock, Event, Firing, Subject
from workflow.sweep import LONGEST_WAIT

_NOT_FIRED = bilingual("并非时限触发，却有触发记录", "no rung brought it about, and there is a firing of it")

type Heads = Mapping[uuid.UUID, tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class Flaw:
    """The first place where a subject's history does not hold, and why. The subject is None where it is gone."""

    subject: Subject | None
    seq: int
    reason: Words


class BrokenChain(ValueError):
    """Events that do not follow from one another; `reason` says where."""

    def __init__(self, reason: Words):
        self.reason = reason
        super().__init__(str(reason))


def fold(events: Iterable[Event]) -> str:
    """The state to which `events`, in order, lead. Raises BrokenChain where they do not follow from one another."""
    state = ""
    for number, event in enumerate(events, start=1):
        if event.seq != number:
            raise BrokenChain(bilingual(f"缺少第 {number} 个事件", f"event {number} is missing"))
        if event.source != state:
            raise BrokenChain(
                bilingual(
                    f"第 {number} 个事件从状态“{event.source}”开始，而当时的状态是“{state}”",
                    f"event {number} starts from {event.source!r}, but the state was {state!r}",
                )
            )
        state = event.target
    return state


def flaw(subject: Subject, events: Iterable[Event], sealed: tuple[int, bytes] | None = None) -> Flaw | None:
    """The first flaw in the history of `subject`, whose events come in order; None when it holds.

    `sealed` is the number of events and the head that the chain of seals knows of it.
    """
    head, state, count = b"", "", 0
    shared = subject.shared_columns()
    for event in events:
        count += 1
        if event.seq != count:
            return Flaw(subject, count, bilingual("缺少该事件", "the event is missing"))
        if event.source != state:
            return Flaw(
                subject,
                count,
                bilingual(
                    f"它从状态“{event.source}”开始，而当时的状态是“{state}”",
                    f"it starts from {event.source!r}, but the state was {state!r}",
                ),
            )
        if links(head, event) is None:
            return Flaw(subject, count, bilingual("摘要与内容不符", "its digest does not match its contents"))
        head = head_after(bytes(event.digest))
        if reason := _words_flaw(event) or _strange(event, shared):
            return Flaw(subject, count, reason)
        if sealed is not None and sealed[0] == count and not hmac.compare_digest(head, sealed[1]):
            return Flaw(
                subject, count, bilingual("历史不是当时封存的历史", "its history is not the one that was sealed")
            )
        state = event.target
    if sealed is not None and sealed[0] > count:
        return Flaw(
            subject,
            count + 1,
            bilingual(
                f"封存时有 {sealed[0]} 个事件，现有 {count} 个：历史被退回",
                f"{sealed[0]} events were sealed, the history has {count}: it was set back",
            ),
        )
    if subject.event_count != count:
        return Flaw(
            subject,
            count + 1,
            bilingual(
                f"该对象记有 {subject.event_count} 个事件，历史中有 {count} 个",
                f"the subject counts {subject.event_count} events, the history has {count}",
            ),
        )
    if not hmac.compare_digest(head, bytes(subject.head)):
        return Flaw(subject, count, bilingual("链首与历史不符", "the subject's head does not seal its history"))
    if subject.state != state:
        return Flaw(
            subject,
            count,
            bilingual(
                f"状态为“{subject.state}”，而历史为“{state}”",
                f"the subject is {subject.state!r}, its history says {state!r}",
            ),
        )
    return None


def _words_flaw(event: Event) -> Words | None:
    told, words = event.data.get("words"), getattr(event, "words", None)
    if words is None:
        return bilingual("缺少原话", "its words are missing") if told is not None else None
    if words.body and not words.erased:
        return (
            None
            if words_hash(words.salt, words.body) == told
            else bilingual("原话与其摘要不符", "its words do not match their hash")
        )
    if words.body or not hmac.compare_digest(bytes(words.erased), erasure(words)):
        return bilingual("原话被绕过系统清除", "its words were erased behind Linli's back")
    return None


def _strange(row: object, shared: Mapping[str, object]) -> Words | None:
    """Whether a row carries the columns that all rows of its subject share."""
    for part in (row, getattr(row, "words", None)):
        if part is not None and any(getattr(part, name) != value for name, value in shared.items()):
            return bilingual(
                f"其中一行属于别的 {'、'.join(shared)}", f"a row of it belongs to another {', '.join(shared)}"
            )
    return None


@dataclass(slots=True)
class _Batch:
    """Subjects with everything that proves them."""

    subjects: list[Subject]
    heads: Heads

    def flaws(self) -> Iterator[tuple[Subject, Flaw | None]]:
        model = type(self.subjects[0])
        events = _grouped(_history(model, self.subjects), "subject_id")
        clocks = _grouped(model.CLOCKS._base_manager.filter(subject__in=self.subjects).order_by("epoch", "pk"))  # type: ignore[misc]
        firings = _grouped(
            model.FIRINGS._base_manager.filter(clock__subject__in=self.subjects).select_related("clock", "event"),  # type: ignore[misc]
            "clock.subject_id",
        )
        model.gather_sealed(self.subjects)
        witness = model.witnesses(self.subjects)
        for one in self.subjects:
            history = events.get(one.pk, [])
            sealed = self.heads.get(one.pk)
            yield (
                one,
                flaw(one, history, sealed)
                or _row_flaw(one, history, sealed is not None)
                or _clock_flaw(one, history, clocks.get(one.pk, []))
                or _firing_flaw(one, history, firings.get(one.pk, []))
                or _told_flaw(one, history, witness(one, history)),
            )


def verify(
    model: type[Subject], *, heads: dict[uuid.UUID, tuple[int, bytes]] | None = None, batch: int = 500
) -> Iterator[tuple[int, Flaw | None]]:
    """Prove every subject of `model`: its chain, its row, its clocks and what else hangs on it, in the order of ids.

    `heads` is what the chains of seals know; a subject that is listed there and is gone is a flaw. Yields (subjects proved so far,
    flaw or None) once a subject. It may run beside the work: a subject that moved while its batch was read is read again under its
    lock.
    """
    known = dict(heads or {})
    proved, last = 0, None
    while True:
        rows = model._base_manager.order_by("pk")
        subjects = list((rows.filter(pk__gt=last) if last else rows)[:batch])
        if not subjects:
            break
        for subject, found in _Batch(subjects, known).flaws():
            proved += 1
            yield proved, found and _flaw_under_lock(subject, known)
            known.pop(subject.pk, None)
        last = subjects[-1].pk
    for key, (count, _) in known.items():
        proved += 1
        yield (
            proved,
            Flaw(
                None,
                count,
                bilingual(
                    f"{key} 封存时有 {count} 个事件，现已不存在", f"{key} was sealed with {count} events, and is gone"
                ),
            ),
        )


def _history(model: type[Subject], subjects: Sequence[Subject]) -> Iterable[Event]:
    events: Any = model.EVENTS
    rows: Iterable[Event] = (
        events._base_manager.filter(subject__in=subjects).select_related("words").order_by("subject_id", "seq")
    )
    return rows


def _grouped[R: Model](rows: Iterable[R], name: str = "subject_id") -> dict[object, list[R]]:
    key = attrgetter(name)
    return {subject: list(group) for subject, group in groupby(sorted(rows, key=lambda one: str(key(one))), key=key)}


def _flaw_under_lock(subject: Subject, heads: Heads) -> Flaw | None:
    """What is wrong with a subject and its history as they stand at one moment."""
    with transaction.atomic():
        locked = type(subject)._base_manager.select_for_update(no_key=True).get(pk=subject.pk)
        ((_, found),) = _Batch([locked], heads).flaws()
        return found


def _row_flaw(subject: Subject, history: Sequence[Event], sealed: bool) -> Flaw | None:
    """A row of the time before there were row seals has none until the heads are sealed for the first time."""
    if not subject.seal and not sealed and not _left_a_seal(history):
        return None
    if hmac.compare_digest(row_seal(subject), bytes(subject.seal)):
        return None
    return Flaw(
        subject,
        subject.event_count,
        bilingual(
            "该对象本身或其附属的一行与最后一个事件之后不同",
            "its row, or a row that belongs to it, is not as its last event left it",
        ),
    )


def _left_a_seal(history: Sequence[Event]) -> bool:
    return bool(history) and left_a_seal(history, len(history))


def left_a_seal(history: Sequence[Event], seq: int) -> bool:
    """Whether the event number `seq` of this history is of the time since there are seals."""
    head = head_after(bytes(history[seq - 2].digest)) if seq > 1 else b""
    return links(head, history[seq - 1]) is True


def _clock_flaw(subject: Subject, history: Sequence[Event], clocks: Sequence[Clock]) -> Flaw | None:
    shared = subject.shared_columns()
    if strange := next((one for one in clocks if _strange(one, shared)), None):
        return Flaw(
            subject,
            strange.epoch,
            bilingual(
                f"时限“{strange.name}”属于别的 {'、'.join(shared)}",
                f"the clock {strange.name!r} belongs to another {', '.join(shared)}",
            ),
        )
    wrong = untrue(subject, history, clocks, moment.now() + timedelta(seconds=LONGEST_WAIT))
    if wrong is None:
        return None
    return Flaw(
        subject,
        wrong.epoch,
        bilingual(
            f"由它开始的时限“{wrong.name}”与历史不符",
            f"the clock {wrong.name!r} that it started is not as the history says",
        ),
    )


def _firing_flaw(subject: Subject, history: Sequence[Event], firings: Sequence[Firing]) -> Flaw | None:
    """Each event that a rung brought about has its firing, and each firing its event."""
    there = {one.event_id: one for one in firings}
    if len(there) != len(firings):
        return Flaw(subject, subject.event_count, bilingual("一个事件有两次触发", "an event has two firings"))
    before: Event | None = None
    for event in history:
        by, firing = event.data.get(FIRED), there.pop(event.pk, None)
        if by is not None and not _is_of(firing, event, by, before):
            return Flaw(subject, event.seq, bilingual("触发记录与事件不符", "the firing of its rung is not as it says"))
        if by is None and firing is not None:
            return Flaw(subject, event.seq, _NOT_FIRED)
        before = event
    if there:
        return Flaw(
            subject, subject.event_count, bilingual("有触发记录而没有事件", "there is a firing without an event")
        )
    return None


def _is_of(firing: Firing | None, event: Event, by: Mapping[str, Any], before: Event | None) -> bool:
    if firing is None:
        return False
    clock = firing.clock
    # A sweep that stood behind a later event of its subject dates its own event after that.
    moment = firing.fired_at == event.at or (before is not None and firing.fired_at < event.at == before.at)
    return moment and (clock.name, str(clock.holder_id or ""), clock.epoch, firing.rung, firing.due_at) == (
        by["clock"],
        by["holder"],
        by["epoch"],
        by["rung"],
        datetime.fromisoformat(by["due_at"]),
    )


def _told_flaw(subject: Subject, history: Sequence[Event], reason: Words | None) -> Flaw | None:
    return Flaw(subject, len(history), reason) if reason else None
