"""Who works with Linli: people with a seat today, and those who administer the server."""

import uuid
from typing import cast

from django.http import HttpRequest

from community.actors import Caller, by_person
from community.authentication import session_caller
from community.models import Person
from community.models.organisations import STREET_KINDS


def works(caller: Caller) -> bool:
    """Whether the person has a seat today, carried by their sign-in or not, or administers the server."""
    return bool(caller.actor.seats or caller.seats_withheld or caller.person.is_superuser)


def streets_of(request: HttpRequest) -> frozenset[uuid.UUID] | None:
    """The streets in whose office the caller sits today; None for a superuser, who has all. One statement a request."""
    if isinstance(request.user, Person) and request.user.is_superuser:
        return None
    if not hasattr(request, "_office_streets"):
        caller = session_caller(request)
        seats = caller.actor.seats if caller else ()
        streets = frozenset(seat.street_id for seat in seats if seat.kind in STREET_KINDS and seat.street_id)
        request._office_streets = streets  # type: ignore[attr-defined]
    return cast("frozenset[uuid.UUID]", request._office_streets)  # type: ignore[attr-defined]


def is_staff_member(person: Person) -> bool:
    """Whether the person works here."""
    caller = by_person(person.pk)
    return caller is not None and works(caller)


def staff_member_with(phone: str) -> Person | None:
    """The active member of staff with this phone."""
    person = Person.objects.filter(phone=phone, is_active=True).first()
    return person if person and is_staff_member(person) else None
