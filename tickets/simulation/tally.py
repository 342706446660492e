"""What a month looked like, in figures, by the kind of company that was given the work first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from community.management.table import padded, right
from tickets.simulation.history import History
from tickets.states import OPEN, ClockName, Satisfaction, State
from web.words import Words, bilingual, zh

KINDS = ("fast", "slow", "absent", "street")
ALL = "all"
COLUMNS: Mapping[str, Words] = {
    ALL: bilingual("全部", "all"),
    "fast": bilingual("及时", "fast"),
    "slow": bilingual("拖延", "slow"),
    "absent": bilingual("缺位", "absent"),
    "street": bilingual("街道", "street"),
}


@dataclass(slots=True)
class Count:
    """The tickets of one column."""

    filed: int = 0
    disposed: int = 0
    on_time: int = 0
    levels: dict[int, int] = field(default_factory=lambda: {1: 0, 2: 0, 3: 0})
    supervised: int = 0
    bounced: int = 0
    returned: int = 0
    disputed: int = 0
    reopened: int = 0
    silent: int = 0
    rated: int = 0
    satisfied: int = 0
    rated_on_behalf: int = 0
    merged: int = 0
    on_account: int = 0
    open: int = 0
    overdue: int = 0
    reminders: int = 0
    hours: list[float] = field(default_factory=list)

    def add(self, history: History, until: datetime) -> None:
        """Count one ticket, as it stands at `until`."""
        ticket, events = history.ticket, history.events
        verbs = {event.verb for event in events}
        late = min(
            (one.breached_at for one in history.clocks if one.name in _DISPOSAL and one.breached_at), default=None
        )
        answered = next((event.at for event in events if event.target == State.REPLIED), None)
        self.filed += 1
        if answered is not None:
            self.disposed += 1
            self.on_time += late is None or late > answered
            self.hours.append((answered - ticket.submitted_at) / timedelta(hours=1))
        elif late is not None:
            self.overdue += ticket.state in OPEN
        for level in self.levels:
            self.levels[level] += ticket.level >= level
        self.supervised += bool(ticket.supervised)
        self.bounced += "bounce" in verbs
        self.returned += "return" in verbs
        self.disputed += "dispute" in verbs
        self.reopened += "reopen" in verbs
        self.silent += "close_silent" in verbs
        if ticket.rating is not None and ticket.rated_on_behalf:
            self.rated_on_behalf += 1
        elif ticket.rating is not None:
            self.rated += 1
            self.satisfied += ticket.rating >= Satisfaction.FAIRLY_SATISFIED
        # Of each whose own report was merged into it.
        merged = {event.actor_id: event.data["rating"] for event in events if event.verb == "rate"}
        self.rated += len(merged)
        self.satisfied += sum(one >= Satisfaction.FAIRLY_SATISFIED for one in merged.values())
        self.merged += ticket.state == State.MERGED
        self.on_account += "put_on_account" in verbs
        self.open += ticket.state in OPEN
        self.reminders += sum(event.verb == "remind" for event in events)

    @property
    def share_on_time(self) -> float | None:
        """Of those that were disposed of, how many in time, in a hundred."""
        return 100 * self.on_time / self.disposed if self.disposed else None

    def figures(self) -> Iterator[tuple[Words, float | None, str]]:
        """Each line: its label, its figure (None where there is none), and its unit."""
        yield bilingual("收件", "filed"), self.filed, ""
        yield bilingual("办结", "disposed of"), self.disposed, ""
        yield bilingual("  按时", "  on time"), self.share_on_time, "%"
        yield bilingual("  用时中位数", "  median time"), median(self.hours) if self.hours else None, "h"
        yield bilingual("期末未结", "open at the end"), self.open, ""
        yield bilingual("  其中超时", "  and overdue"), self.overdue, ""
        for level, number in self.levels.items():
            higher = level < max(self.levels)
            more = ("及以上", " or higher") if higher else ("", "")
            yield bilingual(f"升至 L{level}{more[0]}", f"raised to L{level}{more[1]}"), number, ""
        yield bilingual("督办", "supervised"), self.supervised, ""
        yield bilingual("超时未签退回", "bounced"), self.bounced, ""
        yield bilingual("申请退单", "asked to be returned"), self.returned, ""
        yield bilingual("不满意", "disputed"), self.disputed, ""
        yield bilingual("重开", "reopened"), self.reopened, ""
        yield bilingual("逾期默认办结", "closed silently"), self.silent, ""
        yield bilingual("居民评价", "rated by residents"), self.rated, ""
        yield bilingual("  满意", "  satisfied"), 100 * self.satisfied / self.rated if self.rated else None, "%"
        yield bilingual("代为评价", "rated on their behalf"), self.rated_on_behalf, ""
        yield bilingual("并单", "merged"), self.merged, ""
        yield bilingual("挂账", "put on account"), self.on_account, ""
        yield bilingual("催办提醒", "reminders"), self.reminders, ""


_DISPOSAL = frozenset({ClockName.HANDLE, ClockName.OVERALL})


class Tally:
    """The counts of all tickets, and of those of each kind."""

    def __init__(self) -> None:
        self.counts: Mapping[str, Count] = {name: Count() for name in (ALL, *KINDS)}

    def add(self, history: History, kind: str, until: datetime) -> None:
        """Count a ticket whose work was first given to such a company."""
        self.counts[ALL].add(history, until)
        self.counts[kind].add(history, until)

    def table(self) -> list[str]:
        """The lines of a table, with a column for all and for each kind."""
        columns = [list(one.figures()) for one in self.counts.values()]
        lines = [_line("", [COLUMNS[name] for name in self.counts])]
        return lines + [_line(row[0][0], [_figure(*one[1:]) for one in row]) for row in zip(*columns, strict=True)]

    def beside(self, other: "Tally", names: Sequence[Words]) -> list[str]:
        """The lines of a table that shows all tickets of this run, those of another, and the difference."""
        lines = [_line("", [*names, bilingual("相差", "difference")])]
        for (label, before, unit), (_, after, _) in zip(
            self.counts[ALL].figures(), other.counts[ALL].figures(), strict=True
        ):
            change = "" if before is None or after is None else _difference(after - before, unit)
            lines.append(_line(label, [_figure(before, unit), _figure(after, unit), change]))
        for kind in KINDS:
            first, second = self.counts[kind].share_on_time, other.counts[kind].share_on_time
            change = "" if first is None or second is None else _difference(second - first, "%")
            lines.append(
                _line(
                    bilingual(f"按时，{zh(COLUMNS[kind])}", f"on time, {kind}"),
                    [_figure(first, "%"), _figure(second, "%"), change],
                )
            )
        return lines


def _line(label: Words, cells: Sequence[Words]) -> str:
    return padded(str(label), 24) + "".join(right(str(cell), 12) for cell in cells)


def _figure(number: float | None, unit: str) -> str:
    if number is None:
        return "-"
    return f"{number:.1f} {unit}" if unit else f"{number:,}"


def _difference(number: float, unit: str) -> str:
    if abs(number) < 0.05:
        return "="
    return f"{number:+.1f} {unit}" if unit else f"{number:+,}"
