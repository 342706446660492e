"""The public face of a ticket as it is shown: with a title in the reader's language, also where the words are hidden."""

import uuid
from typing import Any, Protocol

from tickets import catalogue
from tickets.face import HasFace, face_text, face_title
from tickets.models import Ticket
from tickets.titles import spoken


class HasPlace(HasFace, Protocol):
    """A ticket's columns that make a title where there is none."""

    @property
    def category_id(self) -> uuid.UUID: ...
    @property
    def place(self) -> str: ...


def shown_title(ticket: HasPlace) -> str:
    """The title as neighbours read it; that of matter and place where the words are hidden."""
    if title := face_title(ticket):
        return spoken(title)
    return f"{catalogue.leaf_by_id(ticket.category_id).name} · {ticket.place}"


def face(ticket: Ticket) -> dict[str, Any]:
    """Title and text as neighbours read them."""
    return {"title": shown_title(ticket), "text": face_text(ticket), "hidden": bool(ticket.words_hidden)}


def forecast(ticket: Ticket) -> dict[str, Any]:
    """What neighbours would read of a ticket that is not filed yet."""
    return {"public": ticket.has_public_face, **face(ticket)}
