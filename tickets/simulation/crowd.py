"""Who takes part: the street's members, and residents who live there for the simulation alone."""

import random
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from django.contrib.auth.hashers import make_password
from django.db.models import Q
from django.utils import timezone

from community.actors import by_person
from community.models import Compound, Confirmation, Membership, Organisation, Person, Residency, Street, Tenure
from community.models.organisations import CONTRACTORS
from community.receivers import local_day
from community.serving import Serving, ServingParty, who_serves
from tickets.routing import covers
from tickets.simulation.behaviour import COMPANIES, STREET, Worker
from workflow.actor import Actor

# Invented: every surname with every given name, as far as they are needed.
_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
_GIVEN = ("书禾", "以宁", "望舒", "知夏")
_MOVED_IN = date(2019, 3, 1)
_EACH = 2
"""Residents of the simulation's own in each compound."""


def phone(number: int) -> str:
    """The phone of the simulation's resident with this number, from 0."""
    return f"1990000{3001 + number}"


def settle(street: Street) -> None:
    """Let two residents of the simulation's own live in every compound; those who do already stay."""
    compounds = list(Compound.objects.filter(street=street).order_by("code"))
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
                relation=Tenure.OWNER if number % 4 else Tenure.TENANT,
                starts_on=_MOVED_IN,
                confirmed_through=Confirmation.RESIDENTS_COMMITTEE,
                confirmed_at=timezone.now(),
            )
            for number, person in enumerate(people)
        ]
    )


@dataclass(slots=True)
class Crowd:
    """The street as the simulation needs it: residents by compound, members by organisation, what kind each company is of.

    Who somebody is, and who serves a place, is asked once a day of the run.
    """

    street: Street
    compounds: Sequence[Compound]
    residents: Mapping[uuid.UUID, Sequence[Person]]
    members: Mapping[uuid.UUID, Sequence[tuple[uuid.UUID, str]]]
    people: Mapping[uuid.UUID, Person]
    functions: Mapping[str, uuid.UUID]
    kinds: Mapping[uuid.UUID, Worker]
    names: dict[str, str]
    _day: date | None = None
    _actors: dict[uuid.UUID, Actor] = field(default_factory=dict)
    _servings: dict[uuid.UUID, Serving] = field(default_factory=dict)

    @classmethod
    def gather(cls, street: Street, seed: int) -> "Crowd":
        """Everybody on the street, in an order that does not change; `seed` decides which company is of which kind."""
        residents: dict[uuid.UUID, list[Person]] = defaultdict(list)
        homes = Residency.objects.filter(street=street, ends_on=None, person__is_active=True)
        for home in homes.select_related("person").order_by("person__phone", "compound__code"):
            residents[home.compound_id].append(home.person)
        members: dict[uuid.UUID, list[tuple[uuid.UUID, str]]] = defaultdict(list)
        people = {person.pk: person for each in residents.values() for person in each}
        seats = Membership.objects.filter(
            Q(organisation__street=street) | Q(organisation__street=None), ends_on=None, person__is_active=True
        )
        for seat in seats.select_related("person").order_by("person__phone", "organisation__code"):
            members[seat.organisation_id].append((seat.person_id, seat.role))
            people[seat.person_id] = seat.person
        bodies = list(Organisation.objects.filter(Q(street=street) | Q(street=None), active=True).order_by("code"))
        compounds = list(Compound.objects.filter(street=street, pk__in=residents).order_by("code"))
        names = {str(street.pk): street.code}
        names |= {str(one.pk): one.code for one in bodies} | {str(one.pk): one.code for one in compounds}
        names |= {str(one.pk): one.phone for one in people.values()}
        return cls(
            street=street,
            compounds=compounds,
            residents=residents,
            members=members,
            people=people,
            functions={f"{one.kind}:{one.function}": one.pk for one in bodies if one.function},
            kinds={one.pk: _kind(one, seed) for one in bodies},
            names=names,
        )

    def turn(self, at: datetime) -> None:
        """Let the day be that of `at`; on another day seats and contracts may be others."""
        if (day := local_day(at)) != self._day:
            self._day = day
            self._actors.clear()
            self._servings.clear()

    def actor(self, person_id: uuid.UUID, at: datetime) -> Actor:
        """Somebody with the seats and homes of the day, acting at `at`."""
        if person_id not in self._actors:
            caller = by_person(person_id, at)
            assert caller is not None
            self._actors[person_id] = caller.actor
        return replace(self._actors[person_id], at=at)

    def member(self, organisation_id: uuid.UUID, *roles: str) -> uuid.UUID:
        """A member of an organisation: the first in the first of these roles that is filled, else the first of all."""
        seats = self.members[organisation_id]
        return next((person for role in roles for person, held in seats if held == role), seats[0][0])

    def serving(self, compound_id: uuid.UUID | None, at: datetime) -> Serving:
        """Who serves a compound, or the street's public ground, on the day."""
        key = compound_id or self.street.pk
        if key not in self._servings:
            self._servings[key] = who_serves(compound_id=compound_id, street_id=self.street.pk, at=at)
        return self._servings[key]

    def takers(self, compound_id: uuid.UUID | None, code: str, at: datetime) -> list[uuid.UUID]:
        """Whom work on a category can be given to: the provider of the place, its head office, and in the end the street's own."""
        serving, found = self.serving(compound_id, at), []
        for service in serving.services:
            if service.kind == "property" and covers(service, code):
                head = serving.parents.get(service.provider.parent_id) if service.provider.parent_id else None
                parties: list[ServingParty | None] = [service.provider, head]
                found += [one.id for one in parties if one is not None and one.staffed]
        backstop = self.functions["section:property" if compound_id else "section:city"]
        return list(dict.fromkeys([*found, backstop]))


def _kind(organisation: Organisation, seed: int) -> Worker:
    if organisation.kind not in CONTRACTORS:
        return STREET
    dice = random.Random(f"{seed}/{organisation.code}")  # noqa: S311
    return dice.choices(COMPANIES, [one.share for one in COMPANIES])[0]
