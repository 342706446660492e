"""The table of clocks for people: what runs where, for how long, and what happens as it runs out. Drawn from the code and its data."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

from tickets import service_level
from tickets.clocks import IN_STATE
from tickets.markdown import codes, page, table
from tickets.models import ServiceLevelVersion, Ticket, TicketClock, TicketEvent
from tickets.service_level import TicketServiceLevel, assemble
from tickets.states import CLOCKS, ClockName, State
from web.words import en, zh
from workflow.clocks import NEWEST_RULES, RULES
from workflow.ladder import Rung
from workflow.moves import Move
from workflow.planner import NOTHING_RUNS

C = ClockName
# Facts by which moves start or stop clocks of helpers, beside those that every move gets here.
_PARTY = uuid.UUID(int=1)
_FACTS: Mapping[str, Mapping[str, object]] = {
    "whistle": {"whistled": [str(uuid.UUID(int=2))]},
    "report_in": {"reporting": str(_PARTY)},
    "decline": {"released": [str(_PARTY)]},
    "assist_done": {"released": [str(_PARTY)]},
    "decline_succession": {"asked": True},
}


def clocks_of(move: Move, sources: Iterable[str]) -> tuple[list[ClockName], list[ClockName]]:
    """The clocks that a move starts, and those that it stops where they run, from any of these states; asked of the plan itself."""
    starts: set[str] = set()
    stops: set[str] = set()
    for source in sources:
        for target in move.targets(source):
            plan = Ticket.clock_plan(_event(move, source, target), _live(source))
            starts |= {one.name for one in plan.starts}
            stops |= {one.name for one in plan.stops}
    return [one for one in C if one in starts], [one for one in C if one in stops]


def _event(move: Move, source: str, target: str) -> TicketEvent:
    at = datetime(2026, 1, 5, tzinfo=UTC)
    data = {RULES: NEWEST_RULES, "lead": str(_PARTY), "days": 1, **_FACTS.get(move.name, {})}
    return TicketEvent(verb=move.name, source=source, target=target, at=at, data=data)


def _live(state: str) -> list[TicketClock]:
    """Every clock that may be live in a state, each once."""
    at, running = datetime(2026, 1, 4, tzinfo=UTC), IN_STATE.get(state, NOTHING_RUNS)
    return [
        TicketClock(
            name=one,
            holder_id=_PARTY,
            started_at=at,
            due_at=at + timedelta(days=9),
            running_since=None if one in running.held else at,
            spans=[at] if one in running.held else [],
            budget="3wd",
        )
        for one in C
        if one in running.goes_on | running.held | frozenset(running.begins)
    ]


def clocks_md() -> str:
    """The tables of clocks and ladders."""
    source, targets, rungs = service_level.read(service_level.FILE)
    level = assemble(1, source, targets, rungs)
    windows, rework = service_level.read_windows(service_level.FILE)
    limits = service_level.read_limits(service_level.FILE)
    lines = [
        "An event starts, holds and stops clocks by a plan that reads nothing but the event (`tickets/clocks.py`). A clock is a row and is",
        "never reset: a new organisation, a reopening, a new round of coordination are rows of their own. It remembers its budget, and the",
        "versions of service level and calendar that it was started under; a new service level moves no clock that runs.",
        "",
        "A budget is written as an amount and `m` or `h` (natural time), `wh` (working hours), `d` (natural days) or `wd` (working days).",
        "Days leave out the day of the start and end at 24:00; a last day off rolls to the next working day. A pause gives hours back",
        "to the microsecond, and days as whole days alone; a last day that ended during a pause ends with the day on which time goes on.",
        "What is stopped at or after its due moment is a breach, swept or not. A question holds nothing that is overdue, and what has",
        "time left for 72 hours at most.",
        "",
        "The limits below are version 1, `tickets/data/service_level.toml`; the office publishes others in the admin. A contract's own",
        "terms go before its service level (DB11/T 751-2025), and that before everybody's.",
        "",
        *table(
            ("clock", "时限", "measures until", "runs in", "budget"),
            ((f"`{one}`", zh(one.label), CLOCKS[one].measures, _states(one), _budgets(level, one)) for one in C),
        ),
        "",
        "## Ladders",
        "",
        "Rungs are fired once each, in order, by `manage.py tick` or the sweeper; each leaves an event that says which clock and rung",
        "brought it about. Several effects are tried in order until one is possible. Repetitions that were missed are told once, as the",
        "last of them. Where a later due moment stands after the end, what comes before and after it is told once more. The clock raises",
        "a ticket to L3 at most. Where an organisation has nobody, its head office is meant, else the street's desk.",
        "",
        *table(
            ("clock", "rung", "when", "effects", "audience"),
            (
                (f"`{one}`", rung.code, _when(rung), codes(rung.effects), codes(rung.audience))
                for one in C
                for rung in level.ladder(one).rungs
            ),
        ),
        "",
        "## Windows",
        "",
        "Within which time something may still be done. A version that was published before there were windows has 24 h for a return",
        "(4 h in the short classes), 30 times 24 h for reopening and 24 h between urges.",
        "",
        *table(("window", "class", "budget"), ((f"`{one.clock}`", one.key or "all", one.budget) for one in windows)),
        "",
        f"From the {rework}. time on that the work is to be done again (disputed or reopened) the level is raised by one, up to L3.",
        "",
        "## Limits",
        "",
        "How often something may be done with a ticket, by the version that it was filed or dispatched under. A version from before there",
        "was a limit has the usual number.",
        "",
        *table(
            ("limit", "number", "between", "what"),
            (
                (f"`{name}`", f"{getattr(limits, name)}", f"{least} and {most}", _limit(name))
                for name, (least, most) in service_level.BOUNDS.items()
            ),
        ),
        "",
        "## Where limits come from",
        "",
        "A limit may have a source, and the days on which it counts; a version is published only if it has a limit for every day.",
        "",
        *table(
            ("clock", "class", "budget", "from", "to", "source"),
            (
                (f"`{one.clock}`", one.key or "all", one.budget, _day(one.starts_on), _day(one.ends_on), one.source)
                for one in targets
                if one.source
            ),
        ),
    ]
    return page("Clocks and ladders", lines)


def _limit(name: str) -> str:
    """What a limit counts, as the admin says it."""
    return en(getattr(ServiceLevelVersion, name).field.help_text)


def _day(day: date | None) -> str:
    return str(day or "")


def _states(clock: ClockName) -> str:
    runs = [state.value for state in State if state in IN_STATE and _runs(clock, state)]
    held = [state.value for state in State if state in IN_STATE and clock in IN_STATE[state].held]
    return ", ".join(runs) + (f" (held in {', '.join(held)})" if held else "")


def _runs(clock: ClockName, state: State) -> bool:
    return clock in IN_STATE[state].begins or clock in IN_STATE[state].goes_on


def _budgets(level: TicketServiceLevel, clock: ClockName) -> str:
    found = {
        key or "all": budget
        for (name, key, standard), budget in level.targets.items()
        if (name, standard) == (clock, 0)
    }
    if not found:
        return service_level.DERIVED[clock]
    if found.keys() == {"all"}:
        return found["all"]
    return ", ".join(f"{key} {budget}" for key, budget in found.items())


def _when(rung: Rung) -> str:
    if rung.share is not None:
        return f"{rung.share} %"
    after = f"due + {_span(rung.after)}"
    return f"{after}, then every {_span(rung.every)}" if rung.every else after


def _span(offset: timedelta | None) -> str:
    minutes = int((offset or timedelta(0)).total_seconds() // 60)
    return (
        f"{minutes // 1440} d"
        if minutes % 1440 == 0
        else f"{minutes // 60} h"
        if minutes % 60 == 0
        else f"{minutes} min"
    )
