"""Limits of "so many within so long", counted in PostgreSQL: shared by all limits on codes."""

from collections.abc import Sequence
from datetime import datetime, timedelta

type Quotas = tuple[tuple[int, timedelta], ...]
"""At most so many within so long, each of them."""

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class TooOften(Exception):
    """It was done as often as allowed; `wait` is in seconds. Each kind has its `code` and its `reason`."""

    def __init__(self, wait: float):
        super().__init__(wait)
        self.wait = wait


def wait(at: datetime, past: Sequence[datetime], limits: Quotas) -> timedelta:
    """How long from `at` until every quota allows one more use. `past` lists the earlier uses, newest first."""
    return max((past[most - 1] + window - at for most, window in limits if len(past) >= most), default=timedelta(0))
