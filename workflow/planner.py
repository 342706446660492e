"""What an event does to the clocks of its subject, put together from a table of which clock runs in which state.

Entering a state stops what does not belong there and starts what does. A subject whose clocks follow its states alone needs no more
than the table (`planner`); one whose moves do more to them has a subclass of `Planning`. All of it is decided from what the event
says alone, so that it can be decided again.
"""

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from workflow.clocks import NO_PLAN, Plan, Start
from workflow.models import Clock, Event


@dataclass(frozen=True, slots=True)
class ClocksInState:
    """What runs in a state: clocks that begin on entering it where they do not run, and others that go on, or are held, where they run."""

    begins: tuple[str, ...] = ()
    goes_on: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()


NOTHING_RUNS = ClocksInState()


class Planning:
    """The plan of one event, while it is being put together."""

    def __init__(self, event: Event, clocks: Sequence[Clock]):
        self.event, self.clocks = event, clocks
        # By identity: rows that PostgreSQL has yet to give an id are all alike.
        self.stops: dict[int, Clock] = {}
        self.lapses: list[tuple[Clock, datetime]] = []
        self.pauses: list[tuple[Clock, str]] = []
        self.resumes: list[Clock] = []
        self.extends: list[tuple[Clock, int]] = []
        self.revises: list[Clock] = []
        self.starts: list[Start] = []

    def whole(self) -> Plan:
        """The plan; what stops is neither held nor resumed besides."""
        if not (
            self.stops or self.lapses or self.pauses or self.resumes or self.extends or self.revises or self.starts
        ):
            return NO_PLAN
        pauses = [(one, reason) for one, reason in self.pauses if id(one) not in self.stops]
        lapsed = {id(one) for one, _ in self.lapses}
        resumes = [one for one in self.resumes if id(one) not in self.stops and id(one) not in lapsed]
        extends = [(one, days) for one, days in self.extends if id(one) not in self.stops]
        return Plan(
            lapses=tuple(self.lapses),
            stops=tuple(self.stops.values()),
            pauses=tuple(pauses),
            resumes=tuple(resumes),
            extends=tuple(extends),
            revises=tuple(one for one in self.revises if id(one) not in self.stops),
            starts=tuple(self.starts),
        )

    def enter(self, running: ClocksInState, *, ending: Collection[str] = frozenset()) -> None:
        """Let the clocks be those of the state that is entered; those of the names in `ending` end, and may begin anew."""
        kept = running.goes_on | running.held | frozenset(running.begins)
        for clock in self.clocks:
            if clock.name in ending or clock.name not in kept:
                self.end(clock)
            elif clock.name in running.held:
                self.pauses.append((clock, self.event.target))
            elif clock.running_since is None:
                self.go_on(clock)
        live = self.live()
        for name in running.begins:
            if name not in live:
                self.start(name)

    def go_on(self, clock: Clock) -> None:
        """Let a clock that the state before held run again."""
        self.resumes.append(clock)

    def live(self) -> set[str]:
        """The names of the clocks that were there and do not stop."""
        return {clock.name for clock in self.clocks if id(clock) not in self.stops}

    def start(self, name: str, holder: uuid.UUID | None = None, since: datetime | None = None) -> None:
        """Begin a clock."""
        self.starts.append(Start(name, holder, since))

    def again(self, name: str) -> None:
        """End a clock and begin it anew, as another row."""
        self.stop(name)
        self.start(name)

    def stop(self, name: str) -> None:
        """End the clocks of a name."""
        for one in self.clocks:
            if one.name == name:
                self.end(one)

    def end(self, clock: Clock) -> None:
        """End a clock."""
        self.stops[id(clock)] = clock


def planner(in_state: Mapping[str, ClocksInState]) -> Callable[[Event, Sequence[Clock]], Plan]:
    """The `clock_plan` of a subject whose clocks follow its states alone."""

    def clock_plan(event: Event, clocks: Sequence[Clock]) -> Plan:
        planning = Planning(event, clocks)
        if event.source != event.target:
            planning.enter(in_state.get(event.target, NOTHING_RUNS))
        return planning.whole()

    return clock_plan
