"""Clocks: what an event starts, pauses, resumes and stops, and when each of them is due. Pure, over rows in memory.

A clock is a row, never reset: a new holder, a reopening or a new round is a new row. `fire_at` is the moment of the next rung of
its ladder; it is empty while the clock is paused or stopped, or the ladder has ended.

Another rule for an old event would tell old rows anew. So each event says by which rules its clocks were moved; one that says
nothing follows the first ones.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from web.words import bilingual
from workflow.calendar import Budget, Calendar, Unit
from workflow.instances import fresh
from workflow.ladder import Ladder
from workflow.models import Clock, Event, Subject

NOTHING = timedelta(0)
_budget = cache(Budget.parse)

RULES = "clock_rules"
"""The fact of an event that says by which rules its clocks were moved."""
NEWEST_RULES = 3


def rules_of(event: Event) -> int:
    """The rules by which the clocks of `event` are moved."""
    number: int = event.data.get(RULES, 1)
    return number


@dataclass(frozen=True, slots=True)
class Start:
    """A clock that begins: its name, who it watches, and since when (the event's moment without it).

    One that `follows` another has the budget, pauses and due moment of that one. `held` is why it stands still at once.
    `climbed` says that what has been told of that one is not told again. `budget` goes before what the event's terms say.
    """

    name: str
    holder_id: uuid.UUID | None = None
    since: datetime | None = None
    follows: Clock | None = None
    held: str = ""
    climbed: bool = False
    budget: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an event does to the clocks of its subject. Clocks are named by themselves, as they are live before the event.

    `lapses` are clocks whose pause ended before the event, each with when: they go on from there, before anything else.
    `revises` are measured by the budgets of the event's terms, where these are others.
    """

    lapses: tuple[tuple[Clock, datetime], ...] = ()
    stops: tuple[Clock, ...] = ()
    pauses: tuple[tuple[Clock, str], ...] = ()
    resumes: tuple[Clock, ...] = ()
    extends: tuple[tuple[Clock, int], ...] = ()
    revises: tuple[Clock, ...] = ()
    starts: tuple[Start, ...] = ()
    calendar: int | None = None


NO_PLAN = Plan()

RECALENDAR = "recalendar"
"""The event that measures the live clocks by a newer calendar. It is no move: every subject with clocks has it, in any state."""
RECALENDAR_LABEL = bilingual("历法更新", "Measure by a new calendar")


def plan_of(subject: type[Subject], event: Event, clocks: Sequence[Clock]) -> Plan:
    """What `event` does to the live `clocks`: a new calendar measures all of them, anything else is what the subject says."""
    if event.verb == RECALENDAR:
        return Plan(calendar=event.data["calendar"])
    plan: Plan = subject.clock_plan(event, clocks)
    return plan


@dataclass(frozen=True, slots=True)
class Terms:
    """What the clocks that an event starts are measured by; stands in the event's data, under its seal.

    `budgets` are written as `workflow.calendar.Budget` writes them, by the clock's name; a clock without one does not start.
    """

    policy: int
    calendar: int
    budgets: Mapping[str, str]

    def facts(self) -> dict[str, object]:
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
    """The clocks that an event touched: those that are new, and those that were there; of those `replaced`, the old and the new."""

    new: list[Clock] = field(default_factory=list)
    changed: list[Clock] = field(default_factory=list)
    replaced: list[tuple[Clock, Clock]] = field(default_factory=list)

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
    first = rules_of(event) == 1
    for clock, until in plan.lapses:
        resume(clock, until, rules)
        changes.touch(clock)
    for clock in plan.stops:
        stop(clock, at)
        changes.touch(clock)
    _drop(clocks, plan.stops)
    for clock, reason in plan.pauses:
        pause(clock, at, reason, noted=not first)
        changes.touch(clock)
    for clock in plan.resumes:
        resume(clock, at, rules, noted=not first)
        changes.touch(clock)
    for clock, days in plan.extends:
        if first:
            clock.budget = str(_budget(clock.budget).extended(days))
            measure(clock, rules)
        else:
            clock.budget = str(lengthened(_budget(clock.budget), days))
            clock.extended += days
            measure(clock, rules)
            _stand(clock, at, rules)
        changes.touch(clock)
    if plan.calendar is not None:
        for clock in clocks:
            before = clock.due_at
            clock.calendar = plan.calendar
            measure(clock, rules)
            if not first:
                _spare(clock, before, at, rules)
                _stand(clock, at, rules)
            changes.touch(clock)
    if plan.revises:
        for clock in plan.revises:
            _revise(clock, event, clocks, changes, rules, make)
    if plan.starts:
        terms = Terms.of(event)
        for one in plan.starts:
            if one.follows is not None:
                clock = _following(one.follows, event, rules, make, name=str(one.name), holder_id=one.holder_id)
                measure(clock, rules)
                if one.climbed:
                    _climb_on(clock, at, rules)
            elif budget := one.budget or terms.budgets.get(one.name):
                clock = _new(one.name, one.holder_id, one.since or at, budget, event, make)
                measure(clock, rules)
            else:
                continue
            if one.held:
                pause(clock, at, one.held)
            changes.new.append(clock)
            clocks.append(clock)
    return changes


def _drop(clocks: list[Clock], gone: Iterable[Clock]) -> None:
    # By identity: rows that PostgreSQL has yet to give an id are all alike.
    stopped = {id(clock) for clock in gone}
    clocks[:] = [clock for clock in clocks if id(clock) not in stopped]


def _new(
    name: str, holder_id: uuid.UUID | None, since: datetime, budget: str, event: Event, make: Callable[..., Clock]
) -> Clock:
    terms = Terms.of(event)
    return make(
        name=str(name),
        holder_id=holder_id,
        epoch=event.seq,
        budget=budget,
        policy=terms.policy,
        calendar=terms.calendar,
        started_at=since,
        running_since=since,
        due_at=since,
    )


def _following(clock: Clock, event: Event, rules: Rules, make: Callable[..., Clock], **columns: object) -> Clock:
    """A new row that goes on where `clock` is: with its beginning, budget, pauses, and its breach."""
    kept = {
        name: getattr(clock, name)
        for name in (
            *("started_at", "budget", "policy", "calendar", "pauses", "paused", "spans", "reasons", "pause_reason"),
            *("extended", "not_before", "breached_at", "due_at"),
        )
    }
    held = len(clock.spans) % 2 == 1
    return make(**{**kept, "epoch": event.seq, "running_since": None if held else event.at, **columns})


def _revise(
    clock: Clock, event: Event, clocks: list[Clock], changes: Changes, rules: Rules, make: Callable[..., Clock]
) -> None:
    """Let the event's terms measure the clock, by a new row: from the same beginning, or from now on where hours are fewer than before.

    Where there is no budget any more, the clock ends; where it is the same, nothing happens.
    """
    terms, at = Terms.of(event), event.at
    budget = terms.budgets.get(clock.name)
    if budget is not None and budget == str(_own(clock)):
        return
    stop(clock, at)
    changes.touch(clock)
    _drop(clocks, [clock])
    if budget is None:
        return
    given = _budget(budget)
    columns = {"name": clock.name, "holder_id": clock.holder_id, "policy": terms.policy, "calendar": terms.calendar}
    longer = str(lengthened(given, clock.extended)) if clock.extended else budget
    revised = _following(
        clock, event, rules, make, **{**columns, "budget": longer, "not_before": None, "breached_at": None}
    )
    measure(revised, rules)
    if not given.in_days and revised.due_at < clock.due_at:
        held = revised.pause_reason if revised.running_since is None else ""
        revised = _new(clock.name, clock.holder_id, at, budget, event, make)
        measure(revised, rules)
        if held:
            pause(revised, at, held)
    else:
        _spare(revised, clock.due_at, at, rules)
        _breach(revised, _now(revised, at))
        _climb_on(revised, _now(revised, at), rules)
    changes.new.append(revised)
    changes.replaced.append((clock, revised))
    clocks.append(revised)


def _own(clock: Clock) -> Budget:
    """The clock's budget without the days that it was extended by."""
    budget = _budget(clock.budget)
    if not clock.extended:
        return budget
    if budget.in_days:
        return replace(budget, amount=budget.amount - clock.extended)
    return replace(budget, amount=budget.amount - lengthened(replace(budget, amount=0), clock.extended).amount)


def lengthened(budget: Budget, days: int) -> Budget:
    """The budget with `days` more of its own kind; natural hours and minutes get 24 hours for each. Raises ValueError for working hours."""
    return budget.extended(days) if budget.in_days else budget.plus(Budget(days, Unit.DAYS))


def own_days(clock: Clock) -> int:
    """How many whole days the clock's own budget has, without what it was extended by; 0 for working hours."""
    budget = _own(clock)
    if budget.in_days:
        return budget.amount
    per_day = {Unit.MINUTES: 24 * 60, Unit.HOURS: 24}.get(budget.unit)
    return budget.amount // per_day if per_day else 0


def _now(clock: Clock, at: datetime) -> datetime:
    """The moment that the clock's own time has come to: where it is held, when it was held."""
    return clock.spans[-1] if clock.running_since is None and len(clock.spans) % 2 == 1 else at


def _spare(clock: Clock, before: datetime, at: datetime, rules: Rules) -> None:
    """Let the clock, which was due at `before`, not be due in the past by what is done to it at `at`.

    A budget of days ends with that day, any other one at that moment; what was overdue already stays due when it was.
    """
    now, least = _now(clock, at), before
    if before > now:
        if clock.due_at > now:
            return
        budget = _budget(clock.budget)
        today = rules.calendar(clock.calendar).add(now, replace(budget, amount=0)) if budget.in_days else now
        least = min(before, today)
    if clock.due_at < least:
        clock.not_before = least
        measure(clock, rules)


def _stand(clock: Clock, at: datetime, rules: Rules) -> None:
    """Let breach and rungs of an overdue clock be those of the due moment that stands: what is still to come is told once more."""
    if clock.breached_at is None:
        return
    now = _now(clock, at)
    clock.breached_at = clock.due_at if clock.due_at <= now else None
    position = _climbed(clock, now, rules)
    if position < clock.rung:
        clock.turn += 1
        _climb_on(clock, now, rules)


def _climb_on(clock: Clock, now: datetime, rules: Rules) -> None:
    """Go on with the first rung that is still to come; the others are told no more."""
    clock.rung = _climbed(clock, now, rules)
    clock.fire_at = next_moment(clock, rules) if clock.running_since is not None else None


def _climbed(clock: Clock, now: datetime, rules: Rules) -> int:
    """How many rungs of the clock's ladder have come by `now`."""
    ladder = rules.ladder(clock.policy, clock.name)
    measures: dict[str, Any] = {"started": clock.started_at, "due": clock.due_at, "paused": clock.paused}
    position = 0
    while (found := ladder.at(position)) is not None:
        if found[0].every is not None:
            last = ladder.latest(position, now, **measures)
            return last + 1 if found[0].moment(**measures) <= now else position
        if found[0].moment(**measures) > now:
            return position
        position += 1
    return position


def measure(clock: Clock, rules: Rules) -> None:
    """Set the due moment of a live clock, and that of its next rung, from its budget, its pauses and its calendar."""
    calendar, budget, pauses = rules.calendar(clock.calendar), _budget(clock.budget), spans(clock)
    clock.due_at = calendar.due(clock.started_at, budget, pauses)
    if budget.in_days and pauses and clock.due_at <= pauses[-1][1]:
        # The last day ended while time stood still: it ends anew with the day on which time went on.
        clock.due_at = calendar.add(pauses[-1][1], replace(budget, amount=0))
    if clock.not_before is not None and clock.due_at < clock.not_before:
        clock.due_at = clock.not_before
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


def pause(clock: Clock, at: datetime, reason: str, *, noted: bool = True) -> None:
    """Hold a running clock. At or after its due moment the breach is recorded. Of each pause that is `noted` the reason is kept."""
    if clock.running_since is None:
        return
    _breach(clock, at)
    if noted:
        clock.reasons = [*clock.reasons, *[""] * (len(clock.spans) // 2 - len(clock.reasons)), reason]
    clock.spans = [*clock.spans, at]
    clock.pauses += 1
    clock.pause_reason = reason
    clock.running_since = clock.fire_at = None


def resume(clock: Clock, at: datetime, rules: Rules, *, noted: bool = True) -> None:
    """Let a paused clock run again; the time it was held is added to its due moment by its calendar's rules.

    A clock that was overdue when it was held stays due when it was, and one that goes on from the moment of the pause was not held.
    """
    if clock.running_since is not None or len(clock.spans) % 2 == 0:
        return
    if clock.breached_at is None and (at > clock.spans[-1] or not noted):
        clock.paused += at - clock.spans[-1]
        clock.spans = [*clock.spans, at]
    else:
        clock.spans = clock.spans[:-1]
        clock.reasons = clock.reasons[: len(clock.spans) // 2]
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

    def make(**columns: object) -> Clock:
        return fresh(kind, subject_id=subject.pk, **columns, **subject.shared_columns())

    for event in events:
        if by := event.data.get(FIRED):
            for clock in live:
                if (clock.name, str(clock.holder_id or ""), clock.epoch) == (by["clock"], by["holder"], by["epoch"]):
                    fired(clock, by["position"], event.at, rules)
        every += carry_out(plan_of(type(subject), event, tuple(live)), event, live, rules, make).new
    return every


def untrue(
    subject: Subject, events: Iterable[Event], rows: Iterable[Clock], put_off_until: datetime | None = None
) -> Clock | None:
    """The first clock among `rows`, all that the subject has, that is not as the events say, or that is missing among them.

    A clock whose rung could not be fired has been put off, but not beyond `put_off_until`.
    """
    found: dict[tuple[str, object, int], Clock] = {}
    for one in rows:
        if found.setdefault(_place(one), one) is not one:
            return one
    for said in recompute(subject, events):
        row = found.pop(_place(said), None)
        if row is None or _said(row) != _said(said) or not _fires(row, said, put_off_until):
            return said
    return next(iter(found.values()), None)


def _place(clock: Clock) -> tuple[str, object, int]:
    return clock.name, clock.holder_id, clock.epoch


def _said(clock: Clock) -> list[object]:
    """What a clock's row says, without its id and what failing to fire it leaves there."""
    names = [field.attname for field in clock._meta.concrete_fields]
    return [getattr(clock, name) for name in names if name not in {"id", "failures", "error", "fire_at"}]


def _fires(row: Clock, said: Clock, put_off_until: datetime | None) -> bool:
    if row.fire_at == said.fire_at:
        return True
    if not row.failures or row.fire_at is None or said.fire_at is None:
        return False
    return said.fire_at < row.fire_at and (put_off_until is None or row.fire_at <= put_off_until)
