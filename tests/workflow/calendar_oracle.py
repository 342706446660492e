"""A second reckoning of deadlines, minute by minute, and random cases that hold `workflow.calendar` against it.

`expected` walks over real minutes, each with what the clock on the wall shows in it, and counts; it shares no code with the
calendar. `make oracle` compares the two in a million cases and fails at a difference.
"""

import sys
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

from workflow.calendar import Budget, Calendar, Unit

type Pauses = tuple[tuple[datetime, datetime], ...]

WINDOW = 190
# Clocks put forward or back, at night or at midnight, by an hour or half of one, some fifty days into the window.
WINDOWS = (
    ("Asia/Shanghai", date(2026, 1, 1)),
    ("Europe/Berlin", date(2026, 2, 10)),
    ("Europe/Berlin", date(2026, 9, 10)),
    ("America/Havana", date(2026, 1, 20)),
    ("America/Havana", date(2026, 9, 15)),
    ("Africa/Cairo", date(2026, 9, 10)),
    ("Australia/Lord_Howe", date(2026, 2, 20)),
)
# The clock of a day that is not put forward or back.
STRAIGHT = list(range(24 * 60))


class Walk(NamedTuple):
    """All minutes of some local days. A minute is known by its number after `origin`.

    `begins` has the first minute of each day, and the one after them all; `clocks` the minutes after midnight that the clock
    has got to in each minute of each day: it stands still where it would go back.
    """

    zone: str
    origin: datetime
    days: list[date]
    begins: list[int]
    clocks: list[list[int]]

    def minute(self, at: datetime) -> int:
        return (at - self.origin) // timedelta(minutes=1)

    def moment(self, minute: int) -> datetime:
        return self.origin + timedelta(minutes=minute)

    def day(self, minute: int) -> int:
        return bisect_right(self.begins, minute) - 1


@cache
def walk(zone: str, first: date) -> Walk:
    """The walk over WINDOW local days from `first` on."""
    wall_clock, midnight = ZoneInfo(zone), datetime(first.year, first.month, first.day, tzinfo=UTC)
    days: list[date] = []
    begins: list[int] = []
    clocks: list[list[int]] = []
    after, furthest = first + timedelta(days=WINDOW), 0
    # A day before that midnight, the local day has begun nowhere.
    minute = int(midnight.timestamp()) // 60 - 24 * 60
    while True:
        wall = datetime.fromtimestamp(minute * 60, wall_clock)
        today = wall.date()
        if today == after:
            break
        if today >= first:
            if not days or today != days[-1]:
                days.append(today)
                begins.append(minute)
                clocks.append([])
                furthest = 0
            shown = wall.hour * 60 + wall.minute
            furthest = shown if shown > furthest else furthest
            clocks[-1].append(furthest)
        minute += 1
    origin = begins[0]
    return Walk(
        zone,
        datetime.fromtimestamp(origin * 60, UTC),
        days,
        [begin - origin for begin in (*begins, minute)],
        [STRAIGHT if clock == STRAIGHT else clock for clock in clocks],
    )


@cache
def by_weekday(zone: str, first: date) -> list[set[date]]:
    """The days of that walk: its Mondays, its Tuesdays, and so on."""
    days = walk(zone, first).days
    return [{day for day in days if day.weekday() == number} for number in range(7)]


def expected(
    walked: Walk,
    ranges: tuple[tuple[int, int], ...],
    working: set[date],
    started: datetime,
    amount: int,
    unit: str,
    *,
    exclude_start_day: bool = True,
    roll_forward: bool = True,
    until_close: bool = False,
    pauses: Pauses = (),
) -> datetime:
    """The moment at which a budget runs out, where people work in `ranges` of the days `working`."""
    start, total = walked.minute(started), walked.begins[-1]
    held = [(walked.minute(since), walked.minute(until)) for since, until in pauses]
    if unit in {"m", "h", "wh"}:
        counting = bytearray(_open(walked, ranges, working)) if unit == "wh" else bytearray(b"\1" * total)
        for since, until in held:
            counting[since:until] = bytes(until - since)
        return walked.moment(_run(counting, start, amount if unit == "m" else amount * 60))

    holder = bytearray(total)
    for number, (since, until) in enumerate(held, start=1):
        holder[since:until] = bytes([number]) * (until - since)
    days, begins, today = walked.days, walked.begins, walked.day(start)
    counted = [
        number
        for number in range(today + exclude_start_day, len(days))
        if unit == "d" or days[number] in working
    ]  # fmt: skip
    wanted = amount + sum(_whole(holder[begins[number] : begins[number + 1]]) for number in counted)
    last = counted[wanted - 1] if wanted else today
    while days[last] not in working and (unit == "wd" or roll_forward):
        last += 1
    end = begins[last + 1]
    if until_close and days[last] in working:
        end = begins[last] + sum(clock < ranges[-1][1] for clock in walked.clocks[last])
    return walked.moment(max(start, end))


