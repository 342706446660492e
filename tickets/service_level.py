"""What a street promises: how soon each thing is to be done (targets), and what happens as time runs out (ladders)."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from tickets.states import ClockName
from tickets.windows import FORMERLY, Window
from workflow.calendar import Budget
from workflow.ladder import Ladder, Rung, span, words

FILE = Path(__file__).parent / "data" / "service_level.toml"
EFFECTS = frozenset(
    {
        *("remind", "raise_level", "supervise", "take_over", "bounce", "designate", "resume"),
        *("refuse_extension", "lapse", "close_silent", "keep", "step_in"),
    }
)
AUDIENCES = frozenset(
    {
        *("handler", "supervisor", "coordinator", "residents_committee", "desk", "street_lead"),
        *("reporter", "owner", "helper"),
    }
)
# Measured by the plan date of an account, by the disposal of the first dispatch, and by coordination and disposal together.
DERIVED = frozenset({ClockName.PLAN, ClockName.CALLBACK, ClockName.OVERALL, ClockName.PROMISE})
ALWAYS = frozenset(ClockName) - DERIVED - {ClockName.SIGN, ClockName.CONTACT, ClockName.ARRIVE, ClockName.HANDLE}
# What a version says that was published before there was the clock.
UNLESS_SAID = {ClockName.SUCCESSION: ("3wd", Rung("due", ("keep",), ("desk",), share=100))}


# What a version that was published before a clock was known does as its time runs out.
LADDERS: Mapping[str, Ladder] = {
    ClockName.PROMISE: Ladder((Rung("due", ("raise_level", "remind"), ("desk", "street_lead"), share=100),)),
}


class BadServiceLevel(ValueError):
    """A service level that cannot be used; the words say where and why."""


@dataclass(frozen=True, slots=True)
class Target:
    """How long the clock `clock` runs for tickets of the class `key` (empty: all), under contracts of the level `standard` (0: any).

    `source` is where it comes from; it counts from the day `starts_on` to the day `ends_on`, each empty where there is no such end. A
    window is a target, too, with its name in place of the clock's.
    """

    clock: str
    key: str
    standard: int
    budget: str
    source: str = ""
    starts_on: date | None = None
    ends_on: date | None = None

    def counts(self, day: date | None) -> bool:
        """Whether it counts on `day`; without a day, whether it has no end."""
        if day is None:
            return self.ends_on is None
        return (self.starts_on or day) <= day <= (self.ends_on or day)


# Between which numbers each limit lies.
BOUNDS: Mapping[str, tuple[int, int]] = {
    "extensions": (0, 20),
    "contact_attempts": (1, 20),
    "questions": (0, 20),
    "urges": (1, 50),
    "comments": (1, 100),
    "comments_a_day": (1, 100),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How often something may be done with a ticket. What a version does not say is as here."""

    extensions: int = 1
    """How often one organisation is given more time."""
    contact_attempts: int = 3
    """How many calls in vain count as first contact."""
    questions: int = 2
    """How often its resident is asked for what is missing."""
    urges: int = 5
    """How often one person urges it."""
    comments: int = 10
    """How often one person comments on it."""
    comments_a_day: int = 3
    """How often of these on one day."""

    def __post_init__(self) -> None:
        for name, (least, most) in BOUNDS.items():
            if not least <= getattr(self, name) <= most:
                raise BadServiceLevel(f"limits: {name} lies between {least} and {most}.")


