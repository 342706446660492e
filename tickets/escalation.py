"""What a rung of a ticket's ladder brings about: who is reminded, whose level is raised, which move the clock makes."""

from collections.abc import Callable, Mapping
from functools import partial

from tickets.actions import holder_live, named_person
from tickets.models import Ticket
from tickets.states import HIGHEST_AUTOMATIC, State
from workflow.actor import Actor
from workflow.errors import IllegalMove
from workflow.sweep import Climber, Due, first_possible
from workflow.writing import Draft


class TicketClimber(Climber[Ticket]):
    """Makes the moves that rungs of tickets ask for."""

    def fire(self, draft: Draft[Ticket], due: Due, *, by: Actor, facts: Mapping[str, object]) -> None:
        """Make the first move of the rung's effects that is possible."""
        ticket = draft.subject
        rung = ticket.rules().ladder(due.clock.policy, due.clock.name).at(due.position)
        assert rung is not None
        facts = {**facts, "audience": list(rung[0].audience)}
        first_possible(draft, [partial(self._make, draft, effect, by=by, facts=facts) for effect in rung[0].effects])

    def _make(self, draft: Draft[Ticket], effect: str, *, by: Actor, facts: Mapping[str, object]) -> None:
        ticket = draft.subject
        make: Callable[..., object] = partial(draft.move, getattr(Ticket, effect), by=by, facts=facts)
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
