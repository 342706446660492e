"""Who may see and do what: a person's relations to a ticket decide, and they are compared in memory."""

import uuid
from collections.abc import Mapping, Set
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from community.models.organisations import STREET_KINDS
from tickets.states import CLOCKS, AssignmentRole, Outcome, Secrecy, State
from workflow.actor import Actor

if TYPE_CHECKING:
    from tickets.models.assignment import Assignment
    from tickets.models.history import TicketEvent
    from tickets.models.parts import TicketParts
    from tickets.models.photo import Photo


class Relation(StrEnum):
    """What an actor is to a ticket."""

    REPORTER = "reporter"
    FOLLOWER = "follower"
    SUCCESSOR = "successor"
    NEIGHBOUR = "neighbour"
    HOLDER = "holder"
    CO_HANDLER = "co_handler"
    WHISTLED = "whistled"
    COPIED = "copied"
    PAST_HOLDER = "past_holder"
    NEXT_HOLDER = "next_holder"
    WORKED = "worked"
    HEAD_OFFICE = "head_office"
    INSPECTOR = "inspector"
    OWNER = "owner"
    COORDINATOR = "coordinator"
    COMMITTEE = "committee"
    COMMUNITY = "community"
    STREET = "street"
    STREET_LEAD = "street_lead"
    CLOCK = "clock"


R = Relation
RELATIONS: Mapping[Relation, tuple[str, str]] = {
    R.REPORTER: ("诉求人", "Reported it."),
    R.FOLLOWER: ("附议人", "Cosigned it, or had an own ticket merged into it."),
    R.SUCCESSOR: ("被征询接续人", "A follower who is asked to take the place of the reporter who left."),
    R.NEIGHBOUR: ("同小区居民", "Has a confirmed home in the compound; the ticket has a public face."),
    R.HOLDER: ("主办单位", "A member of the organisation that leads the open assignment."),
    R.CO_HANDLER: ("协办单位", "A member of an organisation that helps."),
    R.WHISTLED: ("被吹哨单位", "A member of a department that was whistled."),
    R.COPIED: ("抄送单位", "A member of an organisation that is kept informed."),
    R.PAST_HOLDER: ("曾承办单位", "A member of an organisation that had a part, and has none now."),
    R.NEXT_HOLDER: ("后续承办单位", "A member of an organisation that leads a step whose turn has not come."),
    R.WORKED: (
        "办结单位",
        "A member of an organisation, or of its head office, that did its part of a ticket that is closed.",
    ),
    R.HEAD_OFFICE: ("总部", "A member of the head office of an organisation that leads or helps."),
    R.INSPECTOR: (
        "巡查单位",
        "A member of the organisation that found it on patrol, by self-inspection or in the grid, and filed it.",
    ),
    R.OWNER: ("挂账责任单位", "A member of the organisation that answers for it while it is on account."),
    R.COORDINATOR: ("协调单位", "A member of the committee that coordinates it."),
    R.COMMITTEE: ("物管会（业委会）", "A member of the committee of the place."),
    R.COMMUNITY: ("居委会", "A member of the residents' committee of the place."),
    R.STREET: ("街道", "Staff of the street office or of one of its sections."),
    R.STREET_LEAD: ("街道负责人", "The head of the street office; is `street` as well."),
    R.CLOCK: ("时钟", "A deadline that ran out."),
}
"""What each is called in Chinese, and what it is."""
RESIDENTS = frozenset({R.REPORTER, R.FOLLOWER, R.SUCCESSOR})
WORKERS = frozenset({R.HOLDER, R.CO_HANDLER, R.WHISTLED})
STAFF = WORKERS | {
    *(R.COPIED, R.HEAD_OFFICE, R.INSPECTOR, R.OWNER, R.COORDINATOR, R.COMMITTEE, R.COMMUNITY, R.STREET, R.STREET_LEAD),
}
# Who sees a ticket at all; a past holder sees its summary, a neighbour its public face.
SEES_SUMMARY = frozenset({R.PAST_HOLDER, R.NEXT_HOLDER})
SEES = RESIDENTS | STAFF | SEES_SUMMARY | {R.NEIGHBOUR, R.WORKED}
SEES_FACE = frozenset({R.NEIGHBOUR})
SEES_WHOLE = RESIDENTS | STAFF | {R.WORKED}
# Who reads people's words as they were written; others read them without what identifies people, and not what was hidden.
READS_AS_WRITTEN = STAFF | {R.REPORTER}
READS_FACE = frozenset({R.NEIGHBOUR, R.FOLLOWER})
# What the reporter shows, also where the street attaches it for them.
PHOTOS_OF_REPORTERS = frozenset({"report", "dispute"})
# Who sees how to reach the reporter: masked, but for the reporter; never of an anonymous one, of a confidential one the street.
SEES_CONTACT = frozenset({R.HOLDER, R.CO_HANDLER, R.COORDINATOR, R.STREET, R.REPORTER})
# Who may have it revealed while their assignment is open.
REVEALS_BY_PART = frozenset({R.HOLDER, R.CO_HANDLER})
# Moves that change whose contact it is: who had it revealed before has to reveal it again.
CHANGES_CONTACT = frozenset({"withdraw", "succeed", "correct_contact"})
# What a person does for themselves, also where they sit in an organisation that has a part in it.
OF_RESIDENTS = frozenset(
    {
        *(
            "cosign",
            "uncosign",
            "succeed",
            "decline_succession",
            "confirm",
            "rate",
            "thank",
            "answer",
            "comment",
            "urge",
        ),
        "withdraw",
    }
)
# Who may be told the events of a visibility.
READS = {
    "public": SEES - SEES_SUMMARY,
    "parties": SEES_WHOLE,
    "internal": STAFF,
    "office": frozenset({R.STREET, R.STREET_LEAD}),
}
# Whose time residents may watch; that of the other clocks is between the parties who work on it.
CLOCKS_OF_RESIDENTS = frozenset(name for name, clock in CLOCKS.items() if clock.residents)
# Whom the street may stand in for (代办).
STANDS_IN_FOR = {
    "reporter": R.REPORTER,
    "holder": R.HOLDER,
    "committee": R.COORDINATOR,
    "co_handler": R.CO_HANDLER,
    "whistled": R.WHISTLED,
}

