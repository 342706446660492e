"""What is promised of a kind of subject: how soon each thing is to be done (targets), and what happens as time runs out (ladders).

Which clocks, windows, moves and audiences there are is the kind's own `Vocabulary`; how a version is put together, read from a file and
asked is the same for all.
"""

import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from workflow.calendar import Budget
from workflow.ladder import Ladder, Rung, span, words

type Targets = Mapping[tuple[str, str, int], str]
"""Budgets by clock, class (empty: all) and standard (0: any)."""
type Windows = Mapping[tuple[str, str], str]
"""Budgets by window and class (empty: all)."""


class BadServiceLevel(ValueError):
    """A service level that cannot be used; the words say where and why."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the service levels of a kind of subject speak of: its clocks, the moves of its rungs, whom they tell, and its windows."""

    clocks: Collection[str]
    effects: Collection[str]
    audiences: Collection[str] = ()
    windows: Collection[str] = ()
    derived: Collection[str] = ()
    """Clocks without a target: the subject makes their budgets of others, or of something else."""
    always: Collection[str] = ()
    """Clocks that need a target for all subjects, for a version to be published."""
    unless_said: Mapping[str, tuple[str, Rung]] = field(default_factory=dict)
    """Budget and rung of a clock in a version that was published before there was the clock."""
    ladders: Mapping[str, Ladder] = field(default_factory=dict)
    """The ladder of a clock for which a version has none."""
    formerly: Windows = field(default_factory=dict)
    """The windows of versions that were published before there were windows."""
    fit: Callable[[Targets], None] = lambda targets: None
    """Raises BadServiceLevel where budgets do not go together."""


@dataclass(frozen=True, slots=True)
class Target:
    """How long the clock `clock` runs for subjects of the class `key` (empty: all), under contracts of the level `standard` (0: any).

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


type Parts = tuple[str, list[Target], list[tuple[str, Rung]]]
"""Source, targets and rungs of a service level, before it is put together."""


@dataclass(frozen=True)
class ServiceLevel:
    """One version of the targets and ladders; a clock remembers the version's number and climbs its ladder to the end."""

    number: int
    source: str
    targets: Targets
    ladders: Mapping[str, Ladder]
    windows: Windows = field(default_factory=dict)

    def window(self, name: str, key: str) -> Budget:
        """How long something may still be done with a subject of the class `key`."""
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
        """The rungs of a clock; none where neither the version nor the vocabulary has any."""
        return self.ladders.get(clock) or Ladder()


