"""Who takes part in the month of tickets: the demo street's members, and residents who live there for it alone."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from django.contrib.auth.hashers import make_password
from django.db.models import Q

from community.actors import by_person
from community.models import Compound, Membership, Organisation, Person, Relation, Residency, Street
from community.serving import Party, Serving, who_serves
from workflow.actor import Actor

# Invented: every surname with every given name, as far as they are needed.
_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
_GIVEN = ("书禾", "以宁", "望舒", "知夏")
_MOVED_IN = date(2019, 3, 1)
# Every third compound has two residents of the month's own.
_EVERY, _EACH = 3, 2


def phone(number: int) -> str:
    """The phone of the month's resident with this number, from 0."""
    return f"1990000{3001 + number}"


FIRST_PHONE, LAST_PHONE = phone(0), phone(998)


def settle(street: Street) -> None:
    """Let the month's residents live in every third compound; those who do already stay."""
    compounds = list(Compound.objects.filter(street=street).order_by("code"))[::_EVERY]
    homes = {phone(number): compounds[number // _EACH] for number in range(len(compounds) * _EACH)}
    known = set(Person.objects.filter(phone__in=homes).values_list("phone", flat=True))
    names = [surname + given for given in _GIVEN for surname in _SURNAMES]
    people = Person.objects.bulk_create(
        [
            Person(phone=each, name=names[number % len(names)], password=make_password(None))
            for number, each in enumerate(homes)
            if each not in known
        ]
    )
    Residency.objects.bulk_create(
        [
            Residency(
                street=street,
                person=person,
                compound=homes[person.phone],
                relation=Relation.OWNER if number % 4 else Relation.TENANT,
                starts_on=_MOVED_IN,
            )
            for number, person in enumerate(people)
        ]
    )


@dataclass(slots=True)
class Crowd:
    """The street as the month needs it: residents by compound, members by organisation, and who serves each compound."""

    street: Street
    now: datetime
    compounds: Sequence[Compound]
    residents: Mapping[uuid.UUID, Sequence[Person]]
    members: Mapping[uuid.UUID, Sequence[tuple[uuid.UUID, str]]]
    people: Mapping[uuid.UUID, Person]
    functions: Mapping[str, uuid.UUID]
    _actors: dict[uuid.UUID, Actor] = field(default_factory=dict)
    _servings: dict[uuid.UUID, Serving] = field(default_factory=dict)

    @classmethod
    def gather(cls, street: Street, now: datetime) -> "Crowd":
        """Everybody on the street today, in an order that does not change."""
        residents: dict[uuid.UUID, list[Person]] = defaultdict(list)
        homes = Residency.objects.filter(street=street, ends_on=None, person__is_active=True)
        for home in homes.select_related("person").order_by("person__phone"):
            residents[home.compound_id].append(home.person)
        members: dict[uuid.UUID, list[tuple[uuid.UUID, str]]] = defaultdict(list)
        people = {person.pk: person for each in residents.values() for person in each}
        seats = Membership.objects.filter(
            Q(organisation__street=street) | Q(organisation__street=None), ends_on=None, person__is_active=True
        )
        for seat in seats.select_related("person").order_by("person__phone"):
            members[seat.organisation_id].append((seat.person_id, seat.role))
            people[seat.person_id] = seat.person
        bodies = Organisation.objects.filter(
            Q(street=street) | Q(street=None), kind__in=["street_office", "section", "department"], active=True
        )
        functions = {f"{kind}:{function}": pk for pk, kind, function in bodies.values_list("pk", "kind", "function")}
        compounds = Compound.objects.filter(street=street, pk__in=residents).order_by("code")
        return cls(street, now, list(compounds), residents, members, people, functions)

    def actor(self, person_id: uuid.UUID, at: datetime) -> Actor:
        """Somebody with the seats and homes of today, acting at `at`."""
        if person_id not in self._actors:
            caller = by_person(person_id)
            assert caller is not None
            self._actors[person_id] = caller.actor
        return replace(self._actors[person_id], at=at)

    def member(self, organisation_id: uuid.UUID, *roles: str) -> uuid.UUID:
        """A member of an organisation: the first in the first of these roles that is filled, else the first of all."""
        seats = self.members[organisation_id]
        return next((person for role in roles for person, held in seats if held == role), seats[0][0])

    def serving(self, compound: Compound) -> Serving:
        """Who serves a compound today."""
        if compound.pk not in self._servings:
            self._servings[compound.pk] = who_serves(compound_id=compound.pk)
        return self._servings[compound.pk]

    def provider(self, compound: Compound) -> uuid.UUID:
        """Whom work in a compound can be given to: its provider, that one's head office, else the street's task force."""
        serving = self.serving(compound)
        for service in serving.services:
            party: Party | None = service.provider if service.kind == "property" and not service.scope else None
            if party and not party.staffed:
                party = serving.parents.get(party.parent_id) if party.parent_id else None
            if party and party.staffed:
                return party.id
        return self.functions["section:property"]
