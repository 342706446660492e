"""A second reckoning of what questions and extensions do to a clock, from the calendar's oracle and from nothing of the engine.

A life is one clock that is asked about, answered late or never swept, and extended, before and after its end. `run` lets random lives
go through the plan of tickets and the engine, and says how many end otherwise than this reckoning says; `make oracle` lets many.
"""

from datetime import datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tests.workflow.calendar_oracle import Case, _case, expected, walk
from tests.workflow.clock_rows import LADDER, Row, clock
from tickets.clocks import clock_plan
from workflow.calendar import Budget, Calendar, Unit
from workflow.clocks import NEWEST_RULES, RULES, Rules, carry_out, measure

LONGEST_QUESTION = timedelta(hours=72)
MINUTE = timedelta(minutes=1)


class Reckoning:
    """What is due when, told by the minutes of the days: pauses of 72 hours at most, and none of what is overdue."""

    def __init__(self, case: Case) -> None:
        self.case, self.amount, self.pauses = case, case.amount, []
        self.working = case.working()

    def due(self) -> datetime:
        """The end of the time, of which a pause gives back its own."""
        due = self._end(self.case.started, self.amount, tuple(self.pauses))
        if self.case.unit in {"d", "wd"} and self.pauses and due <= self.pauses[-1][1]:
            # The last day ended while time stood still: it ends with the day on which time went on.
            return self._end(self.pauses[-1][1], 0, ())
        return due

    def _end(self, started: datetime, amount: int, pauses: Any) -> datetime:
        case = self.case
        return expected(
            walk(case.zone, case.first), case.ranges, self.working, started, amount, case.unit,
            exclude_start_day=case.exclude_start_day, roll_forward=case.roll_forward, until_close=case.until_close,
            pauses=pauses,
        )  # fmt: skip

    def ask(self, asked: datetime, came_by: datetime) -> None:
        """A question, and the moment at which it was answered or somebody swept."""
        if asked < self.due():
            self.pauses.append((asked, min(came_by, asked + LONGEST_QUESTION)))

    def extend(self, days: int) -> None:
        """So many days more, of the budget's own kind."""
        per_day = {"m": 24 * 60, "h": 24}.get(self.case.unit, 1)
        self.amount += days * per_day


class Life:
    """The same clock as tickets and the engine have it."""

    def __init__(self, case: Case) -> None:
        calendar = Calendar(ZoneInfo(case.zone), case.ranges, case.weekdays, case.closed, case.opened)
        self.rules = Rules(calendar=lambda number: calendar, ladder=lambda policy, name: LADDER)
        budget = Budget(case.amount, Unit(case.unit), case.exclude_start_day, case.roll_forward, case.until_close)
        self.handle = clock("1d", case.started)
        self.handle.budget = str(budget)
        measure(self.handle, self.rules)
        self.clocks = [self.handle]

    def happens(self, verb: str, at: datetime, **data: Any) -> None:
        """Let an event of a ticket under way move its clocks."""
        terms = {"policy": 1, "calendar": 1, "budgets": {"question": "72h", "extension": "24h"}}
        event: Any = Row(verb=verb, at=at, seq=1, source="in_progress", target="in_progress")
        event.data = {RULES: NEWEST_RULES, "terms": terms, **data}
        carry_out(clock_plan(event, tuple(self.clocks)), event, self.clocks, self.rules, _made)


def _made(**columns: Any) -> Any:
    made = clock("72h", columns["started_at"])
    made.__dict__.update(columns)
    return made


def live(dice: Random) -> str:
    """One random life; in words what is wrong with it, and nothing where all is well."""
    case = _case(dice)
    while case.unit == "wh":
        case = _case(dice)
    reckoned, lived, told = Reckoning(case), Life(case), [str(case)]
    now = case.started
    for _ in range(dice.randint(1, 3)):
        due = reckoned.due()
        if dice.random() < 0.6:
            asked = max(now, case.started + dice.randint(0, 2 * ((due - case.started) // MINUTE) + 60) * MINUTE)
            now = asked + dice.choice((dice.randint(0, 72 * 60), 72 * 60, dice.randint(0, 8 * 24 * 60))) * MINUTE
            told.append(f"asked {asked}, come by {now}")
            overdue = asked >= due
            lived.happens("ask", asked)
            if overdue != (lived.handle.running_since is not None):
                return "\n".join([*told, "what is overdue is held, or what is not runs on"])
            lived.happens(dice.choice(("answer", "lapse")), now)
            reckoned.ask(asked, now)
        else:
            now = max(now, due + dice.randint(-3 * 24 * 60, 3 * 24 * 60) * MINUTE)
            days = dice.randint(1, 5)
            told.append(f"{days} days more at {now}")
            lived.happens("grant_extension", now, days=days)
            reckoned.extend(days)
        right = reckoned.due()
        if lived.handle.due_at != right:
            return "\n".join([*told, f"due {right}, the clock says {lived.handle.due_at}"])
        breach = lived.handle.breached_at
        if breach is not None and (breach != right or breach > now):
            return "\n".join([*told, f"due {right} at {now}, the breach is of {breach}"])
    return ""


def compare(seed: int, number: int, size: int) -> tuple[int, str]:
    """Judge `size` lives of the chunk `number`: how many are wrong, and the first of them in words."""
    return _judged(Random(f"{seed}:{number}"), size)


def run(lives: int, seed: int) -> tuple[int, str]:
    """How many of so many lives are wrong, and the first of them in words."""
    return _judged(Random(seed), lives)


def _judged(dice: Random, lives: int) -> tuple[int, str]:
    wrong = [one for one in (live(dice) for _ in range(lives)) if one]
    return len(wrong), wrong[0] if wrong else ""
