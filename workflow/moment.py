"""The moment at which a run of the engine takes place: PostgreSQL's own, unless a simulation says otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

_virtual: ContextVar[datetime | None] = ContextVar("virtual_moment", default=None)


def virtual() -> datetime | None:
    """The moment that a simulation has set; None where time is real."""
    return _virtual.get()


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let everybody who is loaded inside act at `moment`, an aware time."""
    token = _virtual.set(moment)
    try:
        yield
    finally:
        _virtual.reset(token)
