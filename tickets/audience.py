"""Who hears of an event: decided here, once, for people, for group robots and for the systems that are told by webhook.

The move says which sides it is news to (`tickets.notes`); the facts say which organisations stand there (`tickets.sides`); this module
finds the people. Everything that a batch of events needs is read at once, in a number of statements that does not grow with it.
An organisation that has nobody is heard by its head office, else by the street's section that answers for the ticket. Members of an
organisation that the ticket accuses hear nothing.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import F

from community.addressees import Member, in_roles, members
from community.models import Organisation, Person, Role
from community.models.organisations import STREET_KINDS
from community.receivers import Receiver, is_there, receivers
from notifications.post import Addressee
from tickets.models import Follower, FollowerKind
from tickets.news import Note, Side
from tickets.notes import notes
from tickets.sides import OutboxEvent
from workflow.moves import Visibility

# Who of an organisation is told; where nobody has such a role, everybody.
ROLES: Mapping[Side, frozenset[str]] = {
    **dict.fromkeys((Side.HOLDER, Side.FORMER_HOLDER, Side.SUPERVISOR), frozenset({Role.DISPATCHER, Role.MANAGER})),
    **dict.fromkeys(
        (Side.HELPER, Side.NEW_HELPER, Side.RELEASED, Side.OWNER),
        frozenset({Role.DISPATCHER, Role.MANAGER, Role.LIAISON}),
    ),
    **dict.fromkeys((Side.COORDINATOR, Side.FORMER_COORDINATOR), frozenset({Role.CHAIR, Role.MEMBER})),
    **dict.fromkeys((Side.COMMITTEE, Side.RESIDENTS_COMMITTEE), frozenset({Role.CHAIR})),
    Side.DESK: frozenset({Role.OFFICER}),
    Side.INSPECTOR: frozenset({Role.DISPATCHER, Role.MANAGER, Role.CHAIR, Role.OFFICER, Role.STREET_LEAD}),
    Side.STREET_LEAD: frozenset({Role.STREET_LEAD}),
}

OFFICERS = frozenset({Side.OFFICER, Side.FORMER_OFFICER})


@dataclass(frozen=True, slots=True)
class Hearers:
    """Who hears of an event by one note: people, and the organisations whose robots do. Followers hear by why they follow."""

    note: Note
    people: Sequence[Addressee]
    organisations: Sequence[uuid.UUID] = ()
    follows: FollowerKind | None = None


def _notes(entry: OutboxEvent) -> list[Note]:
    listed = notes(entry.event.verb, entry.named)
    return [note for note in listed if note.when is None or note.when.holds(entry.facts)]


class Audience:
    """Who hears of a batch of events."""

    def __init__(self, batch: Sequence[OutboxEvent], at: datetime):
        self.notes = {one.event.pk: _notes(one) for one in batch}
        self.offices = self._street_offices(batch, at)
        named = {pk for one in batch for side in Side for pk in one.organisations(side)}
        named |= set(self.offices.values())
        self.receiving: dict[uuid.UUID, Receiver] = dict(receivers(named, at))
        head_offices = {one.parent_id for one in self.receiving.values() if one.parent_id} - self.receiving.keys()
        if head_offices:
            self.receiving |= receivers(head_offices, at)
        found = {one.receiver_id for one in self.receiving.values() if one.receiver_id}
        self.members = members(found, at)
        acting = {one.event.actor_organisation_id for one in batch if one.event.actor_organisation_id}
        names = Organisation.objects.filter(pk__in=named | acting).values_list("pk", "name", "name_en")
        self.names = {pk: (zh, en or zh) for pk, zh, en in names}
        self.followers = self._followers(batch)
        self.people = self._people(batch)
        self.officers = self._officers(batch, at)
        self.recused = self._recused(batch, at)

    def hearers(self, entry: OutboxEvent) -> Iterator[Hearers]:
        """Who hears of an event of the batch, note by note. Nobody is told what they did themselves, but a receipt of what they filed."""
        for note in self.notes[entry.event.pk]:
            receipt = entry.event.verb == "submit" and note.side == Side.REPORTER
            for found in self._of(entry, note):
                people = [one for one in found.people if receipt or one.person_id != entry.event.actor_id]
                if people or found.organisations:
                    yield replace(found, people=people)

    def systems(self, entry: OutboxEvent) -> list[uuid.UUID]:
        """The organisations whose own systems hear of an event of the batch.

        The street's office hears of every event. The parties before and after it, and those whom its ladder names, hear of it as well,
        unless the ticket is confined, or the street notes the event for itself. The accused hear nothing.
        """
        found = [self.offices.get(entry.event.street_id)]
        if not entry.facts["confined"] and entry.event.visibility != Visibility.OFFICE:
            found += entry.parties
            found += [one for side in entry.named for one in self.organisations(entry, side)]
        return [one for one in dict.fromkeys(found) if one is not None and one not in entry.accused]

    def _of(self, entry: OutboxEvent, note: Note) -> Iterator[Hearers]:
        match note.side:
            case Side.REPORTER:
                yield Hearers(note, self._reporter(entry))
            case Side.SUCCESSOR:
                yield Hearers(note, self._successor(entry))
            case Side.OFFICER | Side.FORMER_OFFICER:
                yield Hearers(note, self._officer(entry, note.side))
            case Side.FOLLOWER:
                for kind in FollowerKind:
                    yield Hearers(note, self._following(entry, kind), follows=kind)
            case _:
                organisations = self.organisations(entry, note.side)
                yield Hearers(note, self._staff(entry, note.side, organisations), organisations)

    def _street_offices(self, batch: Sequence[OutboxEvent], at: datetime) -> dict[uuid.UUID, uuid.UUID]:
        streets = {one.event.street_id for one in batch}
        rows = Organisation.objects.filter(is_there("pk", at), kind="street_office", street__in=streets)
        return {street: pk for street, pk in rows.values_list("street_id", "pk") if street}

    def _followers(self, batch: Sequence[OutboxEvent]) -> dict[uuid.UUID, list[Follower]]:
        followed = {one.event.subject_id for one in batch if self._is_news_to({Side.FOLLOWER}, one)}
        found: dict[uuid.UUID, list[Follower]] = {}
        if followed:
            rows = Follower.objects.filter(ticket__in=followed, person__is_active=True)
            for row in rows.annotate(language=F("person__language")).order_by("id"):
                found.setdefault(row.ticket_id, []).append(row)
        return found

    def _is_news_to(self, sides: Set[Side], entry: OutboxEvent) -> bool:
        return any(note.side in sides for note in self.notes[entry.event.pk])

    def _people(self, batch: Sequence[OutboxEvent]) -> dict[uuid.UUID, str]:
        named = {pk for one in batch for pk in (one.facts["reporter"], one.facts.get("successor")) if pk}
        wanted = {uuid.UUID(one) for one in named} | {person for one in batch for person, _, _ in one.left}
        rows = Person.objects.filter(pk__in=wanted, is_active=True).values_list("pk", "language") if wanted else ()
        return dict(rows)

    def _officers(self, batch: Sequence[OutboxEvent], at: datetime) -> dict[tuple[uuid.UUID, str], str]:
        """The language of each of a street's staff, by street and person, where the batch has news for an officer."""
        streets = {one.event.street_id for one in batch if self._is_news_to(OFFICERS, one)}
        if not streets:
            return {}
        offices = Organisation.objects.filter(kind__in=STREET_KINDS, street__in=streets).values_list("pk", "street")
        street_of = dict(offices)
        return {
            (street_of[pk], str(one.person_id)): one.language
            for pk, seats in members(street_of, at).items()
            for one in seats
        }

    def _recused(self, batch: Sequence[OutboxEvent], at: datetime) -> dict[uuid.UUID, set[uuid.UUID]]:
        """Who sits in each organisation that a ticket of the batch accuses."""
        accused = {pk for one in batch for pk in one.accused}
        found: dict[uuid.UUID, set[uuid.UUID]] = {}
        if accused:
            for organisation, seats in members(accused, at).items():
                found[organisation] = {one.person_id for one in seats}
        return found

    def organisations(self, entry: OutboxEvent, side: Side) -> list[uuid.UUID]:
        """The organisations that hear for this side, each as the organisation that receives for it, without the accused."""
        found = [self._receiver(entry, one) for one in self._wanted(entry, side)]
        return [one for one in dict.fromkeys(found) if one not in entry.accused]

    def _receiver(self, entry: OutboxEvent, organisation: uuid.UUID) -> uuid.UUID:
        """Who hears for it: itself or its head office, else the street's section or office; the section where nobody is anywhere."""
        for one in (organisation, entry.desk, self.offices.get(entry.event.street_id)):
            receiver = self.receiving.get(one) if one else None
            if receiver and receiver.receiver_id:
                return receiver.receiver_id
        return entry.desk

    def _wanted(self, entry: OutboxEvent, side: Side) -> list[uuid.UUID]:
        if side == Side.SUPERVISOR:
            holders = entry.organisations(Side.HOLDER) or entry.organisations(Side.FORMER_HOLDER)
            # An organisation without a head office is supervised by the street.
            return [self.receiving[one].parent_id or entry.desk for one in holders if one in self.receiving]
        if side == Side.STREET_LEAD:
            office = self.offices.get(entry.event.street_id)
            return [office or entry.desk]
        return sorted(entry.organisations(side))

    def _staff(self, entry: OutboxEvent, side: Side, organisations: Iterable[uuid.UUID]) -> list[Addressee]:
        """The people of these organisations who hear for this side; of the holder also the worker who signed for it."""
        seats: list[Member] = []
        for one in organisations:
            seats += in_roles(self.members.get(one, ()), ROLES[side]) if side in ROLES else self.members.get(one, ())
        worker = None
        if side in (Side.HOLDER, Side.WORKER):
            worker = entry.facts["worker"]
        elif side == Side.FORMER_WORKER:
            worker = entry.was.get("worker")
        if worker is not None:
            # A worker who has left the holder since they signed is no member of it any more.
            theirs = [one for pk in self.organisations(entry, Side.HOLDER) for one in self.members.get(pk, ())]
            seats += [one for one in theirs if str(one.person_id) == worker]
        return self._without_recused(entry, {one.person_id: one.language for one in seats})

    def _officer(self, entry: OutboxEvent, side: Side) -> list[Addressee]:
        """Who of the street answers for it, or answered for it before; nobody who has left the street's office since."""
        person = (entry.facts if side == Side.OFFICER else entry.was).get("officer")
        language = self.officers.get((entry.event.street_id, person)) if person else None
        return [] if language is None else self._without_recused(entry, {uuid.UUID(person): language})

    def _reporter(self, entry: OutboxEvent) -> list[Addressee]:
        """The reporter, if there is one with an account; a successor hears nothing once it accuses their own."""
        found = self._person(entry.facts["reporter"])
        return self._without_recused(entry, found) if entry.facts.get("inherited") else _addressees(found)

    def _successor(self, entry: OutboxEvent) -> list[Addressee]:
        """The follower who is asked to succeed the reporter."""
        return self._without_recused(entry, self._person(entry.facts.get("successor")))

    def _person(self, key: str | None) -> dict[uuid.UUID, str]:
        found = uuid.UUID(key) if key else None
        return {found: self.people[found]} if found in self.people and found is not None else {}

    def _following(self, entry: OutboxEvent, kind: FollowerKind) -> list[Addressee]:
        """Those who followed the ticket at that moment, for this reason; never its reporter."""
        present = [
            (one.person_id, one.kind, one.since, getattr(one, "language", ""))
            for one in self.followers.get(entry.event.subject_id, ())
        ]
        left = [(*one, self.people[one[0]]) for one in entry.left if one[0] in self.people]
        found = {
            person: language
            for person, its, since, language in (*present, *left)
            if its == kind and since <= entry.event.at and str(person) != entry.facts["reporter"]
        }
        return self._without_recused(entry, found)

    def _without_recused(self, entry: OutboxEvent, people: Mapping[uuid.UUID, str]) -> list[Addressee]:
        recused = {person for pk in entry.accused for person in self.recused.get(pk, ())}
        return _addressees({person: language for person, language in people.items() if person not in recused})


def _addressees(people: Mapping[uuid.UUID, str]) -> list[Addressee]:
    return [Addressee(person, language) for person, language in people.items()]
