"""What the page of a ticket shows beside the panel: its course in time, what neighbours see, who saw the contact."""

from collections.abc import Mapping, Sequence
from typing import Any

from console.axis import axis
from tickets.access import Relation
from tickets.models import Ticket, TicketEvent
from tickets.models.ticket import move_label
from tickets.reading.course import course
from tickets.reading.timeline import words_shown
from workflow.actor import Actor
from workflow.moves import Visibility


def shown(ticket: Ticket, panel: Mapping[str, Any], actor: Actor, *, drawn: bool) -> dict[str, Any]:
    """What it shows, made of the panel's document and events. Where the course is `drawn`, one statement."""
    document, events = panel["ticket"], panel["events"]
    names = {one["organisation"]["id"]: one["organisation"]["name"] for one in document["assignments"] or ()}
    for key, name in (("holder", "holder_name"), ("coordinator", "coordinator_name")):
        if document[key]:
            names[document[key]] = document[name]
    if document["on_account"] and document["on_account"]["owner"]:
        owner = document["on_account"]["owner"]
        names[owner["id"]] = owner["name"]
    found = course(ticket, actor, events, names) if drawn else None
    street = Relation.STREET in document["relations"]
    return {
        "axis": axis(found, actor.at) if found and found.stretches else None,
        "face": _face(ticket, document, events),
        "redacts": any(one.name == "redact" for one in panel["others"]),
        "reveals": [one for one in panel["history"] if one["verb"] == "reveal"] if street else [],
        "street": street,
    }


def _face(ticket: Ticket, document: Mapping[str, Any], events: Sequence[TicketEvent]) -> dict[str, Any] | None:
    """What neighbours read: title, text and steps. None without a public face, and for readers who are no staff."""
    if not document["face"]:
        return None
    neighbour = frozenset({Relation.NEIGHBOUR})
    steps = [
        {
            "label": move_label(one.verb),
            "at": one.at,
            "said": [text for text in words_shown(one, ticket, neighbour).values() if text],
        }
        for one in events
        if one.visibility == Visibility.PUBLIC and one.verb != "submit"
    ]
    return {**document["face"], "steps": steps}
