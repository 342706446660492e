"""The moment at which a run of the engine takes place: PostgreSQL's own, unless a simulation says otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.db import connection

_virtual: ContextVar[datetime | None] = ContextVar("virtual_moment", default=None)


def virtual() -> datetime | None:
    """The moment that a simulation has set; None where time is real."""
    return _virtual.get()


def now() -> datetime:
    """The moment that a simulation has set, else PostgreSQL's, which is that of the transaction."""
    moment = virtual()
    if moment is None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT now()")
            moment = cursor.fetchone()[0]
    return moment


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let everybody who is loaded inside act at `moment`, an aware time."""
    token = _virtual.set(moment)
    try:
        yield
    finally:
        _virtual.reset(token)
