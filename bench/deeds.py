"""What people of the demo street do in a measurement: they file and move tickets through the engine, each in a transaction of its own."""

import uuid
from collections.abc import Iterable

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from casework.acting import make_move
from community.actors import by_person
from community.models import Compound, Person
from tickets.filing import Report, submit
from tickets.kind import TICKETS
from tickets.models import Follower, FollowerKind, Ticket
from workflow.actor import Actor

HOME = "学院路14号院"


def file(person: Person, text: str, category: str) -> Ticket:
    """File a report from where the demo's residents live."""
    home = Compound.objects.get(name=HOME)
    report = Report(type="help", category=category, title=text[:20], text=text, compound_id=home.pk)
    with transaction.atomic():
        ticket, _ = submit(report, by=_actor(person), person=person)
    return ticket


def neighbours(count: int) -> list[Person]:
    """So many people more, who only follow."""
    return Person.objects.bulk_create(
        Person(phone=f"1700000{number:04}", name="邻居", password=make_password(None)) for number in range(count)
    )


def cosign(ticket: Ticket, people: Iterable[Person]) -> None:
    """Let people follow a ticket from now on."""
    now = timezone.now()
    Follower.objects.bulk_create(
        Follower(street_id=ticket.street_id, ticket=ticket, person=one, kind=FollowerKind.COSIGNED, since=now)
        for one in people
    )


def move(person: Person, ticket: uuid.UUID, verb: str, inputs: dict[str, object]) -> None:
    """Make a move."""
    actor = _actor(person)
    with transaction.atomic():
        make_move(TICKETS, verb, ticket, by=actor, version=None, inputs=inputs)


def _actor(person: Person) -> Actor:
    caller = by_person(person.pk)
    assert caller is not None
    return caller.actor