PARTS: Mapping[str, Relation] = {
    AssignmentRole.LEAD.value: R.HOLDER,
    AssignmentRole.CO_HANDLER.value: R.CO_HANDLER,
    AssignmentRole.WHISTLED.value: R.WHISTLED,
    AssignmentRole.COPY.value: R.COPIED,
}
"""The relation of an organisation's members to a ticket in which it has an open assignment, by the assignment's role."""


def recused(ticket: "TicketParts", actor: Actor) -> bool:
    """Whether the actor sits in an organisation that the ticket accuses; then neither membership nor cosigning counts."""
    return bool(ticket.accused) and any(seat.organisation_id in ticket.accused for seat in actor.seats)


_THE_CLOCK = frozenset({R.CLOCK})


def relations(ticket: "TicketParts", actor: Actor) -> frozenset[Relation]:
    """Everything `actor` is to `ticket`, from the ids that both carry. The ticket's assignments have been gathered."""
    if actor.clock:
        return _THE_CLOCK
    found, impartial = set(), not recused(ticket, actor)
    # A successor is no reporter, just as they are no cosigner, once the ticket accuses their own organisation.
    if actor.person_id is not None and actor.person_id == ticket.reporter_id and (impartial or not ticket.inherited):
        found.add(R.REPORTER)
    if ticket.has_public_face and ticket.compound_id in actor.compounds:
        found.add(R.NEIGHBOUR)
    if impartial:
        if getattr(ticket, "follows", False):
            found.add(R.FOLLOWER)
            if actor.person_id == ticket.successor_id:
                found.add(R.SUCCESSOR)
        found |= _staff_relations(ticket, actor)
    if actor.on_behalf:
        return _standing_in(ticket, actor.on_behalf) if R.STREET in found else frozenset()
    return frozenset(found)


def of_the_street(ticket: "TicketParts", actor: Actor) -> bool:
    """Whether the relations of `actor` have R.STREET; this is asked more often than for all of them."""
    if actor.clock or actor.on_behalf or recused(ticket, actor):
        return False
    return any(seat.kind in STREET_KINDS and seat.street_id == ticket.street_id for seat in actor.seats)


def _standing_in(ticket: "TicketParts", party: str) -> frozenset[Relation]:
    """The relation of the party that the street stands in for; empty where the ticket has no such helper or no such reporter."""
    if party == "reporter" and ticket.inspector_id is not None:
        return frozenset()
    there = party not in PARTS or any(one.open and one.role == party for one in ticket.assignments)
    return frozenset({STANDS_IN_FOR[party]}) if there else frozenset()


def _staff_relations(ticket: "TicketParts", actor: Actor) -> set[Relation]:
    found = set()
    for seat in actor.seats:
        mine: uuid.UUID = seat.organisation_id
        if seat.street_id == ticket.street_id and seat.kind in STREET_KINDS:
            found.add(R.STREET)
            if seat.role == "lead" and seat.kind == "street_office":
                found.add(R.STREET_LEAD)
        if mine == ticket.committee_today and not ticket.confined:
            found.add(R.COMMITTEE)
        if mine == ticket.coordinator_today and seat.kind not in STREET_KINDS:
            found.add(R.COORDINATOR)
        if mine == ticket.residents_committee_today and not ticket.confined:
            found.add(R.COMMUNITY)
        if mine == ticket.inspector_id:
            found.add(R.INSPECTOR)
        if mine == ticket.account_owner_id and ticket.state == State.ON_ACCOUNT:
            found.add(R.OWNER)
        for assignment in ticket.assignments:
            if assignment.organisation_id == mine:
                found |= _part(ticket, assignment)
            elif getattr(assignment, "head_office", None) == mine:
                found |= {R.HEAD_OFFICE} if assignment.open else _part(ticket, assignment)
    return found