def _open(walked: Walk, ranges: tuple[tuple[int, int], ...], working: set[date]) -> bytes:
    """A 1 for each minute in which people work, else a 0."""
    face = bytearray(24 * 60)
    for opens, closes in ranges:
        face[opens:closes] = b"\1" * (closes - opens)
    plain = bytes(face)
    return b"".join(
        (plain if clock is STRAIGHT else bytes(face[shown] for shown in clock)) if day in working else bytes(len(clock))
        for day, clock in zip(walked.days, walked.clocks, strict=True)
    )


def _run(counting: bytearray, minute: int, wanted: int) -> int:
    """The first minute with `wanted` counting ones between it and `minute`: found by days, by hours, and by minutes."""
    if not wanted:
        return minute
    for stride in (24 * 60, 60, 1):
        while (found := counting.count(1, minute, minute + stride)) < wanted:
            wanted -= found
            minute += stride
            assert minute < len(counting), "the window is too short"
    return minute + 1


def _whole(holders: bytearray) -> bool:
    """Whether one pause holds all the minutes of a day."""
    return holders[0] != 0 and holders.count(holders[0]) == len(holders)


class Case(NamedTuple):
    """A calendar and a clock under it."""

    zone: str
    first: date
    ranges: tuple[tuple[int, int], ...]
    weekdays: frozenset[int]
    closed: frozenset[date]
    opened: frozenset[date]
    started: datetime
    amount: int
    unit: str
    exclude_start_day: bool
    roll_forward: bool
    until_close: bool
    pauses: Pauses

    def working(self) -> set[date]:
        usual = by_weekday(self.zone, self.first)
        return set().union(*(usual[weekday] for weekday in self.weekdays)) - self.closed | self.opened

    def expected(self) -> datetime:
        return self.expected_with(self.pauses, self.working())

    def expected_with(self, pauses: Pauses, working: set[date]) -> datetime:
        return expected(
            walk(self.zone, self.first),
            self.ranges,
            working,
            self.started,
            self.amount,
            self.unit,
            exclude_start_day=self.exclude_start_day,
            roll_forward=self.roll_forward,
            until_close=self.until_close,
            pauses=pauses,
        )

    def with_pauses(self, pauses: Pauses) -> "Case":
        """This case with those of `pauses`, from the first on, that begin while the clock still runs."""
        working, number = self.working(), 0
        while number < len(pauses) and pauses[number][0] < self.expected_with(pauses[:number], working):
            number += 1
        return self._replace(pauses=pauses[:number])

    def due(self, kind: type[Calendar]) -> datetime:
        """What a calendar of `kind` says."""
        calendar = kind(ZoneInfo(self.zone), self.ranges, self.weekdays, self.closed, self.opened)
        budget = Budget(self.amount, Unit(self.unit), self.exclude_start_day, self.roll_forward, self.until_close)
        return calendar.due(self.started, budget, self.pauses)


def cases(dice: Random) -> Iterator[Case]:
    """Cases without end; at times one is followed by its own clock under a calendar that was changed meanwhile."""
    while True:
        case = _case(dice)
        pauses = _pauses(dice, case)
        yield case.with_pauses(pauses)
        if dice.random() < 0.3:
            closed, opened = _exceptions(dice, walk(case.zone, case.first))
            ranges = case.ranges if case.unit == "wh" or dice.random() < 0.5 else _ranges(dice)
            yield case._replace(ranges=ranges, closed=closed, opened=opened).with_pauses(pauses)


