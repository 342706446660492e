"""Which clocks an event starts, pauses, resumes and stops: decided from what the event says alone, so that it can be decided again.

Entering a state stops what does not belong there and starts what does; some moves that stay in their state do so too.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tickets.states import ClockName, State
from workflow.calendar import Budget, Unit
from workflow.clocks import Plan, Start, rules_of
from workflow.models import Clock, Event
from workflow.planner import NOTHING_RUNS, ClocksInState, Planning

C = ClockName
S = State

MINUTE = timedelta(minutes=1)
HELPERS = frozenset({C.REPORT, C.ASSIST})
# What watches the organisation that leads.
LEADS = frozenset({C.SIGN, C.CONTACT, C.ARRIVE, C.HANDLE})
# A new lead begins anew with these moves.
NEW_LEAD = frozenset({"submit", "dispatch", "redispatch", "complete_step"})


_AROUND = frozenset({C.CALLBACK, C.PROMISE, C.SUCCESSION, *HELPERS})
_WORK = frozenset({C.CONTACT, C.ARRIVE, C.HANDLE})
IN_STATE: Mapping[str, ClocksInState] = {
    S.SUBMITTED: ClocksInState((C.TRIAGE, C.OVERALL), _AROUND),
    S.COORDINATING: ClocksInState((C.COORDINATE, C.OVERALL), _AROUND | {C.HANDLE, C.QUESTION}),
    S.DISPATCHED: ClocksInState((C.SIGN, C.OVERALL), _AROUND | _WORK),
    S.IN_PROGRESS: ClocksInState((C.HANDLE, C.OVERALL), _AROUND | _WORK | {C.QUESTION, C.EXTENSION}),
    S.RETURNING: ClocksInState((C.REVIEW, C.OVERALL), _AROUND | _WORK),
    S.REPLIED: ClocksInState((C.CONFIRM,), frozenset({C.CALLBACK, C.SUCCESSION}), HELPERS | {C.PROMISE}),
    S.ON_ACCOUNT: ClocksInState(
        (C.ACCOUNT, C.PLAN), frozenset({C.SUCCESSION}), held=(_AROUND - {C.SUCCESSION}) | _WORK | {C.OVERALL}
    ),
    S.CLOSED: ClocksInState((), frozenset({C.CALLBACK})),
    S.MERGED: ClocksInState(held=frozenset({C.CALLBACK, C.PROMISE})),
}
# Where the first rules had it otherwise: what was on account or merged began anew.
IN_STATE_AT_FIRST: Mapping[str, ClocksInState] = {
    S.ON_ACCOUNT: ClocksInState((C.ACCOUNT, C.PLAN), frozenset({C.SUCCESSION}), held=_AROUND - {C.SUCCESSION}),
    S.MERGED: ClocksInState(),
}
# What an organisation that is asked to help owes.
WHISTLED, CO_HANDLING = (C.REPORT, C.ASSIST), (C.ASSIST,)
# What a question to the resident holds, while it is open.
HELD_BY_QUESTION = frozenset({C.COORDINATE, C.HANDLE, C.OVERALL, C.PROMISE})
EXTENDED = HELD_BY_QUESTION - {C.COORDINATE}
# What another category measures by budgets of its own.
BY_CATEGORY = LEADS | HELPERS | {C.TRIAGE, C.COORDINATE, C.OVERALL, C.PROMISE, C.REVIEW, C.CALLBACK}


def clock_plan(event: Event, clocks: Sequence[Clock]) -> Plan:
    """What `event` does to the live `clocks` of its ticket."""
    plan = _TicketPlanning(event, clocks)
    if event.source != event.target or event.verb in ("submit", "redispatch"):
        state = IN_STATE.get(event.target, NOTHING_RUNS)
        plan.enter(IN_STATE_AT_FIRST.get(event.target, state) if plan.first else state)
    plan.act()
    return plan.whole()


class _TicketPlanning(Planning):
    def __init__(self, event: Event, clocks: Sequence[Clock]):
        super().__init__(event, clocks)
        self.data: Mapping[str, Any] = event.data
        rules = rules_of(event)
        self.first = rules == 1
        # By the first two, a question went on where a holder asked for coordination, though nobody could answer it any more.
        self.questions_end = rules > 2

    def whole(self) -> Plan:
        """The plan, with what an ended question held."""
        if not self.first:
            self.end_question()
        return super().whole()

    def enter(self, running: ClocksInState, *, ending: Collection[str] = frozenset()) -> None:
        """Let the clocks be those of the state that is entered; those of a new lead begin anew."""
        verb, target = self.event.verb, self.event.target
        anew = LEADS if verb == "step_in" or (verb in NEW_LEAD and target == S.DISPATCHED) else frozenset()
        begins = tuple(dict.fromkeys((*running.begins, C.CONTACT, C.ARRIVE, C.HANDLE))) if anew else running.begins
        if self.data.get("no_contact"):
            begins = tuple(name for name in begins if name != C.CONTACT)
        super().enter(
            replace(running, begins=begins) if begins != running.begins else running,
            ending=anew | {C.QUESTION} if self.questions_end else anew,
        )
        if self.first:
            if anew and self.data.get("promised"):
                self.start(C.CALLBACK)
            return
        live, ended = self.live(), {one.name: one for one in self.stops.values()}
        if C.PROMISE in running.goes_on | running.held and C.PROMISE not in live and C.HANDLE in ended:
            # Another organisation gets its whole time; what the resident was promised stays.
            held = target if C.PROMISE in running.held else ""
            self.starts.append(Start(C.PROMISE, follows=ended[C.HANDLE], held=held, climbed=True))
        if self.data.get("promised") and C.CALLBACK not in live:
            if anew:
                self.start(C.CALLBACK)
            elif C.OVERALL in ended:
                self.starts.append(Start(C.CALLBACK, follows=ended[C.OVERALL]))

    def go_on(self, clock: Clock) -> None:
        """Let a clock that the state before held run again."""
        if self.event.source == S.MERGED:
            # A split undoes the merger: what was held meanwhile is due when it was.
            self.lapses.append((clock, clock.spans[-1]))
        else:
            super().go_on(clock)

    def act(self) -> None:
        """Do what the move itself asks for."""
        event, verb = self.event, self.event.verb
        match verb:
            case "contact" if self.data.get("counts", True):
                self.stop(C.CONTACT)
            case "arrive":
                self.stop(C.ARRIVE)
            case "take_over":
                self.again(C.COORDINATE)
                self.answered()
            case "progress" if event.target == S.ON_ACCOUNT:
                self.again(C.ACCOUNT)
            case "ask":
                self.start(C.QUESTION)
                # What is overdue runs on, and its ladder is climbed.
                self.pauses += [
                    (one, C.QUESTION)
                    for one in self.clocks
                    if one.name in HELD_BY_QUESTION and (self.first or one.due_at > event.at)
                ]
            case "answer" | "lapse" | "withdraw" if event.source == event.target:
                self.answered()
            case "request_extension":
                self.start(C.EXTENSION)
            case "grant_extension":
                self.stop(C.EXTENSION)
                self.extends += [
                    (one, self.data["days"])
                    for one in self.clocks
                    if one.name in EXTENDED and (in_days(one) if self.first else extensible(one))
                ]
            case "refuse_extension":
                self.stop(C.EXTENSION)
            case "callback":
                self.stop(C.CALLBACK)
            case "correct" if not self.first:
                if self.data.get("reclassed"):
                    self.revises += [one for one in self.clocks if one.name in BY_CATEGORY]
                if (lead := self.data.get("arriving")) and not any(one.name == C.ARRIVE for one in self.clocks):
                    self.start(C.ARRIVE, uuid.UUID(lead))
            case "correct" if "leaf" in self.data:
                for one in self.clocks:
                    if one.name in (C.TRIAGE, C.COORDINATE, C.OVERALL):
                        self.end(one)
                        self.start(C(one.name), one.holder_id, since=one.started_at)
        if "asked" in self.data or verb in ("succeed", "keep"):
            self.stop(C.SUCCESSION)
        if self.data.get("asked"):
            self.start(C.SUCCESSION)
        if promise := self.data.get("promise"):
            self.take_promise(datetime.fromisoformat(promise["since"]), datetime.fromisoformat(promise["due_at"]))
        for holder in self.data.get("released", ()):
            self.stop_helper(HELPERS, holder)
        if (reporting := self.data.get("reporting")) is not None:
            self.stop_helper({C.REPORT}, reporting)
        for role, owed in (("whistled", WHISTLED), ("helping", CO_HANDLING)):
            for holder in self.data.get(role, ()):
                for name in owed:
                    if not self.owes(name, holder):
                        self.start(name, uuid.UUID(holder))

    def answered(self) -> None:
        """End a question that is open, and let go on what it held."""
        self.stop(C.QUESTION)
        if any(one.name == C.QUESTION for one in self.clocks):
            self.resumes += [one for one in self.clocks if one.name in HELD_BY_QUESTION]

    def take_promise(self, since: datetime, due_at: datetime) -> None:
        """Keep what was promised of another ticket: due at the same moment, whole minutes since then."""
        self.stop(C.PROMISE)
        minutes = (due_at - since) // MINUTE
        running = IN_STATE[self.event.target]
        held = self.event.target if C.PROMISE in running.held else ""
        self.starts.append(Start(C.PROMISE, since=due_at - minutes * MINUTE, held=held, budget=f"{minutes}m"))

    def end_question(self) -> None:
        """Let what an ended question held go on: from the end of its time at the latest, whenever somebody came by."""
        question = next((one for one in self.stops.values() if one.name == C.QUESTION), None)
        if question is not None:
            until = min(self.event.at, question.due_at)
            held = [one for one in self.clocks if one.running_since is None and one.pause_reason == C.QUESTION]
            self.lapses += [(one, until) for one in held]

    def start(self, name: str, holder: uuid.UUID | None = None, since: datetime | None = None) -> None:
        """Begin a clock; one that watches the lead knows whom from the event."""
        if name in LEADS and (lead := self.data.get("lead") or self.data.get("holder")):
            holder = uuid.UUID(lead)
        super().start(name, holder, since)

    def stop_helper(self, names: Collection[ClockName], holder: str) -> None:
        for one in self.clocks:
            if one.name in names and str(one.holder_id) == holder:
                self.end(one)

    def owes(self, name: ClockName, holder: str) -> bool:
        return any(
            one.name == name and str(one.holder_id) == holder and id(one) not in self.stops for one in self.clocks
        )


def in_days(clock: Clock) -> bool:
    """Whether the clock counts days."""
    return Budget.parse(clock.budget).in_days


def extensible(clock: Clock) -> bool:
    """Whether days can be added to the clock's time: to any but working hours."""
    return Budget.parse(clock.budget).unit != Unit.WORKING_HOURS
