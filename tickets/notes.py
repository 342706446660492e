"""Whom every event of a ticket is told: what each move says of its news, and what ladders name."""

from collections.abc import Mapping, Sequence

from notifications.topics import Topic
from tickets.models import Ticket
from tickets.news import HELP, MISSED, NAMING, URGENT, Note, Side, to_whoever_acts
from workflow.moves import Move, moves


def _news_of(move: Move) -> tuple[Note, ...]:
    if move.news is None:
        raise TypeError(f"The move {move.name} does not say to whom it is news: `news=()` where it is to nobody.")
    return move.news


NEWS: Mapping[str, tuple[Note, ...]] = {
    "submit": (
        Note(Side.REPORTER, Topic.PROGRESS, "received.resident"),
        *to_whoever_acts(),
        *HELP,
        Note(Side.COMMITTEE, Topic.OVERSIGHT, "urgent.committee", URGENT),
    ),
    **{name: _news_of(move) for name, move in moves(Ticket).items()},
    "look_up": (),
    "recalendar": (),
}
"""The news of filing, of every move, and of the events that are no moves; the nearest side first: somebody who is several hears it
once, as the first."""


def notes(verb: str, audience: Sequence[str] = ()) -> tuple[Note, ...]:
    """Whom an event of `verb` is told; `audience` are the sides that its ladder names."""
    listed = NEWS[verb]
    if verb not in NAMING:
        return listed
    topic, kind = NAMING[verb]
    named = tuple(
        Note(
            Side(one),
            Topic.ASKED if one == Side.REPORTER else topic,
            f"{kind}.{'reporter' if one == Side.REPORTER else 'staff'}",
        )
        for one in audience
    )
    return named + tuple(note for note in listed if note.side not in audience)


def message_kinds() -> set[str]:
    """Every kind of message that there is."""
    found = {note.kind for listed in NEWS.values() for note in listed}
    for verb in NAMING:
        found |= {note.kind for note in notes(verb, ("handler", "reporter"))}
    return (found | {MISSED}) - {"raised.reporter", "supervised.reporter", "urged.reporter"}