def _case(dice: Random) -> Case:
    zone, first = WINDOWS[0] if dice.random() < 0.4 else dice.choice(WINDOWS)
    walked, ranges = walk(zone, first), _ranges(dice)
    unit = dice.choice(("m", "h", "wh", "d", "d", "wd", "wd"))
    a_day = sum(closes - opens for opens, closes in ranges)
    most = {"m": 3000, "h": 200, "wh": max(1, 10 * a_day // 60), "d": 20, "wd": 20}[unit]
    weekdays = dice.choice((range(5), range(5), range(7), dice.sample(range(7), dice.randint(3, 6))))
    turns = [number for number, clock in enumerate(walked.clocks[:70]) if clock is not STRAIGHT]
    day = turns[0] - dice.randint(0, 3) if turns and dice.random() < 0.3 else dice.randint(3, 60)
    edge, any_minute = dice.choice(dice.choice(ranges)), dice.randrange(1440)
    start = walked.begins[day] + dice.choice((0, edge, any_minute, any_minute, any_minute))
    optional = unit in {"d", "wd"}
    return Case(
        zone, first, ranges, frozenset(weekdays), *_exceptions(dice, walked), walked.moment(start),
        dice.choice((dice.randint(0, 3), dice.randint(0, most))), unit,
        exclude_start_day=not optional or dice.random() < 0.7,
        roll_forward=not optional or dice.random() < 0.7,
        until_close=optional and dice.random() < 0.3, pauses=(),
    )  # fmt: skip


def _ranges(dice: Random) -> tuple[tuple[int, int], ...]:
    """One to three ranges, of at least half an hour together; some of them touch."""
    known = dice.random()
    if known < 0.3:
        return ((540, 720), (810, 1080))
    if known < 0.35:
        return ((0, 1440),)
    while True:
        ends = sorted(dice.sample(range(0, 1441, dice.choice((1, 15, 30))), 2 * dice.randint(1, 3)))
        if dice.random() < 0.1:
            ends[1:-1] = ends[1:-1:2] * 2
            ends.sort()
        ranges = tuple(zip(ends[::2], ends[1::2], strict=True))
        if sum(closes - opens for opens, closes in ranges) >= 30 and all(opens < closes for opens, closes in ranges):
            return ranges


def _exceptions(dice: Random, walked: Walk) -> tuple[frozenset[date], frozenset[date]]:
    """Days that are closed, in holidays and single, and days that are opened, often beside a holiday."""
    closed: set[int] = set()
    beside: list[int] = []
    for _ in range(dice.randint(0, 2)):
        begin, length = dice.randint(1, 90), dice.randint(1, 6)
        closed.update(range(begin, begin + length))
        beside += [begin - 1, begin + length, begin + length + 1]
    closed.update(dice.sample(range(90), dice.randint(0, 3)))
    opened = {*dice.sample(beside, min(len(beside), dice.randint(0, 3))), *dice.sample(range(90), dice.randint(0, 4))}
    days = walked.days
    return frozenset(days[number] for number in closed), frozenset(days[number] for number in opened - closed)


def _pauses(dice: Random, case: Case) -> Pauses:
    """Up to four pauses in order, begun about as long after the start as the clock runs; midnights are frequent ends."""
    number = dice.choice((0, 0, 1, 2, 3, 4))
    if not number:
        return ()
    walked, pauses = walk(case.zone, case.first), []
    free = walked.minute(case.started)
    length = walked.minute(case.expected()) - free
    for _ in range(number):
        since = free + dice.choice((0, dice.randint(0, length), dice.randint(0, length // number)))
        if dice.random() < 0.25:
            since = max(free, walked.begins[walked.day(since)])
        until = since + dice.randint(0, dice.choice((90, 1440, 5 * 1440)))
        if dice.random() < 0.25:
            until = max(since, walked.begins[walked.day(until)])
        pauses.append((walked.moment(since), walked.moment(until)))
        free = until
    return tuple(pauses)


def compare(seed: int, number: int, size: int, kind: type[Calendar] = Calendar) -> tuple[int, str]:
    """Judge `size` cases of the chunk `number`: how many differ, and the first of them in full."""
    dice, found, first = Random(f"{seed}:{number}"), 0, ""
    for case, _ in zip(cases(dice), range(size), strict=False):
        due, right = case.due(kind), case.expected()
        if due != right:
            found += 1
            first = first or f"{case}\nexpected {right}\ngot      {due}\n"
    return found, first


def run(cases: int, seed: int, kind: type[Calendar] = Calendar) -> int:
    """How many of `cases` random cases a calendar of `kind` gets wrong; the first is printed."""
    found, first = compare(seed, 0, cases, kind)
    sys.stdout.write(first)
    return found