def _part(ticket: "TicketParts", assignment: "Assignment") -> set[Relation]:
    """The relations that an assignment gives its organisation, also after it has ended: who was told of the end of a ticket may read it."""
    if assignment.open:
        return {PARTS[assignment.role]}
    if assignment.waiting:
        return {R.NEXT_HOLDER}
    whole = ticket.state == State.CLOSED and assignment.outcome in (Outcome.DONE, Outcome.STEP_DONE)
    return {R.PAST_HOLDER, R.WORKED} if whole and assignment.role != AssignmentRole.COPY else {R.PAST_HOLDER}


def any_of(*allowed: Relation) -> Any:
    """A transition's permission: the actor stands in one of these relations to the ticket."""
    wanted = frozenset(allowed)

    def permission(ticket: "TicketParts", actor: Actor) -> bool:
        return not wanted.isdisjoint(relations(ticket, actor))

    permission.relations = wanted  # type: ignore[attr-defined]
    return permission


def sees(ticket: "TicketParts", actor: Actor) -> frozenset[Relation]:
    """The relations through which `actor` may see `ticket`; empty when it does not exist for them."""
    return relations(ticket, actor) & SEES


def stands_revealed(ticket: "TicketParts", actor: Actor) -> bool:
    """Whether the contact is shown to `actor` in the clear: they revealed it on record, in a part that they have had ever since.

    `revealed_at` came with the ticket as it is read: it is of the present reporter's contact, and of before no end.
    """
    at, mine = getattr(ticket, "revealed_at", None), relations(ticket, actor)
    if at is None or ticket.secrecy == "anonymous" or (ticket.secrecy == "confidential" and R.STREET not in mine):
        return False
    if R.STREET in mine:
        return True
    if R.COORDINATOR in mine and ticket.state == "coordinating" and ticket.state_since <= at:
        return True
    own = {seat.organisation_id for seat in actor.seats}
    parts = [one for one in ticket.assignments if one.open and one.organisation_id in own and one.opened_at]
    return any(PARTS[one.role] in REVEALS_BY_PART and one.opened_at <= at for one in parts)


def shows_contact(ticket: "TicketParts", actor: Actor) -> Literal["clear", "masked"] | None:
    """How `actor` reads the way to reach the reporter: in the clear, masked, or not at all."""
    mine = relations(ticket, actor)
    if ticket.secrecy == Secrecy.ANONYMOUS or ticket.inspector_id or not SEES_CONTACT & mine:
        return None
    if R.REPORTER in mine or stands_revealed(ticket, actor):
        return "clear"
    return None if ticket.secrecy == Secrecy.CONFIDENTIAL and R.STREET not in mine else "masked"


def shows_person(event: "TicketEvent", ticket: "TicketParts", actor: Actor) -> bool:
    """Whether `actor` reads which of an organisation's people made the event: those of the street and of that organisation do.

    To its residents and to the other parties that person is shown who is assigned to the work; of residents nobody is.
    """
    if event.actor_organisation_id is None or (event.verb in OF_RESIDENTS and not event.on_behalf):
        return False
    mine = relations(ticket, actor)
    if R.STREET in mine or any(seat.organisation_id == event.actor_organisation_id for seat in actor.seats):
        return bool(mine & SEES_WHOLE)
    return bool(mine & SEES_WHOLE) and any(one.worker_id == event.actor_id for one in ticket.assignments)


def shows_photo(photo: "Photo", ticket: "TicketParts", actor: Actor) -> bool:
    """Whether `actor` sees a photo of the ticket.

    Readers of words as they were written see all photos. Others who see the whole ticket do so, too, but none of an event
    that was redacted, nor what the reporter shows where the words of the report were hidden or redacted. `tickets.reading.columns` has the
    same for lists.
    """
    mine = relations(ticket, actor)
    if not mine & SEES_WHOLE:
        return False
    if mine & READS_AS_WRITTEN or photo.uploader_id == actor.person_id:
        return True
    of_reporter = photo.kind in PHOTOS_OF_REPORTERS or photo.uploader_id == ticket.reporter_id
    return photo.event_seq not in ticket.redacted_events and not (of_reporter and ticket.covered)


def reads_clock(name: str, mine: Set[Relation]) -> bool:
    """Whether somebody in the relations `mine` may read of a ticket's clock of this name."""
    return bool(mine & (STAFF | {R.WORKED})) or (bool(mine & RESIDENTS) and name in CLOCKS_OF_RESIDENTS)
