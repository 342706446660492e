"""Counting in PostgreSQL under a lock, so that a limit at the door holds exactly however many come at once."""

from django.db import connection

from web.addresses import UNKNOWN_SHARE

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


def for_address(address: str, most: int) -> int:
    """`most` for an address; all unknown ones share one limit, which is more generous."""
    return most if address else most * UNKNOWN_SHARE