def assemble[L: ServiceLevel](
    make: Callable[[int, str, Targets, Mapping[str, Ladder], Windows], L],
    vocabulary: Vocabulary,
    number: int,
    source: str,
    targets: Iterable[Target],
    rungs: Iterable[tuple[str, Rung]],
    *,
    windows: Iterable[Target] = (),
    on: date | None = None,
    complete: bool = True,
) -> L:
    """A service level that `make` makes of its parts, as they are on a day; without one, of those that have no end.

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
        if one.clock not in vocabulary.clocks or one.clock in vocabulary.derived:
            raise BadServiceLevel(f"{one.clock}: there is no such clock to set a target for.")
    for unsaid, (budget, _) in vocabulary.unless_said.items():
        found.setdefault((unsaid, "", 0), budget)
    if complete and (missing := {clock for clock in vocabulary.always if (clock, "", 0) not in found}):
        raise BadServiceLevel(f"There is no general target for: {', '.join(sorted(missing))}.")
    vocabulary.fit(found)
    open_for = _windows(vocabulary, windows, on, complete=complete)
    ladders: dict[str, list[Rung]] = {}
    for clock, rung in rungs:
        if clock not in vocabulary.clocks:
            raise BadServiceLevel(f"{clock}: there is no such clock to put a ladder to.")
        if unknown := set(rung.effects).difference(vocabulary.effects):
            raise BadServiceLevel(f"{clock} {rung.code}: there is no effect {', '.join(sorted(unknown))}.")
        if unknown := set(rung.audience).difference(vocabulary.audiences):
            raise BadServiceLevel(f"{clock} {rung.code}: there is no audience {', '.join(sorted(unknown))}.")
        ladders.setdefault(clock, []).append(rung)
    for unsaid, (_, rung) in vocabulary.unless_said.items():
        ladders.setdefault(unsaid, [rung])
    try:
        climbed = {clock: Ladder(tuple(rungs)) for clock, rungs in ladders.items()}
        return make(number, source, found, {**vocabulary.ladders, **climbed}, open_for)
    except ValueError as problem:
        raise BadServiceLevel(str(problem)) from problem


def _parsed(one: Target) -> str:
    try:
        return str(Budget.parse(one.budget))
    except ValueError as problem:
        raise BadServiceLevel(f"{one.clock} {one.key}: {problem}") from problem


def _windows(vocabulary: Vocabulary, windows: Iterable[Target], on: date | None, *, complete: bool) -> Windows:
    """The windows as they are on a day; those that are missing as they formerly were. Raises BadServiceLevel."""
    rows = list(windows)
    if not rows:
        return vocabulary.formerly
    found: dict[tuple[str, str], str] = {}
    for one in rows:
        if one.clock not in vocabulary.windows:
            raise BadServiceLevel(f"{one.clock}: there is no such window.")
        written = _parsed(one)
        if one.counts(on):
            if (one.clock, one.key) in found:
                raise BadServiceLevel(f"{one.clock} {one.key}: two windows count at the same time.")
            found[one.clock, one.key] = written
    missing = [name for name in vocabulary.windows if (name, "") not in found]
    if complete and missing:
        raise BadServiceLevel(f"There is no general window for: {', '.join(missing)}.")
    return {(name, key): budget for (name, key), budget in vocabulary.formerly.items() if name in missing} | found


def read(path: Path, also: Collection[str] = ()) -> Parts:
    """A service level of a TOML file that may have the sections `also` besides. Raises BadServiceLevel, OSError."""
    document = read_document(path)
    if missing := {"targets", "ladders"} - document.keys():
        raise BadServiceLevel(f"{path.name}: {' and '.join(sorted(missing))} missing.")
    return _parts(path, document, also)


def read_changes(path: Path, base: ServiceLevel, vocabulary: Vocabulary, also: Collection[str] = ()) -> Parts:
    """`base` with what a TOML file says otherwise: a target, or all rungs of a clock, takes the place of its own.

    Raises BadServiceLevel, OSError.
    """
    document = read_document(path)
    source, targets, rungs = _parts(path, document, also)
    ladders = document.get("ladders", {})
    if unknown := {*document.get("targets", {}), *ladders} - {*vocabulary.clocks}:
        raise BadServiceLevel(f"{path.name}: there is no clock {', '.join(sorted(unknown))}.")
    kept = [(clock, one) for clock, ladder in base.ladders.items() if clock not in ladders for one in ladder.rungs]
    return source, changed((Target(*place, budget) for place, budget in base.targets.items()), targets), [*kept, *rungs]


def changed(before: Iterable[Target], changes: Iterable[Target]) -> list[Target]:
    """`changes`, and the targets of `before` in whose place none of them stands."""
    new = list(changes)
    taken = {(one.clock, one.key, one.standard) for one in new}
    return [*(one for one in before if (one.clock, one.key, one.standard) not in taken), *new]


def _parts(path: Path, document: dict[str, Any], also: Collection[str]) -> Parts:
    if unknown := document.keys() - {"source", "targets", "standards", "ladders", *also}:
        raise BadServiceLevel(f"{path.name}: there is no section {', '.join(sorted(unknown))}.")
    try:
        targets = [
            one
            for clock, budgets in document.get("targets", {}).items()
            for key, value in budgets.items()
            for one in dated(clock, key, 0, value)
        ]
        targets += [
            one
            for standard, clocks in document.get("standards", {}).items()
            for clock, budgets in clocks.items()
            for key, value in budgets.items()
            for one in dated(clock, key, int(standard), value)
        ]
        rungs = [(clock, rung(**row)) for clock, rows in document.get("ladders", {}).items() for row in rows]
    except (KeyError, AttributeError, TypeError, ValueError) as problem:
        raise BadServiceLevel(f"{path.name}: {problem}") from problem
    return str(document.get("source", path.name)), targets, rungs


def read_document(path: Path) -> dict[str, Any]:
    """What a TOML file says. Raises BadServiceLevel, OSError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise BadServiceLevel(f"{path.name}: {problem}") from problem


def dated(clock: str, key: str, standard: int, value: Any) -> list[Target]:
    """A budget, or a table with its source and days, or several of these in a list."""
    if isinstance(value, list):
        return [one for part in value for one in dated(clock, key, standard, part)]
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
