"""What the oversight wall shows, at a desk and on a screen: the columns of slips, where things press, and whether the clocks run."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from casework import lag
from community.models import Organisation
from console.polling import digest
from console.turns import WhoseTurn, of_ticket
from tickets.models import Ticket
from tickets.reading import wall
from tickets.reading.wall import NAMES, MostUrgent, Pressed
from tickets.states import State
from web.paging import PageRequest
from web.words import Words, bilingual
from workflow.actor import Actor
from workflow.moves import moves

BEHIND = 15.0
"""Seconds by which the clocks may be behind before the wall says so; there is a sweep every second."""
_ON_OWN_TURN = {
    "street": (State.SUBMITTED, State.RETURNING),
    "area": (State.COORDINATING,),
    "community": (),
}
"""In which states it is the turn of those who watch over tickets of each scope."""
LOOKS: Mapping[str, tuple[str, Words, Words]] = {
    "late": ("late", bilingual("已超时", "Late"), bilingual("没有超时的工单。", "Nothing is late.")),
    "soon": (
        "soon",
        bilingual("2 小时内到期", "Due in 2 hours"),
        bilingual("2 小时内没有到期的。", "Nothing is due in 2 hours."),
    ),
    "today": (
        "calm",
        bilingual("今天稍后到期", "Due later today"),
        bilingual("今天没有别的到期。", "Nothing else is due today."),
    ),
}
"""The columns: how they look, what they are called, and what they say when they are empty."""
_CHANGING = frozenset({"clock", "clocks", "overdue", "remaining_seconds", "overdue_seconds"})
"""What follows from the other columns of a row and the time."""


@dataclass(frozen=True, slots=True)
class Slip:
    """A ticket on the wall. `hushed`: a screen that strangers pass shows its category in the place of its title."""

    ticket: Mapping[str, Any]
    turn: WhoseTurn
    phone: str
    moves: Collection[str] = ()
    hushed: bool = False


@dataclass(frozen=True, slots=True)
class WallColumn:
    """How many tickets are late, or due within a span, and the first of them."""

    name: str
    level: str
    label: Words
    nothing: Words
    count: int
    slips: Sequence[Slip]

    @property
    def more(self) -> int:
        """How many it does not show."""
        return self.count - len(self.slips)


@dataclass(frozen=True, slots=True)
class PressedCommunity:
    """A community, or what lies in none, with the compounds where something presses."""

    community: uuid.UUID | None
    name: str
    places: Sequence[Pressed]

    @property
    def late(self) -> int:
        """How many tickets are late there."""
        return sum(one.late for one in self.places)

    @property
    def soon(self) -> int:
        """How many are due there within two hours."""
        return sum(one.soon for one in self.places)

    @property
    def today(self) -> int:
        """How many are due there later today."""
        return sum(one.today for one in self.places)

    @property
    def level(self) -> str:
        """How pressing it is."""
        return "late" if self.late else "soon" if self.soon else "calm"


@dataclass(frozen=True, slots=True)
class Board:
    """The wall of one reader at one moment."""

    scope: str
    columns: Sequence[WallColumn]
    grounds: Sequence[PressedCommunity]
    supervised: int
    behind: float | None

    @classmethod
    def of(cls, actor: Actor, each: int, *, phones: bool = True, hushing: bool = False) -> Self:
        """The wall as the actor may see it, with `each` slips a column at most; six statements, seven with `phones` and `hushing`."""
        scope = wall.watched(actor)
        assert scope is not None
        places = wall.pressed(scope, actor)
        rows = _first(scope, actor, each)
        found = [one for several in rows.values() for one in several]
        numbers = _phones(one["holder"] for one in found) if phones else {}
        hushed = wall.not_for_a_wall(one["id"] for one in found) if hushing else set()
        return cls(
            scope,
            [
                WallColumn(
                    name,
                    *LOOKS[name],
                    # Asked for one after the other, they may tell of different moments.
                    max(sum(getattr(one, name) for one in places), len(rows[name])),
                    [
                        Slip(
                            one,
                            of_watched(scope, one),
                            numbers.get(one["holder"], ""),
                            _moves(one) if scope == "street" else (),
                            one["id"] in hushed,
                        )
                        for one in rows[name]
                    ],
                )
                for name in NAMES
            ],
            _grounds(places),
            wall.supervised(scope, actor),
            _behind(),
        )

    @property
    def stands_still(self) -> bool:
        """Whether nobody watches the clocks, so that what the wall says may be wrong."""
        return self.behind is None or self.behind > BEHIND

    def fingerprint(self) -> str:
        """Changes with everything that the wall shows, but for what the browser counts by itself."""
        told = [
            (one.count, [(slip.phone, slip.hushed, lasting(slip.ticket)) for slip in one.slips]) for one in self.columns
        ]
        known = (told, self.grounds, self.supervised, self.stands_still and self.behind)
        return digest(known)


def _first(scope: str, actor: Actor, each: int) -> dict[str, list[dict[str, Any]]]:
    """The most urgent tickets of each span. One statement."""
    ends = wall.moments(actor.at)
    query = MostUrgent(scope=scope, status="open", moments=ends, each=each)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in NAMES}
    for row in query.read(actor, PageRequest(limit=each * len(NAMES))).rows:
        due: Any = row["next_due_at"]
        found[next(name for name, end in zip(NAMES, ends, strict=True) if due <= end)].append(row)
    return found


def _moves(ticket: Mapping[str, Any]) -> set[str]:
    """Which moves of oversight the ticket's state lets the street make."""
    return {name for name in ("supervise", "raise_level", "whistle") if ticket["state"] in moves(Ticket)[name].sources}


def of_watched(scope: str, ticket: Mapping[str, Any]) -> WhoseTurn:
    """Whose turn it is with a ticket, for those who watch over it."""
    return of_ticket(ticket["state"], asked=bool(ticket["question_open"]), acts=_ON_OWN_TURN[scope])


def _phones(holders: Iterable[uuid.UUID | None]) -> dict[uuid.UUID | None, str]:
    """The duty phones of organisations. One statement."""
    wanted = {one for one in holders if one}
    return dict(Organisation.objects.filter(pk__in=wanted).exclude(phone="").values_list("pk", "phone"))


def _grounds(places: Sequence[Pressed]) -> list[PressedCommunity]:
    """The places by their communities, the worst first."""
    found: dict[uuid.UUID | None, list[Pressed]] = {}
    for one in places:
        found.setdefault(one.community, []).append(one)
    grounds = [PressedCommunity(key, several[0].community_name, several) for key, several in found.items()]
    return sorted(grounds, key=lambda one: (-one.late, -one.soon, -one.today, one.name))


def _behind() -> float | None:
    """By how many seconds the clocks are behind; None where nobody has ever watched them. Two statements."""
    swept = lag.sweep_age()
    return None if swept is None else max(swept, lag.oldest_due() or 0.0)


def lasting(ticket: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What a row says, but for what the browser counts by itself."""
    return [(name, value) for name, value in ticket.items() if name not in _CHANGING]
