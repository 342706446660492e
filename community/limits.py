"""Counting in PostgreSQL under a lock, so that a limit at the door holds exactly however many come at once."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection

from web.addresses import UNKNOWN_SHARE

type Limits = tuple[tuple[int, timedelta], ...]
"""At most so many within so long, each of them."""

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

# Two families of advisory locks; a transaction takes the address's before the phone's.
_ADDRESS_LOCK, _PHONE_LOCK = 7001, 7002


def hold(phone: str, address: str | None = None) -> None:
    """Let nobody else count for `phone`, and for `address` where it is given, until the caller's transaction ends.

    What is counted must be read by a later statement: this one may have waited.
    """
    with connection.cursor() as cursor:
        if address is not None:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_ADDRESS_LOCK, address])
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_PHONE_LOCK, phone])


def wait(at: datetime, past: Sequence[datetime], limits: Limits) -> timedelta:
    """How long from `at` until each of `limits` lets one more through; `past` has the newest first."""
    return max((past[most - 1] + window - at for most, window in limits if len(past) >= most), default=timedelta(0))


def for_address(address: str, most: int) -> int:
    """`most` for an address; all unknown ones share one limit, which is more generous."""
    return most if address else most * UNKNOWN_SHARE
