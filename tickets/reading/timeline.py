"""A ticket's timeline: which facts and words of an event somebody reads."""

import uuid
from collections.abc import Collection, Mapping, Set
from typing import Any

from tickets.access import READS_AS_WRITTEN, SEES_WHOLE, STAFF, Relation, relations, shows_person
from tickets.models import Ticket, TicketEvent
from tickets.models.ticket import move_label
from tickets.moves.inputs import Party
from tickets.reading.face import face
from tickets.reading.parties import named
from tickets.reading.schemas import EventSerializer
from tickets.redaction import redacted
from tickets.states import state_label
from tickets.titles import spoken
from web.documents import document
from workflow.actor import Actor
from workflow.clocks import RULES

FACE_WORDS: Mapping[str, Set[str]] = {
    "submit": {"title", "text"},
    "answer_now": {"answer"},
    "reply": {"result"},
    "reject": {"guidance"},
    "thank": {"words"},
}
"""The words that readers of the public face alone may read, by the event."""
STAFF_FACTS = frozenset(
    {
        *("worker", "lead", "helping", "whistled", "released", "reporting", "unstaffed", "alarms"),
        *("instead_of", "promise", "no_contact", "in_turn"),
        *("terms", "promised", "fired", "audience", "calendar"),
    }
)
"""Facts for staff: who works on it, and what the clocks are measured by. The ticket shows residents those that are theirs to know."""
LINKS = frozenset({"another", "out_of"})
"""Facts that name another ticket. Not everybody who sees this ticket sees the other one."""


def line(
    one: TicketEvent,
    ticket: Ticket,
    actor: Actor,
    organisations: Mapping[uuid.UUID, str],
    seen: Collection[str] = (),
) -> dict[str, object]:
    """One line of the timeline of `ticket`, as `actor` may read it. The person who acted has been joined to the event.

    `seen` are the linked tickets that the reader sees.
    """
    mine = relations(ticket, actor)
    return document(
        EventSerializer,
        one,
        label=move_label(one.verb),
        target_label=state_label(one.target, ticket.channel),
        organisation=named(one.actor_organisation_id, organisations),
        person={"name": one.actor.name} if one.actor and shows_person(one, ticket, actor) else None,
        data=facts_shown(one, mine, seen),
        words=words_shown(one, ticket, mine),
    )


def facts_shown(event: TicketEvent, mine: Set[Relation], seen: Collection[str] = ()) -> dict[str, object]:
    """The facts of an event that somebody in the relations `mine` reads: none without the whole ticket, residents none of staff's."""
    if not SEES_WHOLE & mine:
        return {}
    hidden = {"words", RULES} | (frozenset() if STAFF & mine else STAFF_FACTS)
    facts = {name: value for name, value in event.data.items() if name not in hidden}
    return {name: value for name, value in facts.items() if name not in LINKS or value in seen}


def words_shown(event: TicketEvent, ticket: Ticket, mine: Set[Relation]) -> dict[str, object]:
    """The words of an event that somebody in the relations `mine` reads.

    Readers of the public face read the words that are for everybody; thanks are, with consent. Readers who neither work on the ticket
    nor reported it read words without what identifies people.
    """
    kept = getattr(event, "words", None)
    words: dict[str, Any] = kept.body if kept else {}
    if event.verb == "submit" and "title" in words:
        words = {**words, "title": spoken(words["title"])}
    if not SEES_WHOLE & mine:
        consented = event.verb != "thank" or event.data.get("consent")
        public = FACE_WORDS.get(event.verb, set()) if consented else set()
        words = {name: value for name, value in words.items() if name in public}
    return words if READS_AS_WRITTEN & mine else _public_words(event, ticket, words)


def _public_words(one: TicketEvent, ticket: Ticket, words: Mapping[str, Any]) -> dict[str, object]:
    """The words of an event as neighbours read them: none that were hidden or redacted, and nothing that identifies people."""
    reporters = one.on_behalf == Party.REPORTER
    if one.actor_id is not None:
        # Once somebody else is the reporter, or nobody, it may be the words of the person who hid theirs.
        changed = ticket.inherited or ticket.reporter_id is None
        reporters |= one.actor_id == ticket.reporter_id or (changed and one.actor_organisation_id is None)
    if one.seq in ticket.redacted_events or (ticket.words_hidden and reporters):
        return {}
    if one.verb == "submit":
        there = face(ticket)
        shown = {name: there[name] for name in ("title", "text") if name in words and there[name] is not None}
        return shown | {name: redacted(words[name]) for name in ("spot",) if name in words and not ticket.words_hidden}
    return {name: redacted(value) if isinstance(value, str) else value for name, value in words.items()}
