"""The suite at other times: PostgreSQL and the tests share a clock that is some seconds from this machine's."""

import os
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

OFFSET = "LINLI_TEST_CLOCK"
"""The environment variable that says by how many seconds; tests/conftest.py moves the tests' own clock by as much."""
BEIJING = ZoneInfo("Asia/Shanghai")


def library() -> Path | None:
    """libfaketime of Debian's package `faketime`, which moves PostgreSQL's clock; None where it is not installed."""
    return next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def for_postgres() -> dict[str, str]:
    """What PostgreSQL's environment needs for the clock that is asked for; nothing where none is."""
    offset, found = os.environ.get(OFFSET), library()
    if not offset or found is None:
        return {}
    return {
        "LD_PRELOAD": str(found),
        "FAKETIME": f"{int(offset):+d}",
        # Files keep their true times, and what measures how long something takes its own clock.
        "NO_FAKE_STAT": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }


def moments(now: datetime) -> dict[str, timedelta]:
    """How far from `now` the next moments are at which tests are likeliest to go wrong, by their names."""
    here = now.astimezone(BEIJING)
    midnight = here.replace(hour=23, minute=50, second=0, microsecond=0)
    month_end = (midnight.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    leap = next(year for year in range(here.year + 1, here.year + 9) if year % 4 == 0 and year % 100 != 0)
    wanted = {
        "at night": here.replace(hour=3, minute=30) + timedelta(days=1),
        "at the end of a month": month_end,
        "on 31 December": midnight.replace(month=12, day=31),
        "on a leap day": midnight.replace(year=leap, month=2, day=29, hour=10),
    }
    return {name: moment - here for name, moment in wanted.items()}
