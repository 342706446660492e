"""Tickets as JSON: how much of one is shown follows from what the reader is to it."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db.models import QuerySet

from community.models import Organisation, Person
from tickets import catalogue
from tickets.access import (
    READS_AS_WRITTEN,
    SEES_CONTACT,
    SEES_SUMMARY,
    SEES_WHOLE,
    STAFF,
    Relation,
    reads_clock,
    relations,
    shows_person,
    shows_photo,
    stands_revealed,
)
from tickets.api import deadlines
from tickets.api.rows import worker
from tickets.masks import masked_name, masked_phone
from tickets.models import Assignment, Photo, Ticket, TicketEvent
from tickets.models.photo import of_report
from tickets.models.ticket import move_label
from tickets.moves.inputs import Party
from tickets.queries import linked
from tickets.redaction import redacted
from tickets.routing import Routing
from tickets.states import ENDED, AssignmentRole, Outcome, Secrecy, Source, State, state_label
from tickets.titles import spoken
from workflow.actor import Actor
from workflow.clocks import RULES

R = Relation


def brief(ticket: Ticket, actor: Actor) -> dict[str, Any]:
    """Where a ticket stands now: what a client needs after a move. Costs no SQL."""
    return {
        "id": ticket.id,
        "code": ticket.code,
        "state": str(ticket.state),
        "state_label": state_label(ticket.state, ticket.channel),
        "version": ticket.version,
        "holder": ticket.holder_id,
        "coordinator": ticket.coordinator_today,
        "due_at": ticket.due_at,
        "next_due_at": ticket.next_due_at,
        "closed_at": ticket.closed_at,
        "level": ticket.level,
        "clocks": deadlines.shown(ticket, relations(ticket, actor), ticket.clocks),
    }


def of_before(document: dict[str, Any], ticket: Ticket, actor: Actor) -> dict[str, Any]:
    """A `brief` or `filed` document of before, without the clocks of which `actor` may read no more."""
    mine = relations(ticket, actor)
    clocks = [one for one in document["clocks"] or () if reads_clock(one["name"], mine)]
    return {**document, "clocks": clocks if mine & SEES_WHOLE else None}


def filed(ticket: Ticket, routing: Routing, actor: Actor) -> dict[str, Any]:
    """What the reporter reads after filing: where it went, why, and by when."""
    return {
        **brief(ticket, actor),
        "title": spoken(ticket.title),
        "routed": routing.reason,
        "urgent": ticket.urgent,
    }


def detail(ticket: Ticket, actor: Actor) -> dict[str, Any]:
    """The whole ticket as `actor` may see it. Two statements: organisations and photos; three more where others are linked to it."""
    mine = relations(ticket, actor)
    shows_all = bool(mine & SEES_WHOLE)
    leaf = catalogue.leaf_by_id(ticket.category_id)
    names = _organisation_names(ticket)
    # Of a ticket that has ended everybody keeps the clocks that were theirs to read.
    late = ticket.late if mine & STAFF or ticket.state in ENDED else []
    document = {
        **brief(ticket, actor),
        "type": ticket.type,
        "secrecy": ticket.secrecy,
        "channel": ticket.channel,
        "source": Source.of(ticket.channel).value,
        "inspector": _named(ticket.inspector_id, names) if shows_all else None,
        "category": {"code": leaf.code, "name": leaf.name, "group": leaf.group, "group_name": leaf.group_name},
        "street": ticket.street_id,
        "compound": ticket.compound_id,
        "place": ticket.place,
        "title": spoken(ticket.title),
        "urgent": ticket.urgent,
        "supervised": ticket.supervised,
        "cosigns": ticket.cosigns,
        "clocks": deadlines.shown(ticket, mine, [*ticket.clocks, *late]),
        "submitted_at": ticket.submitted_at,
        "state_since": ticket.state_since,
        "holder_name": names.get(ticket.holder_id, "") if ticket.holder_id else "",
        "coordinator_name": names.get(ticket.coordinator_today, "") if ticket.coordinator_today else "",
        "merged_into": ticket.merged_into_id,
        "linked": [_linked(one, ticket) for one in linked(ticket, actor)] if shows_all else None,
        "relations": sorted(mine),
        "text": None,
        "spot": None,
        "contact": None,
        "assignments": None,
        "photos": [],
        "resolved": None,
        "rating": None,
        "rated_on_behalf": None,
        "question_open": None,
        "extension_days": None,
        "on_account": None,
        "officer": _officer(ticket) if R.STREET in mine else None,
        "hotline_number": ticket.hotline_number if mine & STAFF else None,
        "promised_at": None,
        "face": _face(ticket) if mine & READS_AS_WRITTEN and ticket.has_public_face else None,
    }
    as_written = bool(mine & READS_AS_WRITTEN)
    face = _face(ticket)
    if not mine & (READS_AS_WRITTEN | SEES_SUMMARY):
        document["title"] = face["title"]
    if R.NEIGHBOUR in mine:
        document["text"] = face["text"]
    if shows_all:
        document |= {
            "text": ticket.text if as_written else face["text"],
            "spot": ticket.spot if as_written else _spot(ticket),
            "contact": _contact(ticket, actor, mine),
            "assignments": [_assignment(one, names, mine) for one in ticket.assignments],
            "photos": [photo(one) for one in _photos(ticket) if shows_photo(one, ticket, actor)],
            "resolved": ticket.resolved,
            "rating": ticket.rating,
            "rated_on_behalf": ticket.rated_on_behalf if ticket.rating is not None else None,
            "question_open": ticket.question_open,
            "extension_days": ticket.extension_days,
            "on_account": _account(ticket, names),
            "promised_at": deadlines.promised(ticket.due_at, str(ticket.state), ticket.clocks),
        }
    return document


def _linked(one: Ticket, ticket: Ticket) -> dict[str, Any]:
    """A ticket that was filed out of this one, or that this one was filed out of."""
    leaf = catalogue.leaf_by_id(one.category_id)
    return {
        "id": one.id,
        "code": one.code,
        "link": "another" if one.filed_out_of_id == ticket.pk else "out_of",
        "state": str(one.state),
        "state_label": state_label(one.state, one.channel),
        "category": {"code": leaf.code, "name": leaf.name},
        "place": one.place,
    }


def _officer(ticket: Ticket) -> dict[str, Any] | None:
    """Who of the street answers for it."""
    if ticket.officer_id is None:
        return None
    return {"id": ticket.officer_id, "name": Person.objects.values_list("name", flat=True).get(pk=ticket.officer_id)}


def _face(ticket: Ticket) -> dict[str, Any]:
    """Title and text as neighbours read them."""
    title, text = ticket.face
    leaf = catalogue.leaf_by_id(ticket.category_id)
    return {
        "title": spoken(title) if title else f"{leaf.name} · {ticket.place}",
        "text": text,
        "hidden": bool(ticket.words_hidden),
    }


def _spot(ticket: Ticket) -> str | None:
    return None if ticket.words_hidden else redacted(ticket.spot)


def forecast_face(ticket: Ticket) -> dict[str, Any]:
    """What neighbours would read of a ticket that is not filed yet."""
    return {"public": ticket.has_public_face, **_face(ticket)}


def refiling(ticket: Ticket) -> dict[str, Any]:
    """The report as its reporter made it, with its photos, and without whom it accused."""
    return {
        "type": ticket.type,
        "category": catalogue.leaf_by_id(ticket.category_id).code,
        **({"compound": ticket.compound_id} if ticket.compound_id else {"street": ticket.street_id}),
        "spot": ticket.spot,
        "title": ticket.title,
        "text": ticket.text,
        "secrecy": ticket.secrecy,
        "hidden": bool(ticket.words_hidden),
        "photos": [one.pk for one in _photos(ticket).filter(of_report(ticket.reporter_id))],
    }


def _photos(ticket: Ticket) -> QuerySet[Photo]:
    return Photo.objects.filter(ticket=ticket).order_by("id")


def photo(one: Photo) -> dict[str, Any]:
    """A photo by its addresses."""
    return {
        "id": one.id,
        "kind": one.kind,
        "url": f"/api/v1/photos/{one.id}",
        "thumb": f"/api/v1/photos/{one.id}/thumb",
    }


def _organisation_names(ticket: Ticket) -> dict[uuid.UUID, str]:
    """Names of the organisations on the ticket; of what kind they are, the ticket knows from now on."""
    parties = [ticket.holder_id, ticket.coordinator_today, ticket.account_owner_id, ticket.inspector_id]
    parties += [one.organisation_id for one in ticket.assignments]
    found = Organisation.objects.filter(pk__in={one for one in parties if one})
    rows = list(found.values_list("pk", "name", "kind"))
    ticket.kinds |= {pk: kind for pk, _, kind in rows}
    return {pk: name for pk, name, _ in rows}


def _named(organisation_id: uuid.UUID | None, names: Mapping[uuid.UUID, str]) -> dict[str, Any] | None:
    return {"id": organisation_id, "name": names.get(organisation_id, "")} if organisation_id else None


def _assignment(one: Assignment, names: Mapping[uuid.UUID, str], mine: Collection[Relation]) -> dict[str, Any]:
    return {
        "organisation": _named(one.organisation_id, names),
        "role": one.role,
        "role_label": AssignmentRole(one.role).label,
        "step": one.step,
        "open": one.open,
        "outcome": one.outcome,
        "outcome_label": Outcome(one.outcome).label,
        "opened_at": one.opened_at,
        "signed_at": one.signed_at,
        "contacted_at": one.contacted_at,
        "arrived_at": one.arrived_at,
        "closed_at": one.closed_at,
        "designated": one.designated,
        "worker": worker(one.worker_id, getattr(one, "worker_name", None), bool(STAFF & set(mine))),
    }


def _account(ticket: Ticket, names: Mapping[uuid.UUID, str]) -> dict[str, Any] | None:
    if ticket.state != State.ON_ACCOUNT:
        return None
    return {
        "kind": ticket.account_kind,
        "owner": _named(ticket.account_owner_id, names),
        "plan_date": ticket.account_plan_on,
    }


def _contact(ticket: Ticket, actor: Actor, mine: Collection[Relation]) -> dict[str, str] | None:
    if ticket.secrecy == Secrecy.ANONYMOUS or ticket.inspector_id or not SEES_CONTACT & set(mine):
        return None
    if R.REPORTER in mine or stands_revealed(ticket, actor):
        return contact(ticket)
    if ticket.secrecy == Secrecy.CONFIDENTIAL and R.STREET not in mine:
        return None
    return {"name": masked_name(ticket.contact_name), "phone": masked_phone(ticket.contact_phone)}


def contact(ticket: Ticket) -> dict[str, str]:
    """Name and phone in the clear: for the reporter, and for people who revealed them on record and still may."""
    return {"name": ticket.contact_name, "phone": ticket.contact_phone}


# What somebody who sees only the public face may read of people's words.
FACE_WORDS = {
    "submit": {"title", "text"},
    "answer_now": {"answer"},
    "reply": {"result"},
    "reject": {"guidance"},
    "thank": {"words"},
}


# Who works on it, and what the clocks are measured by: the ticket shows residents those that are theirs to know.
STAFF_FACTS = frozenset(
    {
        *(
            "worker",
            "lead",
            "helping",
            "whistled",
            "released",
            "reporting",
            "unstaffed",
            "alarms",
            "instead_of",
            "promise",
            "no_contact",
        ),
        *("terms", "promised", "fired", "audience", "calendar"),
    }
)


# What names another ticket, which not everybody sees who sees this one.
LINKS = frozenset({"another", "out_of"})


def event(
    one: TicketEvent,
    ticket: Ticket,
    actor: Actor,
    organisations: Mapping[uuid.UUID, str],
    seen: Collection[str] = (),
) -> dict[str, Any]:
    """One line of the timeline of `ticket`, as `actor` may read it. Who acted has been joined to it.

    Residents read which organisation acted, and of its people the worker alone. Whoever sees only the public face reads that it
    happened, and the words that are for everybody; thanks are, with their consent. Whoever neither
    works on it nor reported it reads words without what identifies people. `seen` are the linked tickets that the reader sees.
    """
    mine = relations(ticket, actor)
    kept = getattr(one, "words", None)
    facts = {name: value for name, value in one.data.items() if name not in ("words", RULES)}
    facts = {name: value for name, value in facts.items() if name not in LINKS or value in seen}
    words = kept.body if kept else {}
    if one.verb == "submit" and "title" in words:
        words = {**words, "title": spoken(words["title"])}
    if not SEES_WHOLE & set(mine):
        consented = one.verb != "thank" or facts.get("consent")
        public = FACE_WORDS.get(one.verb, set()) if consented else set()
        facts, words = {}, {name: value for name, value in words.items() if name in public}
    elif not STAFF & set(mine):
        facts = {name: value for name, value in facts.items() if name not in STAFF_FACTS}
    if not READS_AS_WRITTEN & set(mine):
        words = _public_words(one, ticket, words)
    return {
        "seq": one.seq,
        "verb": one.verb,
        "label": move_label(one.verb),
        "source": one.source,
        "target": one.target,
        "target_label": state_label(one.target, ticket.channel),
        "at": one.at,
        "organisation": _named(one.actor_organisation_id, organisations),
        "person": {"name": one.actor.name} if one.actor and shows_person(one, ticket, actor) else None,
        "on_behalf": one.on_behalf,
        "visibility": one.visibility,
        "data": facts,
        "words": words,
    }


def _public_words(one: TicketEvent, ticket: Ticket, words: Mapping[str, str]) -> dict[str, str]:
    """The words of an event as neighbours read them: none that were hidden or redacted, and nothing that identifies people."""
    reporters = one.on_behalf == Party.REPORTER
    if one.actor_id is not None:
        # Once somebody else is the reporter, or nobody, it may be the words of whoever hid theirs.
        changed = ticket.inherited or ticket.reporter_id is None
        reporters |= one.actor_id == ticket.reporter_id or (changed and one.actor_organisation_id is None)
    if one.seq in ticket.redacted_events or (ticket.words_hidden and reporters):
        return {}
    if one.verb == "submit":
        face = _face(ticket)
        shown = {name: face[name] for name in ("title", "text") if name in words and face[name] is not None}
        return shown | {name: redacted(words[name]) for name in ("spot",) if name in words and not ticket.words_hidden}
    return {name: redacted(value) if isinstance(value, str) else value for name, value in words.items()}


def organisation_names(ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, str]:
    """Names by id, in one statement."""
    return dict(Organisation.objects.filter(pk__in={one for one in ids if one}).values_list("pk", "name"))
