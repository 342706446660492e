"""What a run left behind, ticket by ticket: the rows, whether they hold, and the digest of all that happened."""

import hashlib
import re
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import batched, pairwise
from operator import attrgetter

import orjson
from django.db.models import Model

from community.receivers import local_day
from tickets.models import Ticket, TicketClock, TicketEvent
from tickets.models.clock import TicketFiring
from tickets.states import OPEN, ClockName
from web.words import Words, bilingual, en, zh
from workflow.clocks import FIRED, next_moment, untrue
from workflow.verification import BrokenChain, flaw, fold

BATCH = 300
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z))?")


@dataclass(frozen=True, slots=True)
class History:
    """One ticket with everything that was written of it, in order."""

    ticket: Ticket
    events: Sequence[TicketEvent]
    clocks: Sequence[TicketClock]
    firings: Mapping[uuid.UUID, Sequence[TicketFiring]]


def histories(tickets: Sequence[uuid.UUID]) -> Iterator[History]:
    """The tickets' histories as the database has them now, in the order given."""
    for keys in batched(tickets, BATCH):
        rows = Ticket.objects.in_bulk(keys)
        events = _grouped(
            TicketEvent.objects.filter(subject__in=keys).select_related("words").order_by("seq"), "subject_id"
        )
        clocks = _grouped(TicketClock.objects.filter(subject__in=keys).order_by("epoch", "id"), "subject_id")
        firings = _grouped(TicketFiring.objects.filter(clock__subject__in=keys).order_by("due_at", "id"), "clock_id")
        for key in keys:
            own = clocks.get(key, [])
            yield History(rows[key], events.get(key, []), own, {one.pk: firings.get(one.pk, []) for one in own})


def _grouped[R: Model](rows: Iterable[R], name: str) -> dict[uuid.UUID, list[R]]:
    found: dict[uuid.UUID, list[R]] = defaultdict(list)
    for row in rows:
        found[getattr(row, name)].append(row)
    return found


def faults(history: History, until: datetime) -> list[Words]:
    """Everything that is not as Linli promises it at the moment `until`; nothing where all is well."""
    ticket, events = history.ticket, history.events
    found: list[Words] = []
    try:
        if (state := fold(events)) != ticket.state:
            found.append(
                bilingual(
                    f"事件所至状态为 {state}，工单为 {ticket.state}",
                    f"the events lead to {state}, the ticket is {ticket.state}",
                )
            )
    except BrokenChain as broken_chain:
        found.append(broken_chain.reason)
    if (broken := flaw(ticket, events)) is not None:
        found.append(
            bilingual(f"第 {broken.seq} 个事件：{zh(broken.reason)}", f"event {broken.seq}: {en(broken.reason)}")
        )
    if (wrong := untrue(ticket, events, history.clocks)) is not None:
        found.append(
            bilingual(
                f"第 {wrong.epoch} 个事件的时限 {wrong.name} 与事件不符",
                f"clock {wrong.name} of event {wrong.epoch} is not as its events say",
            )
        )
    if ticket.state in OPEN and not any(one.running_since for one in history.clocks):
        found.append(bilingual("工单未办结，却没有时限在走", "it is open, and no clock runs"))
    if (ticket.next_due_at is not None) != (ticket.state in OPEN):
        found.append(
            bilingual(
                f"状态为 {ticket.state}，而下一到期时刻为 {ticket.next_due_at}",
                f"it is {ticket.state}, and its next due moment is {ticket.next_due_at}",
            )
        )
    for clock in history.clocks:
        found += _faults_of(clock, history, until)
    return found


def _faults_of(clock: TicketClock, history: History, until: datetime) -> list[Words]:
    """What is wrong with the rungs of one clock: each once, in order, none early, none missed."""
    fired = history.firings[clock.pk]

    def told(zh: str, en: str) -> Words:
        return bilingual(
            f"第 {clock.epoch} 个事件的时限 {clock.name}：{zh}", f"clock {clock.name} of event {clock.epoch}: {en}"
        )

    said = [
        by
        for event in history.events
        if (by := event.data.get(FIRED))
        and (by["clock"], by["holder"], by["epoch"]) == (clock.name, str(clock.holder_id or ""), clock.epoch)
    ]
    found = [
        told(f"第 {rung} 级触发了 {times} 次", f"rung {rung} was fired {times} times")
        for rung, times in Counter(by["rung"] for by in said).items()
        if times > 1
    ]
    if [one.rung for one in sorted(fired, key=attrgetter("due_at"))] != [by["rung"] for by in said]:
        found.append(
            told("触发的各级与事件所载不符", "the rungs that were fired are not those that its events tell of")
        )
    positions = [by["position"] for by in said]
    # A clock that goes on for another begins where that one was, and one that is overdue no longer climbs once more.
    goes_on = clock.name == ClockName.PROMISE or history.events[clock.epoch - 1].verb == "correct"
    begins_right = not positions or positions[0] == 0 or goes_on
    if not begins_right or any(after > before + 1 for before, after in pairwise([*positions, clock.rung])):
        found.append(told("漏掉一级", "a rung was left out"))
    found += [
        told(f"第 {one.rung} 级触发过早", f"rung {one.rung} was fired early")
        for one in fired
        if one.fired_at < one.due_at
    ]
    if clock.fire_at is not None and clock.fire_at <= until:
        found.append(
            told(f"应于 {clock.fire_at} 触发的一级没有触发", f"a rung that was due at {clock.fire_at} was not fired")
        )
    following = next_moment(clock, history.ticket.rules())
    if clock.stopped_at is not None and not clock.pauses and following is not None and following < clock.stopped_at:
        found.append(
            told(
                f"应于 {following} 触发的一级在停止前没有触发",
                f"a rung that was due at {following} was not fired before it stopped",
            )
        )
    return found


class RunDigest:
    """SHA-256 over everything that happened, the same for the same seed: ids are told by names, moments by their distance from `begin`.

    `names` gives organisations, people, places, tickets and photos theirs; any other id is called by its turn.
    """

    def __init__(self, names: Mapping[str, str], begin: datetime):
        self.names, self.begin = dict(names), begin
        self.sha256 = hashlib.sha256()

    def add(self, history: History) -> None:
        """Take a ticket's events in."""
        for event in history.events:
            body = getattr(event, "words", None)
            data = {name: value for name, value in event.data.items() if name != "words"}
            told = [
                str(event.subject_id),
                event.seq,
                event.verb,
                event.source,
                event.target,
                str(event.actor_id or ""),
                str(event.actor_organisation_id or ""),
                event.on_behalf,
                event.at.isoformat(),
                event.visibility,
                data,
                body.body if body else {},
            ]
            self.sha256.update(orjson.dumps(self._named(told), option=orjson.OPT_SORT_KEYS) + b"\n")

    @property
    def hexadecimal(self) -> str:
        """The digest of what has been taken in."""
        return self.sha256.hexdigest()

    def _named(self, value: object) -> object:
        match value:
            case dict():
                return {name: self._named(one) for name, one in value.items()}
            case list():
                return [self._named(one) for one in value]
            case str() if (found := _MOMENT.fullmatch(value)) and found[1]:
                return (datetime.fromisoformat(value) - self.begin).total_seconds()
            case str() if _MOMENT.fullmatch(value):
                return f"day {(date.fromisoformat(value) - local_day(self.begin)).days}"
            case str():
                # An alarm of routing's has an id in its midst.
                return _ID.sub(lambda found: self.names.setdefault(found[0], f"id {len(self.names)}"), value)
        return value
