"""The public face of a ticket: what neighbours read of it."""

from typing import Any

from tickets import catalogue
from tickets.models import Ticket
from tickets.redaction import redacted
from tickets.titles import spoken


def face(ticket: Ticket) -> dict[str, Any]:
    """Title and text as neighbours read them."""
    title, text = ticket.face
    leaf = catalogue.leaf_by_id(ticket.category_id)
    return {
        "title": spoken(title) if title else f"{leaf.name} · {ticket.place}",
        "text": text,
        "hidden": bool(ticket.words_hidden),
    }


def spot(ticket: Ticket) -> str | None:
    """The spot as neighbours read it; None where the words are hidden."""
    return None if ticket.words_hidden else redacted(ticket.spot)


def forecast(ticket: Ticket) -> dict[str, Any]:
    """What neighbours would read of a ticket that is not filed yet."""
    return {"public": ticket.has_public_face, **face(ticket)}
