"""What happens when the time for coordination ends: what the ladder of its clock brings about next, when, and in words."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tickets.models import TicketClock
from tickets.models import service_level as service_levels
from tickets.reading.deadlines import PAUSES, when
from tickets.states import HIGHEST_AUTOMATIC, ClockName
from web.words import say
from workflow.models import Clock


@dataclass(frozen=True, slots=True)
class CoordinationTime:
    """The clock of coordination of one ticket: when it is due, since when it runs, and what happens then.

    One that stands still says what it waits for (`paused`), and has no moment.
    """

    due_at: datetime | None
    started_at: datetime
    words: str = ""
    paused: str = ""


@dataclass(frozen=True, slots=True)
class _Effect:
    """What an effect of a rung is called where it comes at a moment, and whether it is possible for a row of a list."""

    words: Callable[[Mapping[str, Any], str, str], tuple[str, str]]
    possible: Callable[[Mapping[str, Any]], bool] = lambda row: True


def _raised(row: Mapping[str, Any], zh: str, en: str) -> tuple[str, str]:
    return f"将于 {zh} 提级至 L{row['level'] + 1}", f"raised to L{row['level'] + 1} at {en}"


# In the state of coordination other effects are not possible.
_EFFECTS: Mapping[str, _Effect] = {
    "take_over": _Effect(
        lambda row, zh, en: (f"街道将于 {zh} 接管", f"the street takes over at {en}"),
        lambda row: row["desk"] is None or row["coordinator"] != row["desk"]["id"],
    ),
    "raise_level": _Effect(_raised, lambda row: row["level"] < HIGHEST_AUTOMATIC),
    "supervise": _Effect(
        lambda row, zh, en: (f"街道将于 {zh} 督办", f"supervised by the street at {en}"),
        lambda row: not row["supervised"],
    ),
    "remind": _Effect(lambda row, zh, en: (f"将于 {zh} 提醒", f"a reminder goes out at {en}")),
}


def coordination(rows: Iterable[Mapping[str, Any]], now: datetime) -> dict[uuid.UUID, CoordinationTime]:
    """The clock of coordination of each of the tickets, which are rows of a list, by the ticket's id. One statement."""
    tickets = {one["id"]: one for one in rows}
    clocks = TicketClock.objects.live().filter(subject__in=tickets, name=ClockName.COORDINATE).order_by("epoch")
    return {one.subject_id: _time(one, tickets[one.subject_id], now) for one in clocks}


def _time(clock: TicketClock, row: Mapping[str, Any], now: datetime) -> CoordinationTime:
    if clock.running_since is None:
        return CoordinationTime(None, clock.started_at, paused=say(*PAUSES[clock.pause_reason][1]))
    return CoordinationTime(clock.due_at, clock.started_at, _next(clock, row, now))


def _next(clock: Clock, row: Mapping[str, Any], now: datetime) -> str:
    """What the ladder brings about at the end of the time, or next where that is over; empty where it is nothing."""
    ladder = service_levels.level(clock.policy).ladder(clock.name)
    position = clock.rung
    while (found := ladder.at(position)) is not None:
        rung, occurrence = found
        if rung.after is not None or rung.share == 100:
            moment = rung.moment(started=clock.started_at, due=clock.due_at, paused=clock.paused, occurrence=occurrence)
            made = next(
                (_EFFECTS[one] for one in rung.effects if one in _EFFECTS and _EFFECTS[one].possible(row)), None
            )
            if made is not None:
                return say(*made.words(row, *when(moment, now)))
        if occurrence:
            break
        position += 1
    return ""
