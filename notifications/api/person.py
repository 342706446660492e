"""Whose inbox it is."""

import uuid
from typing import Any

from rest_framework.request import Request

from notifications.models.message import Reader


def person_of(request: Request) -> uuid.UUID:
    """The caller's id. The views admit only callers who are signed in."""
    assert request.user is not None
    assert request.user.pk is not None
    return request.user.pk


def reader_of(request: Request) -> Reader:
    """The caller, with where they sit today."""
    caller: Any = request.auth
    seats = caller.actor.seats
    streets = frozenset(seat.street_id for seat in seats if seat.street_id)
    return Reader(person_of(request), streets, everywhere=any(seat.street_id is None for seat in seats))
