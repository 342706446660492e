"""Budgets run out when the calendar of 2026 and the Civil Code say so, by golden rows, by laws, and by a second reckoning."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workflow import calendar_oracle
from workflow.calendar import Budget, Calendar, Unit

BEIJING, BERLIN, HAVANA = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/Havana")
OFFICE = ((9 * 60, 12 * 60), (13 * 60 + 30, 18 * 60))
EVERY_DAY = frozenset(range(7))


def days(month: int, first: int, last: int) -> set[date]:
    return {date(2026, month, day) for day in range(first, last + 1)}


HOLIDAYS = frozenset(
    days(1, 1, 3)  # 元旦
    | days(2, 15, 23)  # 春节
    | days(4, 4, 6)  # 清明节
    | days(5, 1, 5)  # 劳动节
    | days(6, 19, 21)  # 端午节
    | days(9, 25, 27)  # 中秋节
    | days(10, 1, 7)  # 国庆节
    | {date(2027, 1, 1)}
)
MAKE_UP_DAYS = (
    date(2026, 1, 4), date(2026, 2, 14), date(2026, 2, 28), date(2026, 5, 9), date(2026, 9, 20), date(2026, 10, 10),
)  # fmt: skip
CHINA = Calendar(
    BEIJING, OFFICE, closed=HOLIDAYS, opened=frozenset(MAKE_UP_DAYS), estimated=frozenset({2027}), version=3
)


def local(text: str, zone: ZoneInfo = BEIJING) -> datetime:
    """The moment that `text` names on the clock of `zone`; 24:00 is the midnight after its day."""
    day, clock = text.split()
    if clock == "24:00":
        day, clock = (date.fromisoformat(day) + timedelta(days=1)).isoformat(), "00:00"
    return datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=zone).astimezone(UTC)


def utc(text: str) -> datetime:
    return local(text, ZoneInfo("UTC"))


def nightly(first: str, nights: int) -> list[tuple[datetime, datetime]]:
    """Pauses of twenty minutes, from ten before midnight, on so many nights."""
    begin = local(f"{first} 23:50")
    return [(begin + timedelta(days=night), begin + timedelta(days=night, minutes=20)) for night in range(nights)]


@pytest.mark.parametrize(
    ("started", "budget", "due"),
    [
        # Natural days: the day of the start is left out, and the last day rolls off a holiday or weekend.
        ("2026-03-02 10:00", "7d", "2026-03-09 24:00"),
        ("2026-03-02 00:00", "7d", "2026-03-09 24:00"),
        ("2026-03-02 23:59", "7d", "2026-03-09 24:00"),
        ("2026-03-06 10:00", "1d", "2026-03-09 24:00"),
        ("2026-03-06 10:00", "2d", "2026-03-09 24:00"),
        ("2026-03-02 10:00", "0d", "2026-03-02 24:00"),
        ("2026-03-07 10:00", "0d", "2026-03-09 24:00"),
        ("2026-02-10 10:00", "7d", "2026-02-24 24:00"),
        ("2026-02-16 10:00", "7d", "2026-02-24 24:00"),
        ("2026-02-17 10:00", "7d", "2026-02-24 24:00"),
        ("2026-02-18 10:00", "7d", "2026-02-25 24:00"),
        ("2026-09-25 10:00", "7d", "2026-10-08 24:00"),
        ("2026-09-20 10:00", "15d", "2026-10-08 24:00"),
        ("2026-06-12 10:00", "7d", "2026-06-22 24:00"),
        ("2026-04-03 10:00", "1d", "2026-04-07 24:00"),
        ("2026-04-30 10:00", "5d", "2026-05-06 24:00"),
        ("2025-12-31 10:00", "1d", "2026-01-04 24:00"),
        ("2026-12-24 10:00", "7d", "2026-12-31 24:00"),
        ("2026-12-31 10:00", "1d", "2027-01-04 24:00"),
        # Working days: a make-up Saturday counts, a holiday does not.
        ("2026-02-13 10:00", "5wd", "2026-02-27 24:00"),
        ("2026-02-13 10:00", "6wd", "2026-02-28 24:00"),
        ("2026-02-14 10:00", "1wd", "2026-02-24 24:00"),
        ("2026-02-18 10:00", "1wd", "2026-02-24 24:00"),
        ("2026-09-29 10:00", "1wd", "2026-09-30 24:00"),
        ("2026-09-29 10:00", "3wd", "2026-10-09 24:00"),
        ("2026-09-29 10:00", "4wd", "2026-10-10 24:00"),
        ("2026-09-29 10:00", "5wd", "2026-10-12 24:00"),
        ("2026-03-02 10:00", "15wd", "2026-03-23 24:00"),
        ("2025-12-31 10:00", "1wd", "2026-01-04 24:00"),
        ("2025-12-31 10:00", "2wd", "2026-01-05 24:00"),
        ("2026-03-02 10:00", "0wd", "2026-03-02 24:00"),
        ("2026-03-07 10:00", "0wd", "2026-03-09 24:00"),
        ("2026-03-07 10:00", "1wd", "2026-03-09 24:00"),
        # The day of the start counts as the first.
        ("2026-03-02 10:00", "1d,from_start", "2026-03-02 24:00"),
        ("2026-03-02 10:00", "0d,from_start", "2026-03-02 24:00"),
        ("2026-03-02 10:00", "7d,from_start", "2026-03-09 24:00"),
        ("2026-03-02 10:00", "7d,from_start,no_roll", "2026-03-08 24:00"),
        ("2026-03-02 10:00", "1wd,from_start", "2026-03-02 24:00"),
        ("2026-03-02 10:00", "5wd,from_start", "2026-03-06 24:00"),
        ("2026-03-07 10:00", "1wd,from_start", "2026-03-09 24:00"),
        # The last day is a holiday, and stays.
        ("2026-02-10 10:00", "7d,no_roll", "2026-02-17 24:00"),
        ("2026-12-31 10:00", "1d,no_roll", "2027-01-01 24:00"),
        # The last day ends with its last range.
        ("2026-02-13 10:00", "5wd,until_close", "2026-02-27 18:00"),
        ("2026-02-10 10:00", "7d,until_close", "2026-02-24 18:00"),
        ("2026-02-10 10:00", "7d,no_roll,until_close", "2026-02-17 24:00"),
        ("2026-03-02 17:59", "0d,until_close", "2026-03-02 18:00"),
        ("2026-03-02 20:00", "0d,until_close", "2026-03-02 20:00"),
        # Natural hours know no holiday and no night.
        ("2026-02-14 17:30", "24h", "2026-02-15 17:30"),
        ("2026-12-31 23:00", "2h", "2027-01-01 01:00"),
        ("2026-03-02 10:00", "90m", "2026-03-02 11:30"),
        ("2026-03-02 10:00", "0h", "2026-03-02 10:00"),
        # Working hours stand still at noon, at night and on holidays.
        ("2026-03-02 10:00", "2wh", "2026-03-02 12:00"),
        ("2026-03-02 10:00", "4wh", "2026-03-02 15:30"),
        ("2026-03-02 11:00", "2wh", "2026-03-02 14:30"),
        ("2026-03-02 12:45", "1wh", "2026-03-02 14:30"),
        ("2026-03-02 17:00", "1wh", "2026-03-02 18:00"),
        ("2026-03-02 17:30", "1wh", "2026-03-03 09:30"),
        ("2026-03-02 03:00", "1wh", "2026-03-02 10:00"),
        ("2026-03-02 03:00", "0wh", "2026-03-02 03:00"),
        ("2026-03-06 17:00", "2wh", "2026-03-09 10:00"),
        ("2026-02-13 17:00", "8wh", "2026-02-14 17:30"),
        ("2026-02-13 17:00", "9wh", "2026-02-24 09:30"),
        ("2026-02-18 10:00", "15wh", "2026-02-25 18:00"),
        ("2026-09-30 17:00", "16wh", "2026-10-09 18:00"),
    ],
)
def test_a_budget_runs_out_in_2026(started, budget, due):
    assert CHINA.add(local(started), Budget.parse(budget)) == local(due)


@pytest.mark.parametrize("day", MAKE_UP_DAYS, ids=str)
def test_a_make_up_day_is_a_working_day(day):
    before, deadline = local(f"{day - timedelta(days=1)} 10:00"), local(f"{day} 24:00")
    assert day.weekday() > 4
    assert CHINA.is_working(day)
    assert CHINA.add(before, Budget.parse("1wd")) == deadline
    assert CHINA.add(before, Budget.parse("1d")) == deadline
    assert CHINA.add(local(f"{day} 08:00"), Budget.parse("2wh")) == local(f"{day} 11:00")


def test_all_other_weekends_and_all_holidays_are_free():
    free = {day for month in range(1, 13) for day in days(month, 1, 28) if not CHINA.is_working(day)}
    weekends = {day for month in range(1, 13) for day in days(month, 1, 28) if day.weekday() > 4}
    assert free == (weekends | {day for day in HOLIDAYS if day.year == 2026}) - set(MAKE_UP_DAYS)


def test_a_deadline_comes_in_utc_whatever_zone_the_start_is_in():
    due = CHINA.add(datetime(2026, 3, 2, 20, tzinfo=ZoneInfo("America/New_York")), Budget.parse("1d"))
    assert (due, due.tzinfo) == (local("2026-03-04 24:00"), UTC)


@pytest.mark.parametrize("unit", ["h", "m"])
def test_a_pause_moves_natural_time_by_itself(unit):
    started = local("2026-03-02 10:00")
    pauses = [
        (local("2026-03-02 11:00"), local("2026-03-02 14:17")),
        (local("2026-03-02 14:17"), local("2026-03-02 14:17:30")),
        (local("2026-03-07 23:00"), local("2026-03-08 01:00")),
    ]
    budget = Budget({"h": 240, "m": 240 * 60}[unit], Unit(unit))
    assert CHINA.due(started, budget, pauses) == local("2026-03-12 15:17:30")


@pytest.mark.parametrize(
    ("since", "until", "due"),
    [
        ("2026-03-02 11:00", "2026-03-02 11:20", "2026-03-02 15:50"),
        ("2026-03-02 11:00", "2026-03-02 13:00", "2026-03-02 16:30"),
        ("2026-03-02 12:00", "2026-03-02 13:30", "2026-03-02 15:30"),
        ("2026-03-02 15:00", "2026-03-03 15:00", "2026-03-03 15:30"),
        ("2026-03-02 15:00", "2026-03-08 15:00", "2026-03-09 09:30"),
    ],
)
def test_a_pause_moves_working_time_by_the_working_time_in_it(since, until, due):
    assert CHINA.due(local("2026-03-02 10:00"), Budget.parse("4wh"), [(local(since), local(until))]) == local(due)


def test_short_pauses_do_not_add_up_to_a_day():
    started, first = local("2026-03-02 10:00"), local("2026-03-02 22:30")
    over_midnight = [
        (first + timedelta(minutes=20 * number), first + timedelta(minutes=20 * number + 20)) for number in range(10)
    ]
    assert CHINA.due(started, Budget.parse("7d"), over_midnight) == local("2026-03-09 24:00")
    assert CHINA.due(started, Budget.parse("10d"), nightly("2026-03-02", 10)) == local("2026-03-12 24:00")
    assert CHINA.due(started, Budget.parse("5wd"), nightly("2026-03-02", 8)) == local("2026-03-09 24:00")


@pytest.mark.parametrize(
    ("budget", "since", "until", "due"),
    [
        ("7d", "2026-03-02 10:00", "2026-03-05 09:00", "2026-03-11 24:00"),
        ("5wd", "2026-03-02 10:00", "2026-03-05 09:00", "2026-03-11 24:00"),
        # Midnight to midnight is whole; a second less at either end is not.
        ("7d", "2026-03-03 00:00", "2026-03-04 00:00", "2026-03-10 24:00"),
        ("7d", "2026-03-03 00:00:01", "2026-03-04 00:00", "2026-03-09 24:00"),
        ("7d", "2026-03-03 00:00", "2026-03-03 23:59:59", "2026-03-09 24:00"),
        # A weekend is natural days and no working days.
        ("7d", "2026-03-06 10:00", "2026-03-09 10:00", "2026-03-11 24:00"),
        ("5wd", "2026-03-06 10:00", "2026-03-09 10:00", "2026-03-09 24:00"),
        # The last day rolls after the pause has moved it.
        ("7d", "2026-03-02 10:00", "2026-03-08 00:00", "2026-03-16 24:00"),
        ("7d,no_roll", "2026-03-02 10:00", "2026-03-08 00:00", "2026-03-14 24:00"),
    ],
)
def test_a_pause_moves_days_by_the_whole_days_in_it(budget, since, until, due):
    started = local("2026-03-02 09:00")
    assert CHINA.due(started, Budget.parse(budget), [(local(since), local(until))]) == local(due)


def test_two_pauses_that_touch_hold_no_day_between_them():
    noon = local("2026-03-03 12:00")
    pauses = [(local("2026-03-02 12:00"), noon), (noon, local("2026-03-04 12:00"))]
    assert CHINA.due(local("2026-03-02 09:00"), Budget.parse("7d"), pauses) == local("2026-03-09 24:00")


@pytest.mark.parametrize(
    ("budget", "due"),
    [
        ("3d", "2026-03-05 24:00"),
        ("3d,from_start", "2026-03-05 24:00"),
        ("3wd", "2026-03-05 24:00"),
        ("3wd,from_start", "2026-03-05 24:00"),
    ],
)
def test_the_day_of_the_start_can_be_paused_only_if_it_counts(budget, due):
    started = local("2026-03-02 00:00")
    assert CHINA.due(started, Budget.parse(budget), [(started, local("2026-03-03 00:00"))]) == local(due)


@pytest.mark.parametrize(
    ("pauses", "words"),
    [
        ([("2026-03-02 09:00", "2026-03-02 11:00")], "before the start"),
        ([("2026-03-02 12:00", "2026-03-02 11:00")], "is after"),
        ([("2026-03-02 11:00", "2026-03-02 13:00"), ("2026-03-02 12:59", "2026-03-02 14:00")], "the pause before"),
    ],
)
def test_pauses_out_of_order_are_refused(pauses, words):
    moments = [(local(since), local(until)) for since, until in pauses]
    with pytest.raises(ValueError, match=words):
        CHINA.due(local("2026-03-02 10:00"), Budget.parse("7d"), moments)


def test_moments_without_a_zone_are_refused():
    naive, aware = datetime(2026, 3, 2, 10), local("2026-03-02 10:00")  # noqa: DTZ001
    for call in (
        lambda: CHINA.add(naive, Budget.parse("1d")),
        lambda: CHINA.due(aware, Budget.parse("1d"), [(aware, naive)]),
        lambda: CHINA.day_of(naive),
        lambda: CHINA.between(naive, aware, Unit.HOURS),
        lambda: CHINA.days_between(aware, naive, Unit.DAYS),
        lambda: CHINA.is_estimated(naive, aware),
    ):
        with pytest.raises(ValueError, match="no time zone"):
            call()


@pytest.mark.parametrize(
    ("unit", "a", "b", "time"),
    [
        ("m", "2026-03-02 10:00", "2026-03-02 10:00", "0:00"),
        ("h", "2026-02-14 17:30", "2026-02-15 17:30", "24:00"),
        ("wh", "2026-03-02 11:00", "2026-03-02 14:30", "2:00"),
        ("wh", "2026-03-02 12:10", "2026-03-02 13:10", "0:00"),
        ("wh", "2026-02-13 17:00", "2026-02-24 09:30", "9:00"),
        ("wh", "2026-03-02 00:00", "2026-03-08 24:00", "37:30"),
    ],
)
def test_the_time_between_two_moments(unit, a, b, time):
    hours, minutes = map(int, time.split(":"))
    assert CHINA.between(local(a), local(b), Unit(unit)) == timedelta(hours=hours, minutes=minutes)


def test_the_days_between_two_moments():
    a, b = local("2026-02-13 23:59"), local("2026-02-24 00:00")
    assert CHINA.days_between(a, b, Unit.DAYS) == 11
    assert CHINA.days_between(a, b, Unit.WORKING_DAYS) == 2
    assert CHINA.days_between(a, a, Unit.DAYS) == CHINA.days_between(b, b, Unit.WORKING_DAYS) == 0


def test_what_cannot_be_measured_is_refused():
    a, b = local("2026-03-02 10:00"), local("2026-03-03 10:00")
    for unit in (Unit.DAYS, Unit.WORKING_DAYS):
        with pytest.raises(ValueError, match="days_between"):
            CHINA.between(a, b, unit)
    for unit in (Unit.MINUTES, Unit.HOURS, Unit.WORKING_HOURS):
        with pytest.raises(ValueError, match="natural or working days"):
            CHINA.days_between(a, b, unit)
    for call in (
        lambda: CHINA.between(b, a, Unit.HOURS),
        lambda: CHINA.days_between(b, a, Unit.DAYS),
        lambda: CHINA.is_estimated(b, a),
    ):
        with pytest.raises(ValueError, match="is after"):
            call()


def test_a_stretch_that_touches_an_estimated_year_is_estimated():
    assert not CHINA.is_estimated(local("2026-01-01 00:00"), local("2026-12-31 23:59"))
    assert CHINA.is_estimated(local("2026-12-31 10:00"), local("2027-01-01 00:00"))
    assert CHINA.is_estimated(local("2026-12-31 10:00"), local("2028-02-01 00:00"))
    assert not CHINA.is_estimated(local("2028-01-01 00:00"), local("2028-02-01 00:00"))


@pytest.mark.parametrize(
    ("started", "budget", "due"),
    [
        # The clock is put forward on 29 March at 2:00, and back on 25 October at 3:00.
        ("2026-03-28 12:00", "1d,no_roll", "2026-03-29 22:00"),
        ("2026-03-28 12:00", "24h", "2026-03-29 11:00"),
        ("2026-03-29 00:00", "23wh", "2026-03-29 22:00"),
        ("2026-10-24 12:00", "1d,no_roll", "2026-10-25 23:00"),
        ("2026-10-24 12:00", "24h", "2026-10-25 10:00"),
        ("2026-10-25 00:00", "25wh", "2026-10-25 23:00"),
    ],
)
def test_a_day_of_23_or_25_hours_is_a_day(started, budget, due):
    berlin = Calendar(BERLIN, ((0, 24 * 60),), EVERY_DAY)
    assert berlin.add(local(started, BERLIN), Budget.parse(budget)) == utc(due)
    assert berlin.add(local(started, BERLIN).astimezone(BERLIN), Budget.parse(budget)) == utc(due)


def test_a_pause_over_a_day_of_23_hours_holds_it_whole():
    berlin = Calendar(BERLIN, OFFICE)
    pause = (local("2026-03-29 00:00", BERLIN), local("2026-03-30 00:00", BERLIN))
    due = berlin.due(local("2026-03-27 12:00", BERLIN), Budget.parse("7d"), [pause])
    assert pause[1] - pause[0] == timedelta(hours=23)
    # 4 April is a Saturday.
    assert due == local("2026-04-06 24:00", BERLIN)
    assert berlin.due(local("2026-03-27 12:00", BERLIN), Budget.parse("7d,no_roll"), [pause]) == utc("2026-04-04 22:00")


def test_a_range_begins_with_the_skip_of_its_beginning():
    berlin = Calendar(BERLIN, ((2 * 60 + 30, 4 * 60),), EVERY_DAY)
    midnight = local("2026-03-29 00:00", BERLIN)
    assert berlin.add(midnight, Budget.parse("30m")) == utc("2026-03-28 23:30")
    assert berlin.add(midnight, Budget.parse("1wh")) == utc("2026-03-29 02:00")
    assert berlin.between(midnight, utc("2026-03-29 01:15"), Unit.WORKING_HOURS) == timedelta(minutes=15)


def test_a_range_ends_when_the_clock_shows_its_end_for_the_first_time():
    berlin = Calendar(BERLIN, ((60, 2 * 60 + 30),), EVERY_DAY)
    midnight = local("2026-10-25 00:00", BERLIN)
    assert berlin.between(midnight, utc("2026-10-25 12:00"), Unit.WORKING_HOURS) == timedelta(minutes=90)
    assert berlin.add(midnight, Budget.parse("0d,until_close")) == utc("2026-10-25 00:30")


def test_a_day_whose_midnight_is_skipped_begins_with_the_skip():
    havana = Calendar(HAVANA, OFFICE, EVERY_DAY)
    # On 8 March 2026 the clock goes from 0:00 to 1:00, five hours behind UTC until then.
    assert havana.start_of(date(2026, 3, 8)) == utc("2026-03-08 05:00")
    assert havana.day_of(utc("2026-03-08 04:59")) == date(2026, 3, 7)
    assert havana.add(utc("2026-03-06 15:00"), Budget.parse("1d")) == utc("2026-03-08 05:00")


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("30m", Budget(30, Unit.MINUTES)),
        ("2h", Budget(2, Unit.HOURS)),
        ("16wh", Budget(16, Unit.WORKING_HOURS)),
        ("7d", Budget(7, Unit.DAYS)),
        ("7d,from_start", Budget(7, Unit.DAYS, exclude_start_day=False)),
        ("7d,no_roll", Budget(7, Unit.DAYS, roll_forward=False)),
        ("5wd,until_close", Budget(5, Unit.WORKING_DAYS, until_close=True)),
        ("0d,from_start,no_roll,until_close", Budget(0, Unit.DAYS, False, False, True)),
    ],
)
def test_a_budget_is_read_as_it_is_written(text, budget):
    assert Budget.parse(text) == budget
    assert str(budget) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "an amount and one of"), ("7", "an amount and one of"), ("d", "an amount and one of"),
        ("-1d", "an amount and one of"), ("7 d", "an amount and one of"), ("1.5h", "an amount and one of"),
        ("7w", "an amount and one of"), ("٧d", "an amount and one of"), ("7d\n", "an amount and one of"),
        ("7d,", "none of the options"), ("7d,rolled", "none of the options from_start, no_roll, until_close"),
        ("24h,no_roll", "only a budget of days takes no_roll"), ("2wh,until_close", "only a budget of days"),
    ],
)  # fmt: skip
def test_a_budget_that_cannot_be_read_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        Budget.parse(text)


def test_less_than_nothing_is_no_budget():
    with pytest.raises(ValueError, match="less than nothing"):
        Budget(-1, Unit.DAYS)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("30m", "45m", "75m"),
        ("2h", "24h", "26h"),
        ("2h", "30m", "150m"),
        ("4wh", "4wh", "8wh"),
        ("7d", "15d", "22d"),
        ("7d,no_roll", "1d,no_roll", "8d,no_roll"),
        ("5wd,until_close", "1wd,until_close", "6wd,until_close"),
        ("24h", "7d", "192h"),
        ("30m", "1d", "1470m"),
    ],
)
def test_two_budgets_of_a_kind_are_one(one, other, both):
    assert Budget.parse(one).plus(Budget.parse(other)) == Budget.parse(both)
    assert Budget.parse(other).plus(Budget.parse(one)) == Budget.parse(both)


@pytest.mark.parametrize(
    ("one", "other"),
    [("4wh", "4h"), ("5wd", "5d"), ("5wd", "24h"), ("4wh", "1wd"), ("4wh", "1d"), ("7d", "7d,no_roll")],
)
def test_two_budgets_of_different_kinds_have_no_sum(one, other):
    for first, second in ((one, other), (other, one)):
        with pytest.raises(ValueError, match="no sum"):
            Budget.parse(first).plus(Budget.parse(second))


def test_a_budget_of_days_is_extended_by_days_of_its_own():
    assert Budget.parse("7d,no_roll").extended(5) == Budget.parse("12d,no_roll")
    assert Budget.parse("5wd").extended(15) == Budget.parse("20wd")
    for text in ("24h", "90m", "4wh"):
        with pytest.raises(ValueError, match="only a budget of days"):
            Budget.parse(text).extended(1)


@pytest.mark.parametrize(
    "ranges",
    [(), ((60, 60),), ((120, 60),), ((-1, 60),), ((60, 1441),), ((60, 120), (119, 180)), ((180, 240), (60, 120))],
)
def test_ranges_that_are_no_parts_of_a_day_in_order_are_refused(ranges):
    with pytest.raises(ValueError, match="range"):
        Calendar(BEIJING, ranges)


def test_a_day_cannot_be_closed_and_opened():
    day = date(2026, 2, 14)
    with pytest.raises(ValueError, match="2026-02-14 is both"):
        Calendar(BEIJING, OFFICE, closed=frozenset({day}), opened=frozenset({day}))


def test_a_search_for_a_working_day_gives_up_after_a_year():
    start = local("2026-03-02 10:00")
    never = Calendar(BEIJING, OFFICE, weekdays=frozenset())
    for text in ("1d", "1wd", "0wd", "1wh"):
        with pytest.raises(ValueError, match="no working day within 366 days"):
            never.add(start, Budget.parse(text))
    assert never.add(start, Budget.parse("1d,no_roll")) == local("2026-03-03 24:00")
    assert never.between(start, local("2026-04-02 10:00"), Unit.WORKING_HOURS) == timedelta()
    once = Calendar(BEIJING, OFFICE, weekdays=frozenset(), opened=frozenset({date(2027, 3, 4)}))
    assert once.add(start, Budget.parse("1wd")) == local("2027-03-04 24:00")


@pytest.mark.parametrize("text", ["1h", "1wh", "1d", "1wd", "7d,no_roll"])
def test_the_end_of_the_calendar_is_an_error(text):
    with pytest.raises(OverflowError):
        CHINA.add(datetime.max.replace(tzinfo=UTC), Budget.parse(text))


def test_the_beginning_of_the_calendar_is_an_error():
    with pytest.raises(OverflowError):
        Calendar(HAVANA, OFFICE).add(datetime.min.replace(tzinfo=UTC), Budget.parse("1d"))


ZONES = st.sampled_from((BEIJING, BERLIN, HAVANA))
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@st.composite
def calendars(draw) -> Calendar:
    ends = sorted(draw(st.sets(st.integers(0, 1440), min_size=2, max_size=6)))
    year = st.dates(date(2026, 1, 1), date(2027, 3, 31))
    closed = draw(st.frozensets(year, max_size=20))
    return Calendar(
        draw(ZONES),
        tuple(zip(ends[::2], ends[1::2], strict=False)),
        draw(st.frozensets(st.integers(0, 6), min_size=1)),
        closed,
        draw(st.frozensets(year, max_size=20)) - closed,
    )


@given(calendars(), MOMENTS, st.integers(0, 60), st.sampled_from((Unit.MINUTES, Unit.HOURS, Unit.WORKING_HOURS)))
def test_the_time_up_to_a_deadline_is_the_budget(calendar, start, amount, unit):
    minutes = amount if unit == Unit.MINUTES else 60 * amount
    due = calendar.add(start, Budget(amount, unit))
    assert calendar.between(start, due, unit) == timedelta(minutes=minutes)


@given(calendars(), st.lists(MOMENTS, min_size=3, max_size=3))
def test_working_time_adds_up(calendar, moments):
    a, b, c = sorted(moments)
    first, second, both = (calendar.between(one, other, Unit.WORKING_HOURS) for one, other in ((a, b), (b, c), (a, c)))
    assert first + second == both


def test_a_second_reckoning_comes_to_the_same():
    assert calendar_oracle.run(1500, seed=2026) == 0


class WithoutMakeUpDays(Calendar):
    def is_working(self, day):
        return day.weekday() in self.weekdays and day not in self.closed


class WithoutSummerTime(Calendar):
    def start_of(self, day):
        return super().start_of(date(2026, 1, 1)) + (day - date(2026, 1, 1))


class WithPausesOfDaysByTheHour(Calendar):
    def due(self, started, budget, pauses=()):
        return super().due(started, budget) + sum((until - since for since, until in pauses), timedelta())


@pytest.mark.parametrize("wrong", [WithoutMakeUpDays, WithoutSummerTime, WithPausesOfDaysByTheHour])
def test_the_second_reckoning_finds_a_wrong_calendar(wrong, capsys):
    assert calendar_oracle.run(300, seed=2026, kind=wrong) > 0
    assert "expected 2026-" in capsys.readouterr().out
