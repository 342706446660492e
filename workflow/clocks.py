"""Clocks: what an event starts, pauses, resumes and stops, and when each of them is due. Pure, over rows in memory.

A clock is a row, never reset: a new holder, a reopening or a new round is a new row. `fire_at` is the moment of the next rung of
its ladder; it is empty while the clock is paused or stopped, or the ladder has ended.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from workflow.calendar import Budget, Calendar
from workflow.instances import fresh
from workflow.ladder import Ladder
from workflow.models import Clock, Event, Subject

NOTHING = timedelta(0)
_budget = cache(Budget.parse)


@dataclass(frozen=True, slots=True)
class Start:
    """A clock that begins: its name, who it watches, and since when (the event's moment without it)."""

    name: str
    holder_id: uuid.UUID | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What an event does to the clocks of its subject. Clocks are named by themselves, as they are live before the event."""

    stops: tuple[Clock, ...] = ()
    pauses: tuple[tuple[Clock, str], ...] = ()
    resumes: tuple[Clock, ...] = ()
    extends: tuple[tuple[Clock, int], ...] = ()
    starts: tuple[Start, ...] = ()
    calendar: int | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What the clocks that an event starts are measured by; stands in the event's data, under its seal.

    `budgets` are written as `workflow.calendar.Budget` writes them, by the clock's name; a clock without one does not start.
    """

    policy: int
    calendar: int
    budgets: Mapping[str, str]

    def facts(self) -> dict[str, Any]:
        """As the event keeps them."""
        return {
            "policy": self.policy,
            "calendar": self.calendar,
            "budgets": {str(name): budget for name, budget in self.budgets.items()},
        }

    @classmethod
    def of(cls, event: Event) -> "Terms":
        """As the event kept them."""
        kept = event.data["terms"]
        return cls(kept["policy"], kept["calendar"], kept["budgets"])


@dataclass(frozen=True, slots=True)
class Rules:
    """Where calendars and ladders are found: by a calendar's version, and by a policy's number and a clock's name."""

    calendar: Callable[[int], Calendar]
    ladder: Callable[[int, str], Ladder]


@dataclass(slots=True)
class Changes:
    """The clocks that an event touched: those that are new, and those that were there."""

    new: list[Clock] = field(default_factory=list)
    changed: list[Clock] = field(default_factory=list)

    def touch(self, clock: Clock) -> None:
        """Remember that a clock which was there has changed."""
        if not any(clock is known for known in self.new + self.changed):
            self.changed.append(clock)


def carry_out(plan: Plan, event: Event, clocks: list[Clock], rules: Rules, make: Callable[..., Clock]) -> Changes:
    """Do to the live `clocks` what `plan` says `event` does to them; the list then holds the clocks that are live after it.

    `make` builds a row of the subject's clock table.
    """
    changes = Changes()
    at: datetime = event.at
    for clock in plan.stops:
        stop(clock, at)
        changes.touch(clock)
    # By identity: rows that PostgreSQL has yet to give an id are all alike.
    stopped = {id(clock) for clock in plan.stops}
    clocks[:] = [clock for clock in clocks if id(clock) not in stopped]
    for clock, reason in plan.pauses:
        pause(clock, at, reason)
        changes.touch(clock)
    for clock in plan.resumes:
        resume(clock, at, rules)
        changes.touch(clock)
    for clock, days in plan.extends:
        clock.budget = str(_budget(clock.budget).extended(days))
        measure(clock, rules)
        changes.touch(clock)
    if plan.calendar is not None:
        for clock in clocks:
            clock.calendar = plan.calendar
            measure(clock, rules)
            changes.touch(clock)
    if plan.starts:
        terms = Terms.of(event)
        for one in plan.starts:
            if one.name not in terms.budgets:
                continue
            clock = make(
                name=str(one.name),
                holder_id=one.holder_id,
                epoch=event.seq,
                budget=terms.budgets[one.name],
                policy=terms.policy,
                calendar=terms.calendar,
                started_at=one.since or at,
                running_since=one.since or at,
                due_at=one.since or at,
            )
            measure(clock, rules)
            changes.new.append(clock)
            clocks.append(clock)
    return changes


def measure(clock: Clock, rules: Rules) -> None:
    """Set the due moment of a live clock, and that of its next rung, from its budget, its pauses and its calendar."""
    calendar, budget, pauses = rules.calendar(clock.calendar), _budget(clock.budget), spans(clock)
    clock.due_at = calendar.due(clock.started_at, budget, pauses)
    if budget.in_days and pauses and clock.due_at <= pauses[-1][1]:
        # The last day ended while time stood still: it ends anew with the day on which time went on.
        clock.due_at = calendar.add(pauses[-1][1], replace(budget, amount=0))
    clock.fire_at = next_moment(clock, rules) if clock.running_since is not None else None


def next_moment(clock: Clock, rules: Rules) -> datetime | None:
    """The moment of the rung that is next on the clock's ladder; None when it has ended."""
    found = rules.ladder(clock.policy, clock.name).at(clock.rung)
    if found is None:
        return None
    rung, occurrence = found
    return rung.moment(started=clock.started_at, due=clock.due_at, paused=clock.paused, occurrence=occurrence)


def spans(clock: Clock) -> list[tuple[datetime, datetime]]:
    """The pauses of the clock that have ended, each from and to."""
    moments = clock.spans[: len(clock.spans) // 2 * 2]
    return list(zip(moments[::2], moments[1::2], strict=True))


def pause(clock: Clock, at: datetime, reason: str) -> None:
    """Hold a running clock. At or after its due moment the breach is recorded."""
    if clock.running_since is None:
        return
    _breach(clock, at)
    clock.spans = [*clock.spans, at]
    clock.pauses += 1
    clock.pause_reason = reason
    clock.running_since = clock.fire_at = None


def resume(clock: Clock, at: datetime, rules: Rules) -> None:
    """Let a paused clock run again; the time it was held is added to its due moment by its calendar's rules.

    A clock that was overdue when it was held stays due when it was.
    """
    if clock.running_since is not None or len(clock.spans) % 2 == 0:
        return
    if clock.breached_at is None:
        clock.paused += at - clock.spans[-1]
        clock.spans = [*clock.spans, at]
    else:
        clock.spans = clock.spans[:-1]
    clock.pause_reason = ""
    clock.running_since = at
    measure(clock, rules)


def stop(clock: Clock, at: datetime) -> None:
    """End a clock for good; what it consumed, and how far it went over, stay on record."""
    held = clock.running_since is None and len(clock.spans) % 2 == 1
    end = clock.spans[-1] if held else at
    _breach(clock, end)
    clock.stopped_at = at
    clock.consumed = max(end - clock.started_at - clock.paused, NOTHING)
    clock.over = max(end - clock.due_at, NOTHING) if clock.breached_at is not None else NOTHING
    clock.running_since = clock.fire_at = None


def _breach(clock: Clock, at: datetime) -> None:
    if clock.breached_at is None and at >= clock.due_at:
        clock.breached_at = clock.due_at


def fired(clock: Clock, position: int, now: datetime, rules: Rules) -> None:
    """Move the clock past the rung that was fired as number `position`; overdue, the breach is recorded."""
    _breach(clock, now)
    clock.rung = position + 1
    clock.failures, clock.error = 0, ""
    clock.fire_at = next_moment(clock, rules) if clock.running_since is not None else None


FIRED = "fired"
"""The fact of an event that a rung brought about: which clock (`name`, `holder`, `epoch`) and which firing (`rung`, `position`)."""


def recompute(subject: Subject, events: Iterable[Event]) -> list[Clock]:
    """Every clock that `events`, in order, lead to, as the rows should say: stopped ones as well, in the order of their start."""
    rules, kind = subject.rules(), type(subject).CLOCKS
    live: list[Clock] = []
    every: list[Clock] = []

    def make(**columns: Any) -> Clock:
        return fresh(kind, subject_id=subject.pk, **columns, **subject.shared_columns())

    for event in events:
        if by := event.data.get(FIRED):
            for clock in live:
                if (clock.name, str(clock.holder_id or ""), clock.epoch) == (by["clock"], by["holder"], by["epoch"]):
                    fired(clock, by["position"], event.at, rules)
        every += carry_out(subject.clock_plan(event, tuple(live)), event, live, rules, make).new
    return every


def untrue(
    subject: Subject, events: Iterable[Event], rows: Iterable[Clock], put_off_until: datetime | None = None
) -> Clock | None:
    """The first clock among `rows`, all that the subject has, that is not as the events say, or that is missing among them.

    A clock whose rung could not be fired has been put off, but not beyond `put_off_until`.
    """
    found: dict[tuple[str, Any, int], Clock] = {}
    for one in rows:
        if found.setdefault(_place(one), one) is not one:
            return one
    for said in recompute(subject, events):
        row = found.pop(_place(said), None)
        if row is None or _said(row) != _said(said) or not _fires(row, said, put_off_until):
            return said
    return next(iter(found.values()), None)


def _place(clock: Clock) -> tuple[str, Any, int]:
    return clock.name, clock.holder_id, clock.epoch


def _said(clock: Clock) -> list[Any]:
    """What a clock's row says, without its id and what failing to fire it leaves there."""
    names = [field.attname for field in clock._meta.concrete_fields]
    return [getattr(clock, name) for name in names if name not in {"id", "failures", "error", "fire_at"}]


def _fires(row: Clock, said: Clock, put_off_until: datetime | None) -> bool:
    if row.fire_at == said.fire_at:
        return True
    if not row.failures or row.fire_at is None or said.fire_at is None:
        return False
    return said.fire_at < row.fire_at and (put_off_until is None or row.fire_at <= put_off_until)
