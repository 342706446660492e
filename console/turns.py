"""Whose turn it is with a ticket, from the reader's chair: it decides how the chip of its state is filled."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from tickets.reading.filters import WORKED_ON
from tickets.states import ENDED, State

S = State
ICONS: Mapping[str, str] = {
    S.SUBMITTED: "circle-dashed",
    S.COORDINATING: "users-group",
    S.DISPATCHED: "inbox",
    S.IN_PROGRESS: "circle-half-2",
    S.RETURNING: "arrow-back-up",
    S.REPLIED: "message-circle-question",
    S.ON_ACCOUNT: "bookmark",
    S.CLOSED: "circle-check",
    S.REJECTED: "ban",
    S.MERGED: "git-merge",
    S.WITHDRAWN: "arrow-back",
    S.TERMINATED: "square-x",
}
"""The shape of each state."""


class WhoseTurn(StrEnum):
    """Who has to do something now."""

    MINE = "mine"
    OTHER = "other"
    RESIDENT = "resident"
    PARKED = "parked"
    ENDED = "ended"


def of_ticket(state: str, *, asked: bool, acts: Collection[str]) -> WhoseTurn:
    """Whose turn it is in `state`, for a reader who acts in the states `acts`; `asked` while the resident has a question to answer."""
    if state in ENDED:
        return WhoseTurn.ENDED
    if state in acts:
        return WhoseTurn.RESIDENT if asked else WhoseTurn.MINE
    if state == S.ON_ACCOUNT:
        return WhoseTurn.PARKED
    return WhoseTurn.RESIDENT if state == S.REPLIED else WhoseTurn.OTHER


def of_part(part: Mapping[str, Any]) -> WhoseTurn:
    """Whose turn it is with a row of the queue."""
    ticket = part["ticket"]
    return of_ticket(ticket["state"], asked=bool(ticket["question_open"]), acts=WORKED_ON)
