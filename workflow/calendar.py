"""Working time: when a budget of minutes, hours or days that started at some moment has run out.

A day is a day on the local clock, however long it lasts, and 24:00 is the midnight after it. A working range goes by the clock on
the wall and lasts as long as it really takes. Where that clock is put forward or back, a time that it skips is the moment of the
skip, and a time that it shows twice is the first of the two.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

type Pause = tuple[datetime, datetime]

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_PATIENCE = 366
_WRITTEN = re.compile(r"([0-9]+)(m|h|wh|d|wd)((?:,[^,]*)*)")
_OPTIONS = {
    "from_start": ("exclude_start_day", False),
    "no_roll": ("roll_forward", False),
    "until_close": ("until_close", True),
}


class Unit(StrEnum):
    """What a budget counts: natural minutes and hours, working hours, natural days, or working days."""

    MINUTES = "m"
    HOURS = "h"
    WORKING_HOURS = "wh"
    DAYS = "d"
    WORKING_DAYS = "wd"


_NATURAL_MINUTES = {Unit.MINUTES: 1, Unit.HOURS: 60, Unit.DAYS: 24 * 60}


@dataclass(frozen=True, slots=True)
class Budget:
    """An amount of time of one kind, and where its days begin and end (docs/rules.md; Civil Code 201 to 203).

    Days leave out the day of the start, roll off a holiday to the next working day, and end at 24:00, or with `until_close` at the
    close of business. Raises ValueError for less than nothing, and for hours or minutes with an option of days.
    """

    amount: int
    unit: Unit
    exclude_start_day: bool = True
    roll_forward: bool = True
    until_close: bool = False

    def __post_init__(self) -> None:
        if self.amount < 0:
            raise ValueError(f"a budget cannot be less than nothing: {self.amount}")
        if not self.in_days and self._options():
            raise ValueError(f"only a budget of days takes {', '.join(self._options())}: {self}")

    @classmethod
    @lru_cache(1024)
    def parse(cls, text: str) -> "Budget":
        """The budget that `str` writes as `text`: an amount, its unit, and options of days, as in "7d,from_start"."""
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise ValueError(f'a budget is an amount and one of m, h, wh, d or wd, as in "7d", not {text!r}')
        amount, unit, options = found.groups()
        names = options.split(",")[1:]
        for name in names:
            if name not in _OPTIONS:
                raise ValueError(f"{name!r} in {text!r} is none of the options {', '.join(_OPTIONS)}")
        return cls(int(amount), Unit(unit), **dict(_OPTIONS[name] for name in names))

    def __str__(self) -> str:
        return ",".join((f"{self.amount}{self.unit}", *self._options()))

    @property
    def in_days(self) -> bool:
        """Whether it counts days, natural or working ones."""
        return self.unit in (Unit.DAYS, Unit.WORKING_DAYS)

    def plus(self, other: "Budget") -> "Budget":
        """Both budgets in one. Natural time and natural days together are natural time, with 24 hours for a day.

        Raises ValueError for two that have no sum: other kinds of time, or days with other options.
        """
        if replace(self, amount=0) == replace(other, amount=0):
            return replace(self, amount=self.amount + other.amount)
        if self.unit != other.unit and {self.unit, other.unit} <= _NATURAL_MINUTES.keys():
            minutes = sum(budget.amount * _NATURAL_MINUTES[budget.unit] for budget in (self, other))
            if Unit.MINUTES in (self.unit, other.unit):
                return Budget(minutes, Unit.MINUTES)
            return Budget(minutes // 60, Unit.HOURS)
        raise ValueError(f"{self} and {other} have no sum")

    def extended(self, days: int) -> "Budget":
        """This budget of days with `days` more of its own kind. Raises ValueError for a budget of hours or minutes."""
        if not self.in_days:
            raise ValueError(f"only a budget of days can be extended by days: {self}")
        return replace(self, amount=self.amount + days)

    def _options(self) -> list[str]:
        return [option for option, (field, value) in _OPTIONS.items() if getattr(self, field) == value]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The working days and hours of one place, as known in one version of its holidays.

    `ranges` are those of a working day, in minutes after local midnight. `closed` and `opened` days, holidays and 调休, go before
    `weekdays` (Monday is 0). `estimated` are the years whose holidays are not published yet. Raises ValueError for ranges out of
    order and for a day both closed and opened. Moments come in aware (else ValueError) and go out in UTC.
    """

    zone: ZoneInfo
    ranges: tuple[tuple[int, int], ...]
    weekdays: frozenset[int] = frozenset(range(5))
    closed: frozenset[date] = frozenset()
    opened: frozenset[date] = frozenset()
    estimated: frozenset[int] = frozenset()
    version: int = 1

    def __post_init__(self) -> None:
        free = 0
        for opens, closes in self.ranges:
            if not free <= opens < closes <= 24 * 60:
                raise ValueError(f"working ranges are parts of one day, one after the other: {self.ranges}")
            free = closes
        if not self.ranges:
            raise ValueError("a working day has at least one range")
        if both := self.closed & self.opened:
            raise ValueError(f"{min(both)} is both closed and opened")

    def is_working(self, day: date) -> bool:
        """Whether people work on `day`."""
        return day in self.opened or (day.weekday() in self.weekdays and day not in self.closed)

    def day_of(self, at: datetime) -> date:
        """The local day of the moment `at`."""
        return _utc(at).astimezone(self.zone).date()

    def start_of(self, day: date) -> datetime:
        """The first moment of the local `day`."""
        return self._first(datetime.combine(day, time()))

    def due(self, started: datetime, budget: Budget, pauses: Sequence[Pause] = ()) -> datetime:
        """The moment at which `budget`, which started at `started` and stood still during `pauses`, runs out.

        `pauses` have ended, come in order and do not overlap, else ValueError; each began before the moment that this function
        gives for those before it. Time moves on by exactly what the pauses hold of it. Days move on by the days of their kind that
        one pause holds from midnight to midnight; leaving out the first day and rolling off a holiday happen once. No deadline is
        before `started`. Raises ValueError where a year goes by without a working day, OverflowError beyond the year 9999.
        """
        started, pauses = _utc(started), _in_order(started, pauses)
        if budget.in_days:
            return max(started, self._end_of(self._last_day(started, budget, pauses), budget))
        if budget.unit == Unit.WORKING_HOURS:
            worked = sum((self._worked(*pause) for pause in pauses), timedelta())
            return self._after_work(started, budget.amount * _HOUR + worked)
        natural = budget.amount * (_HOUR if budget.unit == Unit.HOURS else _MINUTE)
        return started + sum((until - since for since, until in pauses), natural)

    def add(self, start: datetime, budget: Budget) -> datetime:
        """The moment at which `budget`, which started at `start`, runs out if nothing stops it."""
        return self.due(start, budget)

    def between(self, a: datetime, b: datetime, unit: Unit) -> timedelta:
        """The time of `unit`, minutes or hours of one kind, from `a` to `b`: what `add` would take to get there.

        Raises ValueError for days, and for an `a` after `b`.
        """
        a, b = _one_after_the_other(a, b)
        if unit in (Unit.DAYS, Unit.WORKING_DAYS):
            raise ValueError("days are counted by days_between")
        return self._worked(a, b) if unit == Unit.WORKING_HOURS else b - a

    def days_between(self, a: datetime, b: datetime, unit: Unit) -> int:
        """How many local days of `unit` come after that of `a`, up to and with that of `b`.

        Raises ValueError for a unit of hours or minutes, and for an `a` after `b`.
        """
        a, b = _one_after_the_other(a, b)
        if unit not in (Unit.DAYS, Unit.WORKING_DAYS):
            raise ValueError(f"days are natural or working days, not {unit.name.lower()}")
        return self._count(self.day_of(a) + _DAY, self.day_of(b) + _DAY, unit)

    def is_estimated(self, a: datetime, b: datetime) -> bool:
        """Whether any local day from that of `a` to that of `b` is in a year whose holidays are not published yet."""
        a, b = _one_after_the_other(a, b)
        return any(year in self.estimated for year in range(self.day_of(a).year, self.day_of(b).year + 1))

    def _first(self, wall: datetime) -> datetime:
        """The first moment at which the clock on the wall shows `wall`, or more if it skips that."""
        moment = wall.replace(tzinfo=self.zone).astimezone(UTC)
        if self._shown(moment) == wall:
            return moment
        before = wall.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        gap = range((moment - before) // _MINUTE)
        return before + bisect_left(gap, wall, key=lambda minute: self._shown(before + minute * _MINUTE)) * _MINUTE

    def _shown(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone).replace(tzinfo=None)

    def _working_day(self, day: date) -> date:
        """The first working day from `day` on."""
        for _ in range(_PATIENCE + 1):
            if self.is_working(day):
                return day
            day += _DAY
        raise ValueError(f"no working day within {_PATIENCE} days")

    def _count(self, first: date, after: date, unit: Unit) -> int:
        """How many days of `unit` there are from `first` on and before `after`."""
        days = max(0, (after - first).days)
        if unit == Unit.DAYS:
            return days
        return sum(self.is_working(first + number * _DAY) for number in range(days))

    def _last_day(self, started: datetime, budget: Budget, pauses: Sequence[Pause]) -> date:
        start = self.day_of(started)
        first = start + _DAY if budget.exclude_start_day else start
        days = budget.amount
        for since, until in pauses:
            whole = self.day_of(since)
            if self.start_of(whole) < since:
                whole += _DAY
            days += self._count(max(whole, first), self.day_of(until), budget.unit)
        if budget.unit == Unit.DAYS:
            last = max(start, first + (days - 1) * _DAY)
            return self._working_day(last) if budget.roll_forward else last
        last = self._working_day(first if days else start)
        for _ in range(days - 1):
            last = self._working_day(last + _DAY)
        return last

    def _end_of(self, day: date, budget: Budget) -> datetime:
        if budget.until_close and self.is_working(day):
            return self._first(datetime.combine(day, time()) + self.ranges[-1][1] * _MINUTE)
        return self.start_of(day + _DAY)

    def _ranges_of(self, day: date) -> list[tuple[datetime, datetime]]:
        """The working ranges of the working day `day`."""
        midnight = self.start_of(day)
        # A day of 24 hours keeps one distance from UTC: there is nothing to look up.
        if self.start_of(day + _DAY) - midnight == _DAY:
            return [(midnight + opens * _MINUTE, midnight + closes * _MINUTE) for opens, closes in self.ranges]
        wall = datetime.combine(day, time())
        return [
            (self._first(wall + opens * _MINUTE), self._first(wall + closes * _MINUTE)) for opens, closes in self.ranges
        ]

    def _worked(self, a: datetime, b: datetime) -> timedelta:
        """The working time from `a` to `b`."""
        worked, day, last = timedelta(), self.day_of(a), self.day_of(b)
        while day <= last:
            if self.is_working(day):
                for opens, closes in self._ranges_of(day):
                    worked += max(timedelta(), min(closes, b) - max(opens, a))
            day += _DAY
        return worked

    def _after_work(self, started: datetime, work: timedelta) -> datetime:
        """The first moment with `work` of working time between it and `started`."""
        if not work:
            return started
        day = self.day_of(started)
        while True:
            day = self._working_day(day)
            for opens, closes in self._ranges_of(day):
                opens = max(opens, started)
                if closes - opens >= work:
                    return opens + work
                work -= max(timedelta(), closes - opens)
            day += _DAY


def _utc(at: datetime) -> datetime:
    if at.utcoffset() is None:
        raise ValueError(f"the moment {at} has no time zone")
    return at.astimezone(UTC)


def _one_after_the_other(a: datetime, b: datetime) -> Pause:
    a, b = _utc(a), _utc(b)
    if a > b:
        raise ValueError(f"{a} is after {b}")
    return a, b


def _in_order(started: datetime, pauses: Sequence[Pause]) -> list[Pause]:
    free, checked = started, []
    for since, until in pauses:
        pause = _one_after_the_other(since, until)
        if pause[0] < free:
            raise ValueError(f"the pause from {since} begins before the start or the end of the pause before it")
        free = pause[1]
        checked.append(pause)
    return checked
