"""People whom a test seats in an organisation of the demo street, or lets live there."""

from datetime import date
from typing import Any

from django.utils import timezone

from community.models import Compound, Membership, Organisation, Person, Residency


def seat(person: Person, body: Organisation | str, role: str = "worker", **columns: Any) -> Membership:
    """Let a person sit in an organisation, which may be named by its code; since long ago unless told otherwise."""
    if isinstance(body, str):
        body = Organisation.objects.get(code=body)
    given = {"street": body.street, "organisation": body, "role": role, "starts_on": "2018-01-01"}
    return Membership.objects.create(person=person, **given | columns)


def residents(number: int) -> list[Person]:
    """So many owners who live in the first of the demo compounds."""
    home = Compound.objects.get(name="学院路14号院")
    people = Person.objects.bulk_create(
        Person(phone=f"197{one:08}", name=f"住户{one}", password="!") for one in range(number)
    )
    Residency.objects.bulk_create(
        Residency(
            street=home.street, compound=home, person=one, relation="owner", starts_on=date(2020, 1, 1),
            confirmed_through="street", confirmed_at=timezone.now(),
        )
        for one in people
    )  # fmt: skip
    return people