@dataclass(frozen=True)
class ServiceLevel:
    """One version of the targets and ladders; a clock remembers the version's number and climbs its ladder to the end."""

    number: int
    source: str
    targets: Mapping[tuple[str, str, int], str]
    ladders: Mapping[str, Ladder]
    windows: Mapping[tuple[str, str], str] = field(default_factory=lambda: FORMERLY)
    rework: int = 0
    """From which time on that the work is to be done again the level is raised; 0 for never."""
    limits: Limits = Limits()

    def window(self, name: Window, key: str) -> Budget:
        """How long something may still be done with a ticket of the class `key`."""
        return Budget.parse(self.windows.get((name, key)) or self.windows[name, ""])

    def budget(self, clock: str, *keys: str, standard: int = 0, terms: Mapping[str, str] | None = None) -> str | None:
        """The budget of a clock for the first of `keys` that it knows, else of all: the contract's own terms go first, then its
        service level, then everybody's. None where there is no such target: then the clock does not run.
        """
        for key in (*keys, ""):
            named = f"{clock}:{key}" if key else clock
            if terms and named in terms:
                return terms[named]
            found = self.targets.get((clock, key, standard)) or self.targets.get((clock, key, 0))
            if found:
                return found
        return None

    def measures(self, clock: str, *keys: str) -> bool:
        """Whether there is a target of the clock's for one of `keys`."""
        return any((clock, key, 0) in self.targets for key in keys)

    def ladder(self, clock: str) -> Ladder:
        """The rungs of a clock; where the version has none, those of a clock that came later, or none."""
        return self.ladders.get(clock) or LADDERS.get(clock, Ladder())


def assemble(
    number: int,
    source: str,
    targets: Iterable[Target],
    rungs: Iterable[tuple[str, Rung]],
    *,
    windows: Iterable[Target] = (),
    rework: int = 0,
    on: date | None = None,
    limits: Limits = Limits(),
    complete: bool = True,
) -> ServiceLevel:
    """A service level of its parts, as they are on a day; without one, of those that have no end.

    Raises BadServiceLevel where a part cannot be used, or one is missing. What is published stays readable when a later release knows
    more clocks and windows: without `complete`, a clock without a target of its own does not run, and a missing window is as it
    formerly was. Without any windows it has those of versions that knew none.
    """
    found: dict[tuple[str, str, int], str] = {}
    for one in targets:
        written = _parsed(one)
        if not one.counts(on):
            continue
        if (one.clock, one.key, one.standard) in found:
            raise BadServiceLevel(f"{one.clock} {one.key}: two targets count at the same time.")
        found[one.clock, one.key, one.standard] = written
        if one.clock not in ClockName.values or one.clock in DERIVED:
            raise BadServiceLevel(f"{one.clock}: there is no such clock to set a target for.")
    for unsaid, (budget, _) in UNLESS_SAID.items():
        found.setdefault((unsaid, "", 0), budget)
    if complete and (missing := {clock for clock in ALWAYS if (clock, "", 0) not in found}):
        raise BadServiceLevel(f"There is no target for all tickets on: {', '.join(sorted(missing))}.")
    if coordinate := found.get((ClockName.COORDINATE, "", 0)):
        _check_totals(Budget.parse(coordinate), found)
    open_for = _windows(windows, on, complete=complete)
    ladders: dict[str, list[Rung]] = {}
    for clock, rung in rungs:
        if clock not in ClockName.values:
            raise BadServiceLevel(f"{clock}: there is no such clock to put a ladder to.")
        if unknown := set(rung.effects) - EFFECTS:
            raise BadServiceLevel(f"{clock} {rung.code}: there is no effect {', '.join(sorted(unknown))}.")
        if unknown := set(rung.audience) - AUDIENCES:
            raise BadServiceLevel(f"{clock} {rung.code}: there is no audience {', '.join(sorted(unknown))}.")
        ladders.setdefault(clock, []).append(rung)
    for unsaid, (_, rung) in UNLESS_SAID.items():
        ladders.setdefault(unsaid, [rung])
    try:
        climbed = {clock: Ladder(tuple(rungs)) for clock, rungs in ladders.items()}
        return ServiceLevel(number, source, found, climbed, open_for, rework, limits)
    except ValueError as problem:
        raise BadServiceLevel(str(problem)) from problem


def _check_totals(coordinate: Budget, targets: Mapping[tuple[str, str, int], str]) -> None:
    """Raises BadServiceLevel where coordination and disposal make no whole."""
    for (clock, key, _), budget in targets.items():
        if clock == ClockName.HANDLE:
            try:
                total(coordinate, Budget.parse(budget))
            except ValueError as problem:
                raise BadServiceLevel(f"handle {key}: {problem}") from problem


def _parsed(one: Target) -> str:
    try:
        return str(Budget.parse(one.budget))
    except ValueError as problem:
        raise BadServiceLevel(f"{one.clock} {one.key}: {problem}") from problem


