"""What proves a ticket's columns and the rows beside it against its events, for the audit."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tickets.states import AssignmentRole
from workflow.models import Event, Witness

type Folded = dict[str, Any]


def witnesses(tickets: Sequence[Any]) -> Witness:
    """Says of each of these tickets, whose assignments have been gathered, which column is not as its events say."""

    def witness(ticket: Any, events: Sequence[Event]) -> str | None:
        said = folded(events)
        said["holder_id"] = next(
            (one.organisation_id for one in ticket.assignments if one.open and one.role == AssignmentRole.LEAD), None
        )
        return next(
            (
                f"its {name} is {getattr(ticket, name)!r}, its history says {value!r}"
                for name, value in said.items()
                if getattr(ticket, name) != value
            ),
            None,
        )

    return witness


def folded(events: Sequence[Event]) -> Folded:
    """The columns that follow from the events alone, as they should be."""
    said: Folded = {
        "resolved": None,
        "rating": None,
        "rated_on_behalf": False,
        "disputes": 0,
        "urges": 0,
        "last_urged_at": None,
        "reopenings": 0,
        "called_back_at": None,
    }
    for event in events:
        if change := _CHANGES.get(event.verb):
            said |= change(said, event)
    return said


_CHANGES: Mapping[str, Callable[[Folded, Event], Folded]] = {
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
