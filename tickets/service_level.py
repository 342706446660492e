"""What a street promises: how soon each thing is to be done (targets), and what happens as time runs out (ladders)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache, partial
from pathlib import Path

from tickets.states import ClockName
from tickets.windows import FORMERLY, Window
from workflow import service_level as levels
from workflow.calendar import Budget
from workflow.ladder import Ladder, Rung
from workflow.service_level import BadServiceLevel, Target, Targets, Vocabulary

FILE = Path(__file__).parent / "data" / "service_level.toml"
IN_EFFECT = "in effect"
"""What a file names as its base that only says what differs."""
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
# Clocks without a budget of their own, and by what they are measured.
DERIVED = {
    ClockName.PLAN: "the plan date",
    ClockName.CALLBACK: "as handle",
    ClockName.OVERALL: "coordinate + handle",
    ClockName.PROMISE: "as the first handle",
}
ALWAYS = frozenset(ClockName) - DERIVED.keys() - {ClockName.SIGN, ClockName.CONTACT, ClockName.ARRIVE, ClockName.HANDLE}
# What a version says that was published before there was the clock.
UNLESS_SAID: Mapping[str, tuple[str, Rung]] = {
    ClockName.SUCCESSION: ("3wd", Rung("due", ("keep",), ("desk",), share=100))
}


# What a version that was published before a clock was known does as its time runs out.
LADDERS: Mapping[str, Ladder] = {
    ClockName.PROMISE: Ladder((Rung("due", ("raise_level", "remind"), ("desk", "street_lead"), share=100),)),
}


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
class TicketServiceLevel(levels.ServiceLevel):
    """One version of the targets, windows, limits and ladders of tickets."""

    windows: Mapping[tuple[str, str], str] = field(default_factory=lambda: FORMERLY)
    rework: int = 0
    """From which time on that the work is to be done again the level is raised; 0 for never."""
    limits: Limits = Limits()


@lru_cache(1024)
def whole(coordination: str, disposal: str) -> str:
    """Coordination and disposal in one, as budgets are written."""
    return str(total(Budget.parse(coordination), Budget.parse(disposal)))


def total(coordination: Budget, disposal: Budget) -> Budget:
    """Coordination and disposal in one. With working days, a natural day of coordination counts as a working one."""
    if disposal.unit == "wd" and coordination.unit == "d":
        coordination = Budget(coordination.amount, disposal.unit)
    if disposal.in_days and not coordination.in_days:
        return disposal
    return coordination.plus(disposal)


def _fit(targets: Targets) -> None:
    """Raises BadServiceLevel where coordination and disposal make no whole."""
    coordinate = targets.get((ClockName.COORDINATE, "", 0))
    if coordinate is None:
        return
    for (clock, key, _), budget in targets.items():
        if clock == ClockName.HANDLE:
            try:
                total(Budget.parse(coordinate), Budget.parse(budget))
            except ValueError as problem:
                raise BadServiceLevel(f"handle {key}: {problem}") from problem


VOCABULARY = Vocabulary(
    clocks=frozenset(ClockName.values),
    effects=EFFECTS,
    audiences=AUDIENCES,
    windows=tuple(Window),
    derived=frozenset(DERIVED),
    always=ALWAYS,
    unless_said=UNLESS_SAID,
    ladders=LADDERS,
    formerly=FORMERLY,
    fit=_fit,
)


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
) -> TicketServiceLevel:
    """A service level of its parts, as `workflow.service_level.assemble` makes it. Raises BadServiceLevel."""
    make = partial(TicketServiceLevel, rework=rework, limits=limits)
    return levels.assemble(make, VOCABULARY, number, source, targets, rungs, windows=windows, on=on, complete=complete)


def read(path: Path) -> levels.Parts:
    """Source, targets and rungs of a TOML file such as `data/service_level.toml`. Raises BadServiceLevel, OSError."""
    return levels.read(path, also=("rework", "limits", "windows"))


def read_windows(path: Path, rework: int = 0) -> tuple[list[Target], int]:
    """The windows of a TOML file such as `data/service_level.toml`, and its number of reworks, which is `rework` where it has none.

    Raises BadServiceLevel, OSError.
    """
    try:
        document = levels.read_document(path)
        windows = [
            one
            for name, budgets in document.get("windows", {}).items()
            for key, value in budgets.items()
            for one in levels.dated(name, key, 0, value)
        ]
        return windows, int(document.get("rework", rework))
    except (AttributeError, TypeError, ValueError) as problem:
        raise BadServiceLevel(f"{path.name}: {problem}") from problem


def read_limits(path: Path, usual: Limits = Limits()) -> Limits:
    """The limits of a TOML file such as `data/service_level.toml`; `usual` is what it does not say. Raises BadServiceLevel, OSError."""
    try:
        return replace(usual, **levels.read_document(path).get("limits", {}))
    except (AttributeError, TypeError, ValueError) as problem:
        raise BadServiceLevel(f"{path.name}: {problem}") from problem


def read_alternative(path: Path, number: int, in_effect: TicketServiceLevel) -> TicketServiceLevel:
    """The service level `number` of a TOML file that is compared with the one in effect.

    It is whole, such as `data/service_level.toml`, or says `base = "in effect"` and what differs from that one: each target, each window
    and the rungs of each clock that it names take the place of those of the same name. Raises BadServiceLevel, OSError.
    """
    base = levels.read_document(path).get("base")
    if base is None:
        windows, rework = read_windows(path)
        return assemble(number, *read(path), windows=windows, rework=rework, limits=read_limits(path))
    if base != IN_EFFECT:
        raise BadServiceLevel(f"{path.name}: base is {base!r}; it can only be {IN_EFFECT!r}.")
    also = ("base", "rework", "limits", "windows")
    source, targets, rungs = levels.read_changes(path, in_effect, VOCABULARY, also)
    windows, rework = read_windows(path, in_effect.rework)
    _check_known(path, [*targets, *windows], in_effect)
    level = assemble(
        number,
        source,
        targets,
        rungs,
        windows=levels.changed(
            (Target(name, key, 0, budget) for (name, key), budget in in_effect.windows.items()), windows
        ),
        rework=rework,
        limits=read_limits(path, in_effect.limits),
        # What is in effect may be older than a clock; then the clock runs in neither.
        complete=False,
    )
    if ended := in_effect.targets.keys() - level.targets.keys():
        raise BadServiceLevel(
            f"{path.name}: every target ends of {', '.join(sorted({clock for clock, _, _ in ended}))}."
        )
    return level


def _check_known(path: Path, targets: Iterable[Target], in_effect: TicketServiceLevel) -> None:
    """Raises BadServiceLevel for a class or a standard that neither this release's file nor the version in effect has: it is misspelt."""
    rows = list(targets)
    places = {*in_effect.targets, *((one.clock, one.key, one.standard) for one in read(FILE)[1])}
    classes = {key for _, key, _ in places} | {key for _, key in in_effect.windows}
    if unknown := {one.key for one in rows} - classes:
        raise BadServiceLevel(f"{path.name}: there is no class {', '.join(sorted(unknown))}.")
    if unmet := {one.standard for one in rows} - {standard for _, _, standard in places}:
        raise BadServiceLevel(f"{path.name}: there is no standard {', '.join(map(str, sorted(unmet)))}.")
