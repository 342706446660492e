"""Who is behind the sides of an event: organisations by their part, people by their seats, residents by what they follow.

Everything that a batch of events needs is read at once, in a number of statements that does not grow with it. An organisation that has
nobody is heard by its head office, else by the street's section that answers for the ticket. Whom a ticket accuses hears nothing.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F

from community.addressees import Member, in_roles, members
from community.models import Organisation, Person, Role
from community.receivers import Receiver, is_there, receivers
from notifications.post import Addressee
from tickets.access import STREET_KINDS
from tickets.models import Follower, FollowerKind, TicketEvent
from tickets.news import Side
from tickets.notes import notes
from tickets.states import State

# Who of an organisation is told; where nobody has such a role, everybody.
ROLES: Mapping[Side, frozenset[str]] = {
    **dict.fromkeys((Side.HANDLER, Side.FORMER, Side.SUPERVISOR), frozenset({Role.DISPATCHER, Role.MANAGER})),
    **dict.fromkeys(
        (Side.HELPER, Side.NEW_HELPER, Side.RELEASED, Side.OWNER),
        frozenset({Role.DISPATCHER, Role.MANAGER, Role.LIAISON}),
    ),
    **dict.fromkeys((Side.COORDINATOR, Side.FORMER_COORDINATOR), frozenset({Role.CHAIR, Role.MEMBER})),
    **dict.fromkeys((Side.COMMITTEE, Side.RESIDENTS_COMMITTEE), frozenset({Role.CHAIR})),
    Side.DESK: frozenset({Role.OFFICER}),
    Side.INSPECTOR: frozenset({Role.DISPATCHER, Role.MANAGER, Role.CHAIR, Role.OFFICER, Role.LEAD}),
    Side.STREET_LEAD: frozenset({Role.LEAD}),
}


OFFICERS = frozenset({Side.OFFICER, Side.FORMER_OFFICER})


@dataclass(frozen=True, slots=True)
class Told:
    """An event with the facts as they were after it, and what of them was otherwise before."""

    event: TicketEvent
    facts: Mapping[str, Any]

    @property
    def was(self) -> Mapping[str, Any]:
        """What was otherwise before the event."""
        before: Mapping[str, Any] = self.facts.get("was") or {}
        return before

    @property
    def left(self) -> Sequence[tuple[uuid.UUID, str, datetime]]:
        """Who followed the ticket when it happened, and has left since: the person, why they followed it, and since when."""
        return [
            (uuid.UUID(person), kind, datetime.fromisoformat(since))
            for person, kind, since in self.facts.get("left") or ()
        ]

    @property
    def named(self) -> tuple[str, ...]:
        """The sides that the event itself names as its audience."""
        return tuple(self.event.data.get("audience") or ())

    def organisations(self, side: Side) -> set[uuid.UUID]:
        """The organisations that stand on this side, but for head offices and the street's own office."""
        return {uuid.UUID(one) for one in self._of(side) if one}

    def _of(self, side: Side) -> Iterable[str | None]:
        facts, was = self.facts, self.was
        helping, helped = set(facts["helper"]), set(was.get("helper") or facts["helper"])
        match side:
            case Side.HANDLER:
                return [facts["handler"] or (self._fired() if side in self.named else None)]
            case Side.FORMER:
                return [was.get("handler")]
            case Side.HELPER:
                fired = self._fired()
                return {fired} if fired in helping else helping
            case Side.NEW_HELPER:
                return helping - set(was["helper"]) if "helper" in was else helping if self._born else set()
            case Side.RELEASED:
                return helped - helping - {facts["handler"]}
            case Side.COORDINATOR:
                # A ladder that names the coordinator means the street where that coordinates.
                return {facts["coordinator"]} - (set() if side in self.named else {facts["desk"]})
            case Side.FORMER_COORDINATOR:
                left = was.get("state") == State.COORDINATING and facts["state"] != State.COORDINATING
                return {was.get("coordinator") or (facts["coordinator"] if left else None)} - {facts["desk"]}
            case Side.COMMITTEE | Side.RESIDENTS_COMMITTEE:
                return [] if facts["confined"] else [facts[side.value]]
            case Side.DESK:
                return [facts["desk"]]
            case Side.INSPECTOR:
                return [facts.get("inspector")]
            case Side.OWNER:
                return [facts["owner"] or (facts["desk"] if side in self.named else None)]
        return []

    @property
    def _born(self) -> bool:
        return not self.event.source

    def _fired(self) -> str | None:
        return (self.event.data.get("fired") or {}).get("holder") or None

    @property
    def desk(self) -> uuid.UUID:
        """The street's section that answers for it."""
        return uuid.UUID(self.facts["desk"])

    @property
    def accused(self) -> frozenset[uuid.UUID]:
        """Whom the ticket accuses, and accused before."""
        return frozenset(map(uuid.UUID, {*self.facts["accused"], *(self.was.get("accused") or ())}))


