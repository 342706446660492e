"""The public face of a ticket: which words of it neighbours read, without what identifies people. Nobody else decides it.

What costs something is done for the part that is asked for alone: lists show many tickets.
"""

from typing import Protocol

from tickets.redaction import redacted


class HasFace(Protocol):
    """The columns from which the public face follows: the report's words, and those that the street wrote in their place."""

    @property
    def title(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def spot(self) -> str: ...
    @property
    def words_hidden(self) -> str: ...
    @property
    def public_title(self) -> str: ...
    @property
    def public_text(self) -> str: ...


def face_title(ticket: HasFace) -> str:
    """The title as neighbours read it; empty where the words are hidden."""
    return "" if ticket.words_hidden else redacted(ticket.public_title or ticket.title)


def face_text(ticket: HasFace) -> str | None:
    """The text as neighbours read it; None where the words are hidden."""
    return None if ticket.words_hidden else redacted(ticket.public_text or ticket.text)


def face_spot(ticket: HasFace) -> str | None:
    """The spot as neighbours read it; None where the words are hidden."""
    return None if ticket.words_hidden else redacted(ticket.spot)
