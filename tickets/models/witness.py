"""Checks of a ticket's columns and of the rows beside it against its events, for the audit."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tickets.models.follower import Follower
from tickets.models.parts import TicketParts
from tickets.models.photo import Photo
from tickets.states import AssignmentRole
from web.words import Words, bilingual
from workflow.audit import UNKNOWN, lone_seal, sum_of_rows
from workflow.models import Event, Witness
from workflow.verification import left_a_seal

type FoldedFacts = dict[str, Any]


def witnesses[T: TicketParts](tickets: Sequence[T]) -> Witness[T]:
    """Says of each of these tickets, whose assignments have been gathered, what is not as its events and its row say."""
    keys = [one.pk for one in tickets]
    followers = _by_ticket(Follower.objects.filter(ticket__in=keys))
    photos = _by_ticket(Photo.objects.filter(ticket__in=keys))

    def witness(ticket: T, events: Sequence[Event]) -> Words | None:
        if bytes(ticket.followers_seal) not in (UNKNOWN, sum_of_rows(b"", added=followers.get(ticket.pk, []))):
            return bilingual("附议人与当时不符", "its followers are not as they were left")
        return _photo_flaw(events, photos.get(ticket.pk, [])) or _column_flaw(ticket, events)

    return witness


def _by_ticket[R: (Follower, Photo)](rows: Iterable[R]) -> dict[uuid.UUID | None, list[R]]:
    found: dict[uuid.UUID | None, list[R]] = {}
    for row in rows:
        found.setdefault(row.ticket_id, []).append(row)
    return found


def _photo_flaw(events: Sequence[Event], photos: Sequence[Photo]) -> Words | None:
    there = {(one.event_seq, str(one.pk)) for one in photos}
    told = {(event.seq, pk) for event in events for pk in event.data.get("photos") or ()}
    if there != told:
        return bilingual("照片不是事件所列的照片", "its photos are not those that its events name")
    for one in photos:
        # Photos that were attached before there were seals have none.
        if bytes(one.seal) != lone_seal(one) and (one.seal or left_a_seal(events, one.event_seq or 1)):
            return bilingual(f"照片 {one.pk} 与附上时不符", f"the photo {one.pk} is not as it was attached")
    return None


def _column_flaw(ticket: TicketParts, events: Sequence[Event]) -> Words | None:
    said = folded(events)
    leads = (one.organisation_id for one in ticket.assignments if one.open and one.role == AssignmentRole.LEAD)
    said["holder_id"] = next(leads, None)
    return next(
        (
            bilingual(
                f"{name} 为 {getattr(ticket, name)!r}，而历史为 {value!r}",
                f"its {name} is {getattr(ticket, name)!r}, its history says {value!r}",
            )
            for name, value in said.items()
            if getattr(ticket, name) != value
        ),
        None,
    )


def folded(events: Sequence[Event]) -> FoldedFacts:
    """The columns that follow from the events alone, as they should be."""
    said: FoldedFacts = {
        "resolved": None,
        "rating": None,
        "rated_on_behalf": False,
        "disputes": 0,
        "urges": 0,
        "last_urged_at": None,
        "reopenings": 0,
        "called_back_at": None,
        "filed_out_of_id": None,
        "filed_others": [],
    }
    for event in events:
        if change := _CHANGES.get(event.verb):
            said |= change(said, event)
    return said


_CHANGES: Mapping[str, Callable[[FoldedFacts, Event], FoldedFacts]] = {
    "submit": lambda said, event: {"filed_out_of_id": uuid.UUID(one) if (one := event.data.get("out_of")) else None},
    "file_another": lambda said, event: {"filed_others": [*said["filed_others"], uuid.UUID(event.data["another"])]},
    "confirm": lambda said, event: {
        "resolved": event.data["resolved"],
        "rating": event.data["rating"],
        "rated_on_behalf": bool(event.on_behalf),
    },
    "reopen": lambda said, event: {
        "resolved": None,
        "rating": None,
        "rated_on_behalf": False,
        "reopenings": said["reopenings"] + 1,
    },
    "dispute": lambda said, event: {"disputes": said["disputes"] + 1},
    "urge": lambda said, event: {"urges": said["urges"] + 1, "last_urged_at": event.at},
    "callback": lambda said, event: {"called_back_at": event.at},
}
