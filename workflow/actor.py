"""Who acts: a person with the memberships that are live now, or the clock."""

import uuid
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Seat:
    """One live membership: the organisation, what kind it is, and the role held there."""

    organisation_id: uuid.UUID
    kind: str
    function: str
    role: str
    street_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who performs a move, as of `at`; loaded once per request, compared in memory.

    `compounds` are where the person has a confirmed home today.

    `on_behalf` names the party that the street stands in for (代办), or is empty.
    """

    person_id: uuid.UUID | None
    at: datetime
    seats: tuple[Seat, ...] = ()
    compounds: frozenset[uuid.UUID] = frozenset()
    clock: bool = False
    on_behalf: str = ""

    @classmethod
    def the_clock(cls, at: datetime) -> "Actor":
        """The clock, which acts when a deadline runs out."""
        return cls(person_id=None, at=at, clock=True)