def _windows(windows: Iterable[Target], on: date | None, *, complete: bool) -> Mapping[tuple[str, str], str]:
    """The windows as they are on a day; those that are missing as they formerly were. Raises BadServiceLevel."""
    rows = list(windows)
    if not rows:
        return FORMERLY
    found: dict[tuple[str, str], str] = {}
    for one in rows:
        if one.clock not in tuple(Window):
            raise BadServiceLevel(f"{one.clock}: there is no such window.")
        written = _parsed(one)
        if one.counts(on):
            if (one.clock, one.key) in found:
                raise BadServiceLevel(f"{one.clock} {one.key}: two windows count at the same time.")
            found[one.clock, one.key] = written
    missing = [name for name in Window if (name, "") not in found]
    if complete and missing:
        raise BadServiceLevel(f"There is no window for all tickets on: {', '.join(missing)}.")
    return {(name, key): budget for (name, key), budget in FORMERLY.items() if name in missing} | found


def total(coordination: Budget, disposal: Budget) -> Budget:
    """Coordination and disposal in one. With working days, a natural day of coordination counts as a working one."""
    if disposal.unit == "wd" and coordination.unit == "d":
        coordination = Budget(coordination.amount, disposal.unit)
    if disposal.in_days and not coordination.in_days:
        return disposal
    return coordination.plus(disposal)


def read(path: Path) -> tuple[str, list[Target], list[tuple[str, Rung]]]:
    """Source, targets and rungs of a TOML file such as `data/service_level.toml`. Raises BadServiceLevel, OSError."""
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise BadServiceLevel(f"{path.name}: {problem}") from problem
    if unknown := document.keys() - {"source", "rework", "limits", "targets", "windows", "standards", "ladders"}:
        raise BadServiceLevel(f"{path.name}: there is no section {', '.join(sorted(unknown))}.")
    try:
        targets = [
            one
            for clock, budgets in document["targets"].items()
            for key, value in budgets.items()
            for one in _dated(clock, key, 0, value)
        ]
        targets += [
            one
            for standard, clocks in document.get("standards", {}).items()
            for clock, budgets in clocks.items()
            for key, value in budgets.items()
            for one in _dated(clock, key, int(standard), value)
        ]
        rungs = [(clock, rung(**row)) for clock, rows in document["ladders"].items() for row in rows]
    except (KeyError, AttributeError, TypeError, ValueError) as problem:
        raise BadServiceLevel(f"{path.name}: {problem}") from problem
    return str(document.get("source", path.name)), targets, rungs


def read_windows(path: Path) -> tuple[list[Target], int]:
    """The windows of a TOML file such as `data/service_level.toml`, and its number of reworks. Raises BadServiceLevel, OSError."""
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        windows = [
            one
            for name, budgets in document.get("windows", {}).items()
            for key, value in budgets.items()
            for one in _dated(name, key, 0, value)
        ]
        return windows, int(document.get("rework", 0))
    except (AttributeError, TypeError, ValueError) as problem:
        raise BadServiceLevel(f"{path.name}: {problem}") from problem


def read_limits(path: Path) -> Limits:
    """The limits of a TOML file such as `data/service_level.toml`. Raises BadServiceLevel, OSError."""
    try:
        return Limits(**tomllib.loads(path.read_text(encoding="utf-8")).get("limits", {}))
    except (AttributeError, TypeError, ValueError) as problem:
        raise BadServiceLevel(f"{path.name}: {problem}") from problem


def _dated(clock: str, key: str, standard: int, value: Any) -> list[Target]:
    """A budget, or a table with its source and days, or several of these in a list."""
    if isinstance(value, list):
        return [one for part in value for one in _dated(clock, key, standard, part)]
    if isinstance(value, dict):
        return [Target(clock, key, standard, **value)]
    return [Target(clock, key, standard, value)]


def rung(
    code: str,
    effects: str,
    audience: str = "",
    share: int | None = None,
    after: str | None = None,
    every: str | None = None,
) -> Rung:
    """A rung from its written form. Raises ValueError."""
    return Rung(
        code,
        words(effects),
        words(audience),
        share,
        span(after) if after else None,
        span(every) if every else None,
    )
