"""What a rung of a ticket's ladder brings about: who is reminded, whose level is raised, which move the clock makes."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import partial
from typing import Any

from django.db.models import Q

from community.models import Organisation
from community.receivers import local_day, receivers
from tickets.actions import holder_live, named_person
from tickets.models import Ticket
from tickets.states import HIGHEST_AUTOMATIC, State
from workflow import calendars
from workflow.actor import Actor
from workflow.errors import IllegalMove
from workflow.models import LastSweep
from workflow.sweep import Climber, Due, Swept, fire_due, first_possible, measure_anew, note_sweep
from workflow.writing import Draft


class TicketClimber(Climber[Ticket]):
    """The effects of rungs on tickets, with the organisations that they need to know of, asked for once in a sweep and a day."""

    def __init__(self) -> None:
        super().__init__(Ticket)
        self.day: date | None = None
        self.receiving: dict[uuid.UUID, uuid.UUID] = {}
        self.parents: dict[uuid.UUID, uuid.UUID | None] = {}
        self.offices: dict[uuid.UUID, uuid.UUID] = {}

    def prepare(self, subjects: Sequence[Ticket], by: Actor) -> None:
        """Who receives for each organisation concerned, its head office, and the street offices."""
        if (day := local_day(by.at)) != self.day:
            self.day = day
            self.receiving, self.parents, self.offices = {}, {}, {}
        if named := {one for ticket in subjects for one in _organisations(ticket)} - self.parents.keys():
            parents = dict(Organisation.objects.filter(pk__in=named).values_list("pk", "parent_id"))
            found = receivers(named.union(head for head in parents.values() if head), by.at)
            self.parents |= parents
            self.receiving |= {pk: one.receiver_id for pk, one in found.items() if one.receiver_id}
        if streets := {one.street_id for one in subjects} - self.offices.keys():
            offices = Organisation.objects.filter(kind="street_office", street__in=streets)
            self.offices |= {street: pk for pk, street in offices.values_list("pk", "street_id") if street}

    def fire(self, draft: Draft[Ticket], due: Due, *, by: Actor, facts: dict[str, Any]) -> None:
        """Make the first move of the rung's effects that is possible."""
        ticket = draft.subject
        rung = ticket.rules().ladder(due.clock.policy, due.clock.name).at(due.position)
        assert rung is not None
        told = self._told(ticket, due, rung[0].audience)
        facts = {**facts, "audience": list(rung[0].audience)}
        first_possible(
            draft, [partial(self._make, draft, effect, by=by, facts=facts, told=told) for effect in rung[0].effects]
        )

    def _make(
        self, draft: Draft[Ticket], effect: str, *, by: Actor, facts: dict[str, Any], told: Iterable[uuid.UUID]
    ) -> None:
        ticket = draft.subject
        make: Callable[..., Any] = partial(draft.move, getattr(Ticket, effect), by=by, facts=facts, told=told)
        match effect:
            case "raise_level":
                if ticket.level >= HIGHEST_AUTOMATIC:
                    raise IllegalMove()
                make(level=ticket.level + 1)
            case "supervise":
                if ticket.supervised:
                    raise IllegalMove()
                make(kind="routine")
            case "bounce":
                # A return that nobody decided falls, unless there is no longer anyone to hold the ticket.
                if ticket.state == State.RETURNING and holder_live(ticket, by):
                    raise IllegalMove()
                make()
            case "step_in":
                organisation, worker = named_person(ticket, by.at)
                make(organisation=organisation, worker=worker)
            case "resume":
                make(holder_live=holder_live(ticket, by))
            case _:
                make()

    def _told(self, ticket: Ticket, due: Due, audience: Iterable[str]) -> list[uuid.UUID]:
        """The organisations in the audience, each as whoever receives for it; whoever has nobody means the street's desk."""
        handler = due.clock.holder_id if ticket.lead is None else ticket.lead.organisation_id
        named = {
            "handler": handler,
            "supervisor": self.parents.get(handler) if handler else None,
            "coordinator": ticket.coordinator_today,
            "residents_committee": ticket.residents_committee_id,
            "desk": ticket.desk_id,
            "street_lead": self.offices.get(ticket.street_id),
            "owner": ticket.account_owner_id,
            "helper": due.clock.holder_id,
        }
        wanted = [named[one] for one in audience if one in named]
        found = {self.receiving.get(one, ticket.desk_id) if one else ticket.desk_id for one in wanted}
        return sorted(found - set(ticket.accused))


def _organisations(ticket: Ticket) -> set[uuid.UUID]:
    concerned = {
        ticket.coordinator_today,
        ticket.residents_committee_id,
        ticket.desk_id,
        ticket.account_owner_id,
        *(one.organisation_id for one in ticket.assignments),
    }
    return {one for one in concerned if one is not None}


SWEEP, CALENDAR = "tickets", "tickets.calendar"
"""The names under which sweeps are noted; the first is that of the kind."""


def sweep(climber: TicketClimber | None = None, **limits: Any) -> Swept:
    """Fire what is due on tickets; see `workflow.sweep.fire_due` for the limits. A simulation listens with a `climber` of its own."""
    swept = fire_due(climber or TicketClimber(), **limits)
    note_sweep(SWEEP)
    return swept


def follow_calendar() -> Swept:
    """Measure the running clocks of tickets by the newest calendar, where that has not been done yet."""
    versions = calendars.every()
    latest = max(versions.values())
    if LastSweep.objects.filter(name=CALENDAR, version=latest).exists():
        return Swept()
    swept = Swept()
    own = [street for street in versions if street is not None]
    for street, version in versions.items():
        among = Q(street=street) if street else ~Q(street__in=own)
        swept += measure_anew(Ticket, Ticket.recalendar, version=version, among=among)
    note_sweep(CALENDAR, version=latest)
    return swept
