"""What a street promises: how soon each thing is to be done (targets), and what happens as time runs out (ladders)."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tickets.states import ClockName
from workflow.calendar import Budget
from workflow.ladder import Ladder, Rung, span, words

FILE = Path(__file__).parent / "data" / "service_level.toml"
EFFECTS = frozenset(
    {
        *("remind", "raise_level", "supervise", "take_over", "bounce", "designate", "resume"),
        *("refuse_extension", "lapse", "close_silent"),
    }
)
AUDIENCES = frozenset(
    {
        *("handler", "supervisor", "coordinator", "residents_committee", "desk", "street_lead"),
        *("reporter", "owner", "helper"),
    }
)
# Measured by the plan date of an account, by the disposal of the first dispatch, and by coordination and disposal together.
DERIVED = frozenset({ClockName.PLAN, ClockName.CALLBACK, ClockName.OVERALL})
ALWAYS = frozenset(ClockName) - DERIVED - {ClockName.SIGN, ClockName.CONTACT, ClockName.ARRIVE, ClockName.HANDLE}


class BadServiceLevel(ValueError):
    """A service level that cannot be used; the words say where and why."""


@dataclass(frozen=True, slots=True)
class Target:
    """How long the clock `clock` runs for tickets of the class `key` (empty: all), under contracts of the level `standard` (0: any)."""

    clock: str
    key: str
    standard: int
    budget: str


@dataclass(frozen=True)
class ServiceLevel:
    """One version of the targets and ladders; a clock remembers the version's number and climbs its ladder to the end."""

    number: int
    source: str
    targets: Mapping[tuple[str, str, int], str]
    ladders: Mapping[str, Ladder]

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

    def ladder(self, clock: str) -> Ladder:
        """The rungs of a clock; none where the version has none."""
        return self.ladders.get(clock, Ladder())


def assemble(number: int, source: str, targets: Iterable[Target], rungs: Iterable[tuple[str, Rung]]) -> ServiceLevel:
    """A service level of its parts. Raises BadServiceLevel where a target is missing, or a part cannot be used."""
    found: dict[tuple[str, str, int], str] = {}
    for one in targets:
        try:
            found[one.clock, one.key, one.standard] = str(Budget.parse(one.budget))
        except ValueError as problem:
            raise BadServiceLevel(f"{one.clock} {one.key}: {problem}") from problem
        if one.clock not in ClockName.values or one.clock in DERIVED:
            raise BadServiceLevel(f"{one.clock}: there is no such clock to set a target for.")
    if missing := {clock for clock in ALWAYS if (clock, "", 0) not in found}:
        raise BadServiceLevel(f"There is no target for all tickets on: {', '.join(sorted(missing))}.")
    coordinate = Budget.parse(found[ClockName.COORDINATE, "", 0])
    for (clock, key, _), budget in found.items():
        if clock == ClockName.HANDLE:
            try:
                total(coordinate, Budget.parse(budget))
            except ValueError as problem:
                raise BadServiceLevel(f"handle {key}: {problem}") from problem
    ladders: dict[str, list[Rung]] = {}
    for clock, rung in rungs:
        if clock not in ClockName.values:
            raise BadServiceLevel(f"{clock}: there is no such clock to put a ladder to.")
        if unknown := set(rung.effects) - EFFECTS:
            raise BadServiceLevel(f"{clock} {rung.code}: there is no effect {', '.join(sorted(unknown))}.")
        if unknown := set(rung.audience) - AUDIENCES:
            raise BadServiceLevel(f"{clock} {rung.code}: there is no audience {', '.join(sorted(unknown))}.")
        ladders.setdefault(clock, []).append(rung)
    try:
        return ServiceLevel(number, source, found, {clock: Ladder(tuple(rungs)) for clock, rungs in ladders.items()})
    except ValueError as problem:
        raise BadServiceLevel(str(problem)) from problem


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
    if unknown := document.keys() - {"source", "targets", "standards", "ladders"}:
        raise BadServiceLevel(f"{path.name}: there is no section {', '.join(sorted(unknown))}.")
    try:
        targets = [
            Target(clock, key, 0, budget)
            for clock, budgets in document["targets"].items()
            for key, budget in budgets.items()
        ]
        targets += [
            Target(clock, key, int(standard), budget)
            for standard, clocks in document.get("standards", {}).items()
            for clock, budgets in clocks.items()
            for key, budget in budgets.items()
        ]
        rungs = [(clock, rung(**row)) for clock, rows in document["ladders"].items() for row in rows]
    except (KeyError, AttributeError, TypeError, ValueError) as problem:
        raise BadServiceLevel(f"{path.name}: {problem}") from problem
    return str(document.get("source", path.name)), targets, rungs


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
