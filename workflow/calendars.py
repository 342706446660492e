"""The calendars as the process remembers them, and how holidays get into them.

A published version never changes, so what has been read of it is kept for good. Which version is the newest is asked again at most
every five seconds in each process.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from importlib.metadata import version
from zoneinfo import ZoneInfo

import holidays
from django.db import transaction
from django.utils.functional import Promise

from web.words import bilingual
from workflow.calendar import Calendar
from workflow.errors import NotReady
from workflow.models.calendars import CalendarDay, CalendarVersion, CalendarYear, working_hours
from workflow.notice import Notice, UnreadableNotice, arranged_in, holidays_in
from workflow.versions import Published

ALARM_FROM = (11, 1)
"""Month and day from which a year that is still estimated, and comes next, raises an alarm."""
FIRST_YEAR = 2019
SOURCE = f"holidays {version('holidays')}"


class NoCalendar(NotReady, LookupError):
    """No such version of the calendar has been published."""

    code = "no_service_level"
    reason = bilingual("时限标准或工作日历尚未发布。", "No service level or calendar has been published yet.")


_published = Published(lambda: CalendarVersion, "number", "street", needed=True)


def forget() -> None:
    """Forget everything remembered: for the process that has just published, and between tests."""
    _published.forget()
    calendar.cache_clear()


def newest(street: uuid.UUID | None = None) -> int:
    """The number of the version that clocks start under now in a street. Raises NoCalendar where none has been published."""
    found = every()
    return found.get(street, found[None])


def every() -> Mapping[uuid.UUID | None, int]:
    """The number of the version in use by street; None stands for the streets without one. Raises NoCalendar."""
    found = {street: number for number, street in reversed(_published.rows())}
    if None not in found:
        raise NoCalendar("No calendar has been published: run `manage.py load_reference`.")
    return found


@cache
def calendar(number: int, zone: str) -> Calendar:
    """The calendar of a published version, in the time zone of that name. Raises NoCalendar."""
    row = CalendarVersion.objects.exclude(published_at=None).filter(number=number).first()
    if row is None:
        raise NoCalendar(f"There is no published calendar version {number}.")
    days = list(row.days.values_list("day", "works"))
    published = set(row.years.filter(estimated=False).values_list("year", flat=True))
    return Calendar(
        zone=ZoneInfo(zone),
        ranges=working_hours(row.hours),
        closed=frozenset(day for day, works in days if not works),
        opened=frozenset(day for day, works in days if works),
        # A year that the version does not cover is guessed at just as much.
        estimated=frozenset(range(1950, 2201)) - published,
        version=number,
    )


def overdue_years(day: date) -> list[int]:
    """The years whose notice is missing on `day`, and should not be: this one, and from 1 November on the next."""
    estimated = set[int]().union(*(calendar(number, "Asia/Shanghai").estimated for number in every().values()))
    wanted = [day.year] + ([day.year + 1] if (day.month, day.day) >= ALARM_FROM else [])
    return [year for year in wanted if year in estimated]


def notices(day: date) -> list[Promise]:
    """What the keeper of the calendar is to be told on `day`; nothing when all is well."""
    try:
        years = overdue_years(day)
    except NoCalendar:
        return [bilingual("尚未发布工作日历。", "No working calendar has been published.")]
    return [
        bilingual(
            f"{year}年放假安排尚未录入，期限按推算的节假日计算：请在“工作日历版本”中导入国务院办公厅的通知并发布。",
            f"The holidays of {year} have not been entered, and deadlines follow guessed ones: import the State Council's notice into "
            "a calendar version and publish it.",
        )
        for year in years
    ]


def packaged(year: int) -> tuple[Notice, bool]:
    """What the `holidays` package knows of a year, and whether its notice is not published yet."""
    known = holidays.country_holidays("CN", years=year, language="zh_CN")
    made_up: set[date] = known.weekend_workdays
    opened = {day: "调休上班" for day in made_up if day.year == year}
    closed = {day: name for day, name in known.items() if day.year == year and day not in opened}
    return Notice(closed, opened), not opened


@dataclass(frozen=True, slots=True)
class DayChange:
    """What becomes of a day of the calendar: off, worked, or as any other; `was` and `works` are None for any other."""

    day: date
    name: str
    was: bool | None
    works: bool | None


def changes(version: CalendarVersion, year: int, notice: Notice) -> list[DayChange]:
    """Each day that `notice` speaks of, or whose entry it takes away, in order. Raises UnreadableNotice.

    A whole year's notice takes the place of the year and of the New Year's days before it; another one of the holidays that it names.
    """
    stored = {day: (works, name) for day, works, name in version.days.values_list("day", "works", "name")}
    notice = _lengthened(stored, year, notice)
    said = dict.fromkeys(notice.closed, False) | dict.fromkeys(notice.opened, True)
    names = notice.closed | notice.opened
    gone = [day for day in _spoken_of(stored, year, notice) if day not in said]
    return [
        DayChange(day, names.get(day, ""), stored[day][0] if day in stored else None, said.get(day))
        if day in said
        else DayChange(day, stored[day][1], stored[day][0], None)
        for day in sorted({*said, *gone})
    ]


def _spoken_of(stored: Mapping[date, tuple[bool, str]], year: int, notice: Notice) -> list[date]:
    """The days entered so far that `notice` takes the place of."""
    if notice.whole:
        return [day for day, (_, name) in stored.items() if arranged_in(day, name) == year]
    of_year = {day: holidays_in(name) for day, (_, name) in stored.items() if arranged_in(day, name) == year}
    named = [day for day, names in of_year.items() if names and not stored[day][0]]
    replaced = notice.names - set(notice.extended)
    # A day that does not say of which holiday it is belongs to the nearest.
    return [
        day
        for day, names in of_year.items()
        if (names or (of_year[min(named, key=lambda one: abs(one - day))] if named else names)) & replaced
    ]


def _lengthened(stored: Mapping[date, tuple[bool, str]], year: int, notice: Notice) -> Notice:
    """The notice with the days that a longer holiday adds. Raises UnreadableNotice where that holiday is not entered."""
    closed = dict(notice.closed)
    for holiday, last in notice.extended.items():
        days = [
            day
            for day, (works, name) in stored.items()
            if not works and day.year == year and holiday in holidays_in(name) and day <= last
        ]
        if not days:
            raise UnreadableNotice(
                bilingual(
                    f"尚未录入{year}年{holiday}，无法延长。",
                    f"{holiday} of {year} is not entered, and cannot be longer.",
                )
            )
        day = max(days)
        while day <= last:
            closed[day] = stored[day][1] if day in days else holiday
            day += timedelta(days=1)
    return replace(
        notice, closed=closed, opened={day: name for day, name in notice.opened.items() if day not in closed}
    )


def put_notice(draft: CalendarVersion, year: int, notice: Notice, *, source: str, estimated: bool = False) -> None:
    """Let a draft say what `notice` says, once or several times alike. Raises ValidationError where it is no draft.

    A year that only had parts of it changed stays estimated as before, and names both sources.
    """
    with transaction.atomic():
        planned = changes(draft, year, notice)
        row = CalendarYear.objects.filter(version=draft, year=year).first()
        if row is None:
            row = CalendarYear(version=draft, year=year, estimated=estimated or not notice.whole, source=source)
        elif notice.whole:
            row.estimated, row.source = estimated, source
        elif source not in row.source:
            row.source = f"{row.source}；{source}"[:200]
        row.save()
        CalendarDay.objects.filter(version=draft, day__in=[one.day for one in planned]).delete()
        CalendarDay.objects.bulk_create(
            [
                CalendarDay(version=draft, day=one.day, works=one.works, name=one.name[:60])
                for one in planned
                if one.works is not None
            ]
        )


def put_packaged(draft: CalendarVersion, years: Iterable[int]) -> None:
    """Let a draft say of `years` what the `holidays` package knows of them."""
    for year in years:
        notice, estimated = packaged(year)
        put_notice(draft, year, notice, source=SOURCE, estimated=estimated)


def load(*, at: datetime, zone: str) -> CalendarVersion | None:
    """Publish a first calendar, from 2019 to next year, where there is none; None where there is one."""
    if CalendarVersion.objects.exclude(published_at=None).exists():
        return None
    with transaction.atomic():
        draft = CalendarVersion.draft(source=SOURCE)
        put_packaged(draft, range(FIRST_YEAR, at.astimezone(ZoneInfo(zone)).year + 2))
        draft.publish(at=at)
    transaction.on_commit(forget)
    return draft
