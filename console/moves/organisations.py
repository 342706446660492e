"""The organisations that can be chosen in the forms of a ticket's moves, and the one that routing proposes."""

from collections.abc import Callable, Iterable
from functools import cache

from community.serving import Serving, who_serves
from console.moves.fields import Option, Pickers, Selection
from tickets.candidates import Candidate, Candidates
from tickets.models import Ticket
from tickets.proposal import propose
from tickets.reading.parties import organisation_names
from tickets.states import HELPING
from workflow.actor import Actor

SURE = frozenset({"holder", "departments", "owner"})
"""The fields for which a street always has somebody: whether a form can be filled in is known without a statement."""


def organisation_pickers(ticket: Ticket, actor: Actor) -> Pickers:
    """Whom each field of a move can name. Two statements for all of them together, where a form has one."""

    @cache
    def serving() -> Serving:
        return who_serves(compound_id=ticket.compound_id, street_id=ticket.street_id, at=actor.at)

    @cache
    def found() -> Candidates:
        return Candidates.read(ticket, serving(), actor)

    def options(choose: Callable[[Candidates], Iterable[Candidate]]) -> Callable[[], Selection]:
        return cache(lambda: [Option(str(one.id), one.name, group=one.group) for one in choose(found())])

    @cache
    def holders() -> Selection:
        proposal = propose(ticket, serving())
        chosen = None if proposal is None or proposal.party.id == ticket.holder_id else proposal
        return [
            Option(
                str(one.id),
                one.name,
                group=one.group,
                proposed=chosen.reason if chosen and one.id == chosen.party.id else "",
            )
            for one in found().holders()
        ]

    return {
        "holder": holders,
        "co_handlers": options(Candidates.helpers),
        "next_steps": options(Candidates.followers),
        "departments": options(Candidates.departments),
        "owner": options(Candidates.helpers),
        "organisation": cache(lambda: _helping(ticket)),
    }


def _helping(ticket: Ticket) -> Selection:
    """The organisations that help, where several do. One statement."""
    parts = dict.fromkeys(one.organisation_id for one in ticket.assignments if one.open and one.role in HELPING)
    if len(parts) < 2:
        return ()
    return [Option(str(pk), name) for pk, name in organisation_names(parts).items()]
