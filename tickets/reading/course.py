"""The course of a ticket in time: in whose hands it was from when to when, and how each of its clocks ran."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tickets.access import STAFF, reads_clock, relations
from tickets.models import Ticket, TicketClock, TicketEvent
from tickets.models.ticket import move_label
from tickets.reading import deadlines
from tickets.states import ENDED, PROACTIVE, AssignmentRole, ClockName, State, state_label
from web.words import Words, bilingual
from workflow.actor import Actor
from workflow.clocks import FIRED
from workflow.models import Clock

C = ClockName
S = State
_RESIDENT = bilingual("诉求人", "The resident")
_FINDER = bilingual("巡查单位", "Whoever found it")
_ASKED = bilingual("等待补充", "Waiting for an answer")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time in one state, and for whom everybody waited. Without `until` it goes on; `asked` while a question was open."""

    since: datetime
    until: datetime | None
    state: str
    label: Words
    who: Words
    asked: bool = False


@dataclass(frozen=True, slots=True)
class FiredRung:
    """A rung of a clock's ladder that was fired, and what it brought about."""

    at: datetime
    label: Words


@dataclass(frozen=True, slots=True)
class ClockRun:
    """How a clock ran: the document that the reader gets of it, whose it is, and the rungs that were fired."""

    shown: Mapping[str, Any]
    holder: str
    rungs: Sequence[FiredRung]


@dataclass(frozen=True, slots=True)
class Course:
    """The whole, up to `until`: the end of a ticket that has ended, else the reader's moment."""

    since: datetime
    until: datetime
    ended: bool
    stretches: Sequence[Stretch]
    clocks: Sequence[ClockRun]


def course(
    ticket: Ticket, actor: Actor, events: Sequence[TicketEvent], names: Mapping[uuid.UUID, str]
) -> Course | None:
    """The course as far as the reader may read it; None for readers who are no staff of it.

    `events` are those that they read, in order; `names` those of the organisations that have a part. One statement.
    """
    mine = relations(ticket, actor)
    if not mine & STAFF:
        return None
    rows = list(TicketClock.objects.filter(subject=ticket).order_by("started_at", "epoch", "id"))
    ended = ticket.state in ENDED and ticket.closed_at is not None
    runs = [_run(one, shown, events, names) for one in rows for shown in deadlines.shown(ticket, mine, [one]) or ()]
    questions = [one for one in rows if one.name == C.QUESTION and reads_clock(one.name, mine)]
    return Course(
        ticket.submitted_at,
        ticket.closed_at if ended and ticket.closed_at else max(actor.at, ticket.last_event_at),
        ended,
        list(_stretches(ticket, events, questions, names)),
        runs,
    )


def _run(
    clock: Clock, shown: Mapping[str, Any], events: Iterable[TicketEvent], names: Mapping[uuid.UUID, str]
) -> ClockRun:
    place = (clock.name, str(clock.holder_id or ""), clock.epoch)
    rungs = []
    for event in events:
        by = event.data.get(FIRED)
        if by and (by["clock"], by["holder"], by["epoch"]) == place:
            rungs.append(FiredRung(event.at, move_label(event.verb)))
    return ClockRun(shown, names.get(clock.holder_id, "") if clock.holder_id else "", rungs)


def _stretches(
    ticket: Ticket, events: Sequence[TicketEvent], questions: Sequence[Clock], names: Mapping[uuid.UUID, str]
) -> Iterable[Stretch]:
    """One stretch after the other: a new one begins with another state, another lead, a question and its end."""
    turns = sorted({(one.at, one.target) for one in events if one.source != one.target}, key=lambda turn: turn[0])
    moments = {at for at, _ in turns}
    for part in ticket.assignments:
        if part.role == AssignmentRole.LEAD:
            moments |= {at for at in (part.opened_at, part.closed_at) if at}
    for one in questions:
        moments |= {at for at in (one.started_at, one.stopped_at) if at}
    order = sorted(moments)
    found: list[Stretch] = []
    for number, since in enumerate(order):
        until = order[number + 1] if number + 1 < len(order) else None
        state = next((target for at, target in reversed(turns) if at <= since), None)
        if state is None or (state in ENDED and until is None):
            continue
        asked = any(one.started_at <= since and (one.stopped_at is None or since < one.stopped_at) for one in questions)
        label = _ASKED if asked else state_label(state, ticket.channel)
        who = _waited_for(ticket, state, since, until is None, names) if not asked else _resident(ticket)
        last = found[-1] if found else None
        if last and (last.state, str(last.who), last.asked) == (state, str(who), asked):
            found[-1] = Stretch(last.since, until, state, label, who, asked)
        else:
            found.append(Stretch(since, until, state, label, who, asked))
    return found


def _resident(ticket: Ticket) -> Words:
    return _FINDER if ticket.channel in PROACTIVE else _RESIDENT


def _waited_for(ticket: Ticket, state: str, at: datetime, now: bool, names: Mapping[uuid.UUID, str]) -> Words:
    """Whom everybody waits for in the state at that moment; empty where it has ended. `now`: it is the present one."""
    match state:
        case S.SUBMITTED | S.RETURNING:
            return bilingual(*deadlines.STREET)
        case S.DISPATCHED | S.IN_PROGRESS:
            return _lead_at(ticket, at, names) or bilingual(*deadlines.HOLDER)
        case S.COORDINATING:
            mine = names.get(ticket.coordinator_today) if now and ticket.coordinator_today else None
            return mine or bilingual(*deadlines.COMMITTEE)
        case S.REPLIED:
            return _resident(ticket)
        case S.ON_ACCOUNT:
            owner = names.get(ticket.account_owner_id) if now and ticket.account_owner_id else None
            return owner or bilingual(*deadlines.OWNER)
    return ""


def _lead_at(ticket: Ticket, at: datetime, names: Mapping[uuid.UUID, str]) -> str | None:
    for part in ticket.assignments:
        if part.role != AssignmentRole.LEAD or part.opened_at is None:
            continue
        if part.opened_at <= at and (part.closed_at is None or at < part.closed_at):
            return names.get(part.organisation_id)
    return None
