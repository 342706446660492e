"""What a rung of a ticket's ladder brings about: who is reminded, whose level is raised, which move the clock makes."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db.models import Q

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
    """Makes the moves that rungs of tickets ask for."""

    def __init__(self) -> None:
        super().__init__(Ticket)

    def fire(self, draft: Draft[Ticket], due: Due, *, by: Actor, facts: dict[str, Any]) -> None:
        """Make the first move of the rung's effects that is possible."""
        ticket = draft.subject
        rung = ticket.rules().ladder(due.clock.policy, due.clock.name).at(due.position)
        assert rung is not None
        facts = {**facts, "audience": list(rung[0].audience)}
        first_possible(draft, [partial(self._make, draft, effect, by=by, facts=facts) for effect in rung[0].effects])

    def _make(self, draft: Draft[Ticket], effect: str, *, by: Actor, facts: dict[str, Any]) -> None:
        ticket = draft.subject
        make: Callable[..., Any] = partial(draft.move, getattr(Ticket, effect), by=by, facts=facts)
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
