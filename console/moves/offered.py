"""The moves that a person may make with a ticket, as forms: the next one open, the others by name."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from django.http import QueryDict

from console.moves import words
from console.moves.fields import FormField, Option, Pickers, Selection, controls, form_field
from console.moves.organisations import SURE, organisation_pickers
from tickets import catalogue
from tickets.kind import TICKETS
from tickets.models import Ticket
from tickets.reading.members import members
from tickets.states import ClockName
from web.paging import MAX_LIMIT, PageRequest
from web.words import Words, bilingual, en, zh
from workflow.actor import Actor
from workflow.errors import NotPermitted
from workflow.moves import Move, moves

NEXT = (
    *("sign", "report_in", "contact", "arrive", "complete_step", "record", "dispatch", "reply"),
    *("assist_done", "progress"),
)
"""In this order: the first that is offered is the next one."""
ONCE = frozenset({"record"})
"""These are next until they have been made in the state that the ticket is in."""
_CLOCK_OF = {"arrive": ClockName.ARRIVE, "contact": ClockName.CONTACT}
"""These are next only while their clock is live: nobody waits for them otherwise."""
_ANYBODY: Selection = (Option("", ""),)
BESIDE = frozenset({"reveal"})
"""These stand elsewhere in the panel."""
APART = frozenset({"merge"})
"""These have a page of their own at their address, where whatever they name is chosen."""


@dataclass(frozen=True, slots=True)
class OfferedMove:
    """A move that is offered, in one's own name or in a party's place."""

    move: Move
    party: str = ""

    @property
    def name(self) -> str:
        """The move's name."""
        return self.move.name

    @property
    def icon(self) -> str:
        """Its shape."""
        return words.ICONS.get(self.name, words.OTHERWISE)

    @property
    def apart(self) -> bool:
        """Whether it has a page of its own."""
        return self.name in APART

    @property
    def key(self) -> str:
        """The key that opens it."""
        return words.KEYS.get(self.name, "")


@dataclass(frozen=True, slots=True)
class MoveForm:
    """A move's form for one ticket and one reader."""

    offered: OfferedMove
    version: int
    fields: Sequence[FormField]
    key: str
    problem: Words = ""
    kept: bool = False

    @property
    def know(self) -> Words:
        """What to know before the move is made."""
        return words.KNOW.get(self.offered.name, "")

    @property
    def wrong(self) -> list[FormField]:
        """The fields with something wrong in them."""
        return [one for one in self.fields if one.errors]


def offered(ticket: Ticket, actor: Actor) -> list[OfferedMove]:
    """What the actor may do now, in the order in which the moves are written down; what nobody could fill in is left out."""
    own = [OfferedMove(move) for move in TICKETS.offered(ticket, actor)]
    return own + [OfferedMove(move, party) for move, party in TICKETS.offered_on_behalf(ticket, actor)]


def next_of(found: Sequence[OfferedMove], ticket: Ticket, made: Collection[str] = ()) -> OfferedMove | None:
    """The one that is to be made next; `made` are the moves that have been made in the state that the ticket is in."""
    own, live = {one.name: one for one in found if not one.party}, {clock.name for clock in ticket.clocks}
    for name in NEXT:
        if name in ONCE and name in made:
            continue
        if name in own and _CLOCK_OF.get(name, next(iter(live), None)) in {*live, None}:
            return own[name]
    return None


def form_of(
    one: OfferedMove,
    ticket: Ticket,
    pickers: Pickers,
    given: QueryDict | None = None,
    errors: Mapping[str, Sequence[Words]] | None = None,
    problem: Words = "",
) -> MoveForm:
    """The form, empty or with what was given and what is wrong with it."""
    made: Any = one.move.input
    input, wrong = made(), errors or {}
    fields = [
        _completed(
            one,
            ticket,
            form_field(name, input.fields[name], control, given, wrong, words.HELP.get((one.name, name), "")),
            given,
        )
        for name, control in controls(input, pickers).items()
    ]
    key = (given.get("key") if given else "") or str(uuid.uuid4())
    return MoveForm(one, ticket.version, fields, key, problem)


def fits(one: OfferedMove, pickers: Pickers) -> bool:
    """Whether everything that the move requires can be filled in by this reader.

    Of what may be left out, and of what is done in a party's place, nobody is looked up until the form is opened.
    """
    if one.apart:
        return not one.party
    made: Any = one.move.input
    input = made()
    required = {name for name, field in input.fields.items() if field.required}
    wanted = {} if one.party else {name: choose for name, choose in pickers.items() if name in required - SURE}
    found = controls(input, dict.fromkeys(pickers, lambda: _ANYBODY) | wanted)
    return required <= found.keys()


def _completed(one: OfferedMove, ticket: Ticket, field: FormField, given: QueryDict | None) -> FormField:
    """The field with what only the ticket says of it: what its category demands, and who is proposed."""
    if proposed := next((option for option in field.choices if option.proposed), None):
        chosen = field.given if given is not None else (proposed.value,)
        return replace(field, given=chosen, help=bilingual(*_proposal(proposed)))
    if one.name == "reply" and field.name == "photos" and catalogue.leaf_by_id(ticket.category_id).after_photo:
        return replace(field, help=words.NEEDS_PHOTO, required=True)
    return field


def _proposal(one: Option) -> tuple[str, str]:
    return f"建议：{zh(one.label)}。{zh(one.proposed)}", f"Proposed: {en(one.label)}. {en(one.proposed)}"


def pickers(ticket: Ticket, actor: Actor) -> Pickers:
    """Who and what can be chosen for a ticket. The database is asked once, where a form needs it."""
    return {"worker": cache(lambda: colleagues(ticket.holder_id, actor)), **organisation_pickers(ticket, actor)}


def colleagues(organisation: uuid.UUID | None, actor: Actor) -> Selection:
    """The people to whom the actor can give the work of the organisation, each with how much they have; nobody where that is not theirs."""
    if organisation is None:
        return ()
    try:
        found = members(actor, organisation, PageRequest(limit=MAX_LIMIT))
    except NotPermitted:
        return ()
    there: list[Any] = [one for one in found.rows if one["on_duty"]]
    return [Option(str(one["id"]), one["name"], _load(one)) for one in there]


def _load(one: Mapping[str, Any]) -> Words:
    return bilingual(f"{one['role_label']} · 在办 {one['open']}", f"{one['role_label']} · {one['open']} open")


def move_named(name: str) -> Move | None:
    """The move of this name that people make."""
    move = moves(Ticket).get(name)
    return move if move is not None and TICKETS.for_people(move) else None
