"""When a message may leave the house, to the minute: quiet hours, digests, and what a failed delivery waits."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from notifications.timing import after_quiet, held_until, quiet_hours, wait
from notifications.topics import Digest

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(hour, minute=0, second=0, *, day=10, microsecond=0):
    """A moment of that day in Shanghai, written in UTC as the database gives it."""
    return datetime(2026, 3, day, hour, minute, second, microsecond, SHANGHAI).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "quiet"),
    [
        (at(21, 59, 59), None),
        (at(22), (at(22), at(7, day=11))),
        (at(23, 30), (at(22), at(7, day=11))),
        (at(0), (at(22, day=9), at(7))),
        (at(6, 59, 59), (at(22, day=9), at(7))),
        (at(7), None),
    ],
)
def test_a_night_begins_with_its_first_minute_and_is_over_with_its_last(now, quiet):
    assert quiet_hours(now, time(22), time(7)) == quiet
    assert after_quiet(now, time(22), time(7)) == (quiet[1] if quiet else now)


@pytest.mark.parametrize(
    ("now", "quiet"),
    [
        (at(12, 59, 59), None),
        (at(13), (at(13), at(15))),
        (at(14, 59, 59), (at(13), at(15))),
        (at(15), None),
    ],
)
def test_an_afternoon_is_over_on_the_same_day(now, quiet):
    assert quiet_hours(now, time(13), time(15)) == quiet


@pytest.mark.parametrize("now", [at(8, 59), at(9), at(9, 1), at(0)])
def test_equal_ends_are_never_quiet(now):
    assert quiet_hours(now, time(9), time(9)) is None


@pytest.mark.parametrize(
    ("digest", "now", "until"),
    [
        (Digest.NEVER, at(9, 59, 59), at(9, 59, 59)),
        (Digest.HOURLY, at(9, 59, 59, microsecond=7), at(10)),
        (Digest.HOURLY, at(10), at(11)),
        (Digest.HOURLY, at(23, 1), at(0, day=11)),
        (Digest.DAILY, at(8, 29, 59), at(8, 30)),
        (Digest.DAILY, at(8, 30), at(8, 30, day=11)),
        (Digest.DAILY, at(23), at(8, 30, day=11)),
        (Digest.AUTO, at(9, 59, 59), at(10, 9, 59)),
    ],
)
def test_what_is_held_is_gathered_at_the_next_full_hour_the_next_morning_or_ten_minutes_later(digest, now, until):
    assert held_until(now, digest) == until


def test_a_delivery_waits_a_fifth_more_or_less_than_it_should_and_not_after_the_last_failure():
    delays = [timedelta(minutes=1), timedelta(hours=1)]
    for failures, delay in enumerate(delays, start=1):
        waits = [wait(delays, failures) for _ in range(300)]
        assert delay * 0.8 <= min(waits) < delay * 0.9
        assert delay * 1.1 < max(waits) <= delay * 1.2
    assert wait(delays, 3) is None
