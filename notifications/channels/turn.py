"""The order in which a process serves the streets of a channel."""

import itertools
import uuid

CALM_EVERY = 8
"""Every n-th claim takes a delivery that is not urgent first."""
_START = uuid.UUID(int=0)


class Turn:
    """Which street is next in a channel, and when a delivery that is not urgent is next. Each process has its own.

    It is kept in memory, so no row is written for it. Any number of threads may use it at once.
    """

    def __init__(self) -> None:
        self._claims = itertools.count(1)
        self._after = {True: _START, False: _START}

    def next(self) -> dict[str, object]:
        """The parameters of IN_TURN for one claim."""
        urgent = next(self._claims) % CALM_EVERY != 0
        return {"start": _START, "urgent": urgent, "after": self._after[urgent], "else_after": self._after[not urgent]}

    def taken(self, street: uuid.UUID, *, urgent: bool) -> None:
        """Continue after the street whose delivery was taken."""
        self._after[urgent] = street
