"""Polls: a list that somebody looks at asks every 20 seconds whether it is still as shown, and is answered 304 while it is."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified

from community.actors import Caller
from tickets.reading.changes import latest_change

HEADER = "HX-PTag"


@dataclass(frozen=True, slots=True)
class Tag:
    """What a list was made of: who asked for which, the latest event of any ticket, and what the list itself holds.

    A list is the same where nothing at all has happened, or where nothing has happened to what it holds.
    """

    asked: str
    latest: str
    held: str

    def __str__(self) -> str:
        return f"{self.asked}:{self.latest}:{self.held}"

    @classmethod
    def read(cls, text: str) -> "Tag":
        """The tag that a browser sends back; one that no list has where it is none of ours."""
        parts = text.split(":")
        return cls(*parts) if len(parts) == 3 else cls("", "", "")


def tag_of(
    request: HttpRequest, reader: Caller | str, fingerprint: Callable[[], str], at: datetime | None = None
) -> Tag:
    """The tag of the list as it is now. `fingerprint` says what it holds; it is asked where anything has happened since the last poll.

    With `at`, the moment of the request, it is asked once a minute besides: for lists that change with time alone.
    """
    known, latest = Tag.read(request.headers.get(HEADER, "")), latest_change()
    if at is not None:
        latest = f"{latest}.{int(at.timestamp()) // 60}"
    asked = _asked(request, reader)
    held = known.held if (known.asked, known.latest) == (asked, latest) else fingerprint()
    return Tag(asked, latest, held)


def unchanged(request: HttpRequest, tag: Tag) -> HttpResponse | None:
    """304 where the browser shows the list as it is now, else None."""
    known = Tag.read(request.headers.get(HEADER, ""))
    if (known.asked, known.held) != (tag.asked, tag.held):
        return None
    return HttpResponseNotModified(headers={HEADER: str(tag)})


def digest(held: object) -> str:
    """A short text that differs where what is held does, which says the same of itself in every process."""
    return hashlib.sha256(repr(held).encode()).hexdigest()[:16]


def _asked(request: HttpRequest, reader: Caller | str) -> str:
    """Who asks for which list: the person with their seats and language, or the screen, and the address with its filters."""
    return digest((_named(reader), request.get_full_path()))


def _named(reader: Caller | str) -> object:
    if isinstance(reader, str):
        return reader
    seats = sorted((str(seat.organisation_id), seat.role) for seat in reader.actor.seats)
    return str(reader.person.pk), reader.person.language, seats
