"""Limits that are counted in PostgreSQL under a lock, so that they hold exactly, however many requests come at once."""

from django.db import connection

from web.addresses import UNKNOWN_SHARE

# Two families of advisory locks; a transaction takes the address's before the phone's.
_ADDRESS_LOCK, _PHONE_LOCK = 7001, 7002


def hold(phone: str, address: str | None = None) -> None:
    """Lock counting for `phone`, and for `address` where it is given, until the caller's transaction ends.

    Count in a later statement than this one, because this one may have waited for the lock.
    """
    with connection.cursor() as cursor:
        if address is not None:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_ADDRESS_LOCK, address])
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_PHONE_LOCK, phone])


def for_address(address: str, most: int) -> int:
    """The limit for an address. All unknown addresses share a higher limit."""
    return most if address else most * UNKNOWN_SHARE
