"""Which clocks an event starts, pauses, resumes and stops: decided from what the event says alone, so that it can be decided again.

Entering a state stops what does not belong there and starts what does; some moves that stay in their state do so too.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tickets.states import ClockName, State
from workflow.clocks import Plan, Start
from workflow.models import Clock, Event

C = ClockName
S = State

HELPERS = frozenset({C.REPORT, C.ASSIST})
# What watches the organisation that leads.
LEADS = frozenset({C.SIGN, C.CONTACT, C.ARRIVE, C.HANDLE})
# A new lead begins anew with these moves.
NEW_LEAD = frozenset({"submit", "dispatch", "redispatch", "complete_step"})


@dataclass(frozen=True, slots=True)
class Running:
    """What runs in a state: clocks that begin on entering it where they do not run, and others that go on where they run."""

    begins: tuple[ClockName, ...] = ()
    goes_on: frozenset[ClockName] = frozenset()
    held: frozenset[ClockName] = frozenset()


_AROUND = frozenset({C.CALLBACK, C.SUCCESSION, *HELPERS})
_WORK = frozenset({C.CONTACT, C.ARRIVE, C.HANDLE})
IN_STATE: Mapping[str, Running] = {
    S.SUBMITTED: Running((C.TRIAGE, C.OVERALL), _AROUND),
    S.COORDINATING: Running((C.COORDINATE, C.OVERALL), _AROUND | {C.HANDLE, C.QUESTION}),
    S.DISPATCHED: Running((C.SIGN, C.OVERALL), _AROUND | _WORK),
    S.IN_PROGRESS: Running((C.HANDLE, C.OVERALL), _AROUND | _WORK | {C.QUESTION, C.EXTENSION}),
    S.RETURNING: Running((C.REVIEW, C.OVERALL), _AROUND | _WORK),
    S.REPLIED: Running((C.CONFIRM,), frozenset({C.CALLBACK, C.SUCCESSION}), HELPERS),
    S.ON_ACCOUNT: Running((C.ACCOUNT, C.PLAN), frozenset({C.SUCCESSION}), held=_AROUND - {C.SUCCESSION}),
    S.CLOSED: Running((), frozenset({C.CALLBACK})),
}
NOTHING_RUNS = Running()
# What an organisation that is asked to help owes.
WHISTLED, CO_HANDLING = (C.REPORT, C.ASSIST), (C.ASSIST,)
# What a question to the resident holds, while it is open.
HELD_BY_QUESTION = frozenset({C.COORDINATE, C.HANDLE, C.OVERALL})


def clock_plan(event: Event, clocks: Sequence[Clock]) -> Plan:
    """What `event` does to the live `clocks` of its ticket."""
    if event.verb == "recalendar":
        return Plan(calendar=event.data["calendar"])
    plan = _Planning(event, clocks)
    if event.source != event.target or event.verb in ("submit", "redispatch"):
        plan.enter(IN_STATE.get(event.target, NOTHING_RUNS))
    plan.act()
    return plan.whole()


class _Planning:
    def __init__(self, event: Event, clocks: Sequence[Clock]):
        self.event, self.clocks = event, clocks
        self.data: Mapping[str, Any] = event.data
        # By identity: rows that PostgreSQL has yet to give an id are all alike.
        self.stops: dict[int, Clock] = {}
        self.pauses: list[tuple[Clock, str]] = []
        self.resumes: list[Clock] = []
        self.extends: list[tuple[Clock, int]] = []
        self.starts: list[Start] = []

    def whole(self) -> Plan:
        """The plan; what stops is neither held nor resumed besides."""
        pauses = [(one, reason) for one, reason in self.pauses if id(one) not in self.stops]
        resumes = [one for one in self.resumes if id(one) not in self.stops]
        extends = [(one, days) for one, days in self.extends if id(one) not in self.stops]
        return Plan(tuple(self.stops.values()), tuple(pauses), tuple(resumes), tuple(extends), tuple(self.starts))

    def enter(self, running: Running) -> None:
        """Let the clocks be those of the state that is entered."""
        anew = LEADS if self.event.verb in NEW_LEAD and self.event.target == S.DISPATCHED else frozenset()
        for clock in self.clocks:
            name = C(clock.name)
            if name in anew or name not in running.goes_on | running.held | frozenset(running.begins):
                self.end(clock)
            elif name in running.held:
                self.pauses.append((clock, self.event.target))
            elif clock.running_since is None:
                self.resumes.append(clock)
        live = {clock.name for clock in self.clocks if id(clock) not in self.stops}
        begins = dict.fromkeys((*running.begins, *(C.CONTACT, C.ARRIVE, C.HANDLE))) if anew else running.begins
        for name in begins:
            if name not in live:
                self.start(name)
        if anew and self.data.get("promised"):
            self.start(C.CALLBACK)

    def act(self) -> None:
        """Do what the move itself asks for."""
        event, verb = self.event, self.event.verb
        match verb:
            case "contact":
                self.stop(C.CONTACT)
            case "arrive":
                self.stop(C.ARRIVE)
            case "take_over":
                self.again(C.COORDINATE)
                self.go_on()
            case "progress" if event.target == S.ON_ACCOUNT:
                self.again(C.ACCOUNT)
            case "ask":
                self.start(C.QUESTION)
                self.pauses += [(one, C.QUESTION) for one in self.clocks if one.name in HELD_BY_QUESTION]
            case "answer" | "lapse" | "withdraw" if event.source == event.target:
                self.go_on()
            case "request_extension":
                self.start(C.EXTENSION)
            case "grant_extension":
                self.stop(C.EXTENSION)
                self.extends += [
                    (one, self.data["days"])
                    for one in self.clocks
                    if one.name in (C.HANDLE, C.OVERALL) and in_days(one)
                ]
            case "refuse_extension":
                self.stop(C.EXTENSION)
            case "callback":
                self.stop(C.CALLBACK)
            case "correct" if "leaf" in self.data:
                for one in self.clocks:
                    if one.name in (C.TRIAGE, C.COORDINATE, C.OVERALL):
                        self.end(one)
                        self.start(C(one.name), one.holder_id, since=one.started_at)
        if "asked" in self.data or verb in ("succeed", "keep"):
            self.stop(C.SUCCESSION)
        if self.data.get("asked"):
            self.start(C.SUCCESSION)
        for holder in self.data.get("released", ()):
            self.stop_helper(HELPERS, holder)
        if (reporting := self.data.get("reporting")) is not None:
            self.stop_helper({C.REPORT}, reporting)
        for role, owed in (("whistled", WHISTLED), ("helping", CO_HANDLING)):
            for holder in self.data.get(role, ()):
                for name in owed:
                    if not self.owes(name, holder):
                        self.start(name, uuid.UUID(holder))

    def go_on(self) -> None:
        """End a question that is open, and let go on what it held."""
        self.stop(C.QUESTION)
        if any(one.name == C.QUESTION for one in self.clocks):
            self.resumes += [one for one in self.clocks if one.name in HELD_BY_QUESTION]

    def start(self, name: ClockName, holder: uuid.UUID | None = None, since: datetime | None = None) -> None:
        """Begin a clock; one that watches the lead knows whom from the event."""
        if name in LEADS and (lead := self.data.get("lead") or self.data.get("holder")):
            holder = uuid.UUID(lead)
        self.starts.append(Start(name, holder, since))

    def again(self, name: ClockName) -> None:
        """End a clock and begin it anew, as another row."""
        self.stop(name)
        self.start(name)

    def stop(self, name: ClockName) -> None:
        for one in self.clocks:
            if one.name == name:
                self.end(one)

    def stop_helper(self, names: Collection[ClockName], holder: str) -> None:
        for one in self.clocks:
            if one.name in names and str(one.holder_id) == holder:
                self.end(one)

    def owes(self, name: ClockName, holder: str) -> bool:
        return any(
            one.name == name and str(one.holder_id) == holder and id(one) not in self.stops for one in self.clocks
        )

    def end(self, clock: Clock) -> None:
        self.stops[id(clock)] = clock


def in_days(clock: Clock) -> bool:
    """Whether the clock counts days; a limit of hours is not extended."""
    return "d" in clock.budget.split(",")[0]
