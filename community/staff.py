"""Who works with Linli: people with a seat today, and those who may enter the admin."""

from community.actors import by_person
from community.models import Person


def is_staff_member(person: Person) -> bool:
    """Whether the person has a seat today, or may enter the admin."""
    caller = by_person(person.pk)
    return caller is not None and bool(caller.actor.seats or caller.person.is_staff)


def staff_member_with(phone: str) -> Person | None:
    """The active member of staff with this phone."""
    person = Person.objects.filter(phone=phone, is_active=True).first()
    return person if person and is_staff_member(person) else None