class Audience:
    """Who hears of a batch of events."""

    def __init__(self, batch: Sequence[Told], at: datetime):
        self.offices = self._street_offices(batch, at)
        named = {pk for one in batch for side in Side for pk in one.organisations(side)}
        named |= set(self.offices.values())
        self.receiving: dict[uuid.UUID, Receiver] = dict(receivers(named, at))
        heads = {one.parent_id for one in self.receiving.values() if one.parent_id} - self.receiving.keys()
        if heads:
            self.receiving |= receivers(heads, at)
        found = {one.receiver_id for one in self.receiving.values() if one.receiver_id}
        self.members = members(found, at)
        acting = {one.event.actor_organisation_id for one in batch if one.event.actor_organisation_id}
        names = Organisation.objects.filter(pk__in=named | acting).values_list("pk", "name", "name_en")
        self.names = {pk: (zh, en or zh) for pk, zh, en in names}
        self.followers = self._followers(batch)
        self.people = self._people(batch)
        self.officers = self._officers(batch, at)
        self.recused = self._recused(batch, at)

    def _street_offices(self, batch: Sequence[Told], at: datetime) -> dict[uuid.UUID, uuid.UUID]:
        streets = {one.event.street_id for one in batch}
        rows = Organisation.objects.filter(is_there("pk", at), kind="street_office", street__in=streets)
        return {street: pk for street, pk in rows.values_list("street_id", "pk") if street}

    def _followers(self, batch: Sequence[Told]) -> dict[uuid.UUID, list[Follower]]:
        followed = {
            one.event.subject_id
            for one in batch
            if any(note.side == Side.FOLLOWER for note in notes(one.event.verb, one.named))
        }
        found: dict[uuid.UUID, list[Follower]] = {}
        if followed:
            rows = Follower.objects.filter(ticket__in=followed, person__is_active=True)
            for row in rows.annotate(language=F("person__language")).order_by("id"):
                found.setdefault(row.ticket_id, []).append(row)
        return found

    def _people(self, batch: Sequence[Told]) -> dict[uuid.UUID, str]:
        named = {one for told in batch for one in (told.facts["reporter"], told.facts.get("successor")) if one}
        wanted = {uuid.UUID(one) for one in named} | {person for one in batch for person, _, _ in one.left}
        rows = Person.objects.filter(pk__in=wanted, is_active=True).values_list("pk", "language") if wanted else ()
        return dict(rows)

    def _officers(self, batch: Sequence[Told], at: datetime) -> dict[tuple[uuid.UUID, str], str]:
        """The language of each of a street's staff, by street and person, where the batch has news for an officer."""
        streets = {one.event.street_id for one in batch if any(note.side in OFFICERS for note in notes(one.event.verb))}
        if not streets:
            return {}
        offices = Organisation.objects.filter(kind__in=STREET_KINDS, street__in=streets).values_list("pk", "street")
        street_of = dict(offices)
        return {
            (street_of[pk], str(one.person_id)): one.language
            for pk, seats in members(street_of, at).items()
            for one in seats
        }

    def _recused(self, batch: Sequence[Told], at: datetime) -> dict[uuid.UUID, set[uuid.UUID]]:
        """Who sits in each organisation that a ticket of the batch accuses."""
        accused = {pk for one in batch for pk in one.accused}
        found: dict[uuid.UUID, set[uuid.UUID]] = {}
        if accused:
            for organisation, seats in members(accused, at).items():
                found[organisation] = {one.person_id for one in seats}
        return found

    def organisations(self, told: Told, side: Side) -> list[uuid.UUID]:
        """The organisations that hear for this side, each as the organisation that receives for it, without the accused."""
        found = [self._receiver(told, one) for one in self._wanted(told, side)]
        return [one for one in dict.fromkeys(found) if one not in told.accused]

    def _receiver(self, told: Told, organisation: uuid.UUID) -> uuid.UUID:
        """Who hears for it: itself or its head office, else the street's section or office; the section where nobody is anywhere."""
        for one in (organisation, told.desk, self.offices.get(told.event.street_id)):
            receiver = self.receiving.get(one) if one else None
            if receiver and receiver.receiver_id:
                return receiver.receiver_id
        return told.desk

    def _wanted(self, told: Told, side: Side) -> list[uuid.UUID]:
        if side == Side.SUPERVISOR:
            handlers = told.organisations(Side.HANDLER) or told.organisations(Side.FORMER)
            heads = [self.receiving[one].parent_id for one in handlers if one in self.receiving]
            # An organisation without a head office is supervised by the street.
            return [head or told.desk for head in heads]
        if side == Side.STREET_LEAD:
            office = self.offices.get(told.event.street_id)
            return [office or told.desk]
        return sorted(told.organisations(side))

    def staff(self, told: Told, side: Side, organisations: Iterable[uuid.UUID]) -> list[Addressee]:
        """The people of these organisations who hear for this side; of the lead also the worker who signed for it."""
        seats: list[Member] = []
        for one in organisations:
            seats += in_roles(self.members.get(one, ()), ROLES[side]) if side in ROLES else self.members.get(one, ())
        if side in (Side.HANDLER, Side.WORKER):
            # A worker who has left the lead since they signed is none of its people any more.
            lead = [one for pk in self.organisations(told, Side.HANDLER) for one in self.members.get(pk, ())]
            seats += [one for one in lead if str(one.person_id) == told.facts["worker"]]
        if side == Side.FORMER_WORKER:
            lead = [one for pk in self.organisations(told, Side.HANDLER) for one in self.members.get(pk, ())]
            seats += [one for one in lead if str(one.person_id) == told.was.get("worker")]
        return self._without_recused(told, {one.person_id: one.language for one in seats})

    def officer(self, told: Told, side: Side) -> list[Addressee]:
        """Who of the street answers for it, or answered for it before; nobody who has left the street's office since."""
        person = (told.facts if side == Side.OFFICER else told.was).get("officer")
        language = self.officers.get((told.event.street_id, person)) if person else None
        return [] if language is None else self._without_recused(told, {uuid.UUID(person): language})

    def reporter(self, told: Told) -> list[Addressee]:
        """The reporter, if there is one with an account; a successor hears nothing once it accuses their own."""
        found = self._person(told.facts["reporter"])
        return self._without_recused(told, found) if told.facts.get("inherited") else _addressees(found)

    def successor(self, told: Told) -> list[Addressee]:
        """The follower who is asked to succeed the reporter."""
        return self._without_recused(told, self._person(told.facts.get("successor")))

    def _person(self, key: str | None) -> dict[uuid.UUID, str]:
        found = uuid.UUID(key) if key else None
        return {found: self.people[found]} if found in self.people and found is not None else {}

    def following(self, told: Told, kind: FollowerKind) -> list[Addressee]:
        """Those who followed the ticket at that moment, for this reason; never its reporter."""
        present = [
            (one.person_id, one.kind, one.since, getattr(one, "language", ""))
            for one in self.followers.get(told.event.subject_id, ())
        ]
        left = [(*one, self.people[one[0]]) for one in told.left if one[0] in self.people]
        found = {
            person: language
            for person, its, since, language in (*present, *left)
            if its == kind and since <= told.event.at and str(person) != told.facts["reporter"]
        }
        return self._without_recused(told, found)

    def _without_recused(self, told: Told, people: Mapping[uuid.UUID, str]) -> list[Addressee]:
        recused = {person for pk in told.accused for person in self.recused.get(pk, ())}
        return _addressees({person: language for person, language in people.items() if person not in recused})


def _addressees(people: Mapping[uuid.UUID, str]) -> list[Addressee]:
    return [Addressee(person, language) for person, language in people.items()]
