"""A ticket as a document: how much of it is shown follows from what the reader is to it."""

import uuid
from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection

from community.models import Person
from community.phones import masked_phone
from tickets import catalogue
from tickets.access import (
    READS_AS_WRITTEN,
    SEES_SUMMARY,
    SEES_WHOLE,
    STAFF,
    Relation,
    reads_clock,
    relations,
    shows_contact,
    shows_photo,
)
from tickets.face import face_spot
from tickets.masks import masked_name
from tickets.models import Assignment, Photo, Ticket
from tickets.models.photo import of_report
from tickets.queries import linked
from tickets.reading import deadlines, schemas
from tickets.reading.face import face
from tickets.reading.parties import named, worker
from tickets.routing import Routing
from tickets.states import ENDED, AssignmentRole, Outcome, Source, State, state_label
from tickets.titles import spoken
from web.documents import document
from workflow.actor import Actor
from workflow.prepared import Prepared

R = Relation
# What a document leaves empty but for those who may see it.
_NOT_FOR_ALL = (
    *("text", "spot", "contact", "assignments", "resolved", "rating", "rated_on_behalf"),
    *("question_open", "extension_days", "on_account", "promised_at"),
)


def brief(ticket: Ticket, actor: Actor) -> dict[str, object]:
    """Where a ticket stands now: what a client needs after a move. Costs no SQL."""
    clocks = deadlines.shown(ticket, relations(ticket, actor), ticket.clocks)
    return document(schemas.BriefSerializer, ticket, **_stand(ticket), clocks=clocks)


def _stand(ticket: Ticket) -> dict[str, object]:
    return {
        "state": str(ticket.state),
        "state_label": state_label(ticket.state, ticket.channel),
        "holder": ticket.holder_id,
        "coordinator": ticket.coordinator_today,
    }


def of_before(kept: dict[str, Any], ticket: Ticket, actor: Actor) -> dict[str, object]:
    """A `brief` or `filed` document of before, without the clocks of which `actor` may read no more."""
    mine = relations(ticket, actor)
    clocks = [one for one in kept["clocks"] or () if reads_clock(one["name"], mine)]
    return {**kept, "clocks": clocks if mine & SEES_WHOLE else None}


def filed(ticket: Ticket, routing: Routing, actor: Actor) -> dict[str, object]:
    """What the reporter reads after filing: where it went, why, and by when."""
    return {
        **brief(ticket, actor),
        "title": spoken(ticket.title),
        "routed": routing.reason,
        "urgent": ticket.urgent,
    }


def detail(ticket: Ticket, actor: Actor) -> dict[str, object]:
    """The whole ticket as `actor` may see it. Two statements: organisations and photos; three more where others are linked to it."""
    mine = relations(ticket, actor)
    shows_all, as_written, public = bool(mine & SEES_WHOLE), bool(mine & READS_AS_WRITTEN), face(ticket)
    leaf = catalogue.leaf_by_id(ticket.category_id)
    names = _organisation_names(ticket)
    # Of a ticket that has ended everybody keeps the clocks that were theirs to read.
    late = ticket.late if mine & STAFF or ticket.state in ENDED else []
    found = document(
        schemas.TicketSerializer,
        ticket,
        **_stand(ticket),
        source=Source.of(ticket.channel).value,
        inspector=named(ticket.inspector_id, names) if shows_all else None,
        category={"code": leaf.code, "name": leaf.name, "group": leaf.group, "group_name": leaf.group_name},
        street=ticket.street_id,
        compound=ticket.compound_id,
        title=spoken(ticket.title),
        clocks=deadlines.shown(ticket, mine, [*ticket.clocks, *late]),
        holder_name=names.get(ticket.holder_id, "") if ticket.holder_id else "",
        coordinator_name=names.get(ticket.coordinator_today, "") if ticket.coordinator_today else "",
        merged_into=ticket.merged_into_id,
        linked=[_linked(one, ticket) for one in linked(ticket, actor)] if shows_all else None,
        relations=sorted(mine),
        **dict.fromkeys(_NOT_FOR_ALL),
        photos=[],
        officer=_officer(ticket) if R.STREET in mine else None,
        hotline_number=ticket.hotline_number if mine & STAFF else None,
        face=public if as_written and ticket.has_public_face else None,
    )
    if not mine & (READS_AS_WRITTEN | SEES_SUMMARY):
        found["title"] = public["title"]
    if R.NEIGHBOUR in mine:
        found["text"] = public["text"]
    if shows_all:
        found |= {
            "text": ticket.text if as_written else public["text"],
            "spot": ticket.spot if as_written else face_spot(ticket),
            "contact": shown_contact(ticket, actor),
            "assignments": [_assignment(one, names, mine) for one in ticket.assignments],
            "photos": photos(ticket, actor),
            "resolved": ticket.resolved,
            "rating": ticket.rating,
            "rated_on_behalf": ticket.rated_on_behalf if ticket.rating is not None else None,
            "question_open": ticket.question_open,
            "extension_days": ticket.extension_days,
            "on_account": _account(ticket, names),
            "promised_at": deadlines.promised(ticket.due_at, str(ticket.state), ticket.clocks),
        }
    return found


def _linked(one: Ticket, ticket: Ticket) -> dict[str, object]:
    """The document of a linked ticket: filed out of `ticket`, or the ticket that `ticket` was filed out of."""
    leaf = catalogue.leaf_by_id(one.category_id)
    return document(
        schemas.LinkedSerializer,
        one,
        link="another" if one.filed_out_of_id == ticket.pk else "out_of",
        state=str(one.state),
        state_label=state_label(one.state, one.channel),
        category={"code": leaf.code, "name": leaf.name},
    )


def _officer(ticket: Ticket) -> dict[str, object] | None:
    """Who of the street answers for it."""
    if ticket.officer_id is None:
        return None
    return {"id": ticket.officer_id, "name": Person.objects.values_list("name", flat=True).get(pk=ticket.officer_id)}


def refiling(ticket: Ticket) -> dict[str, object]:
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
        "photos": [
            one.pk
            for one in Photo.objects.filter(of_report(ticket.reporter_id), ticket=ticket).order_by("id").only("pk")
        ],
    }


_PHOTOS: Prepared[Photo] = Prepared(
    lambda ticket: Photo.objects.filter(ticket=ticket).order_by("id"), ticket=uuid.UUID(int=1)
)


def photos(ticket: Ticket, actor: Actor) -> list[dict[str, object]]:
    """The photos that `actor` may see, oldest first. One statement."""
    return [photo(one) for one in _PHOTOS.rows(ticket=ticket.pk) if shows_photo(one, ticket, actor)]


def photo(one: Photo) -> dict[str, object]:
    """A photo by its addresses."""
    return {
        "id": one.id,
        "kind": one.kind,
        "url": f"/api/v1/photos/{one.id}",
        "thumb": f"/api/v1/photos/{one.id}/thumb",
    }


_ORGANISATIONS = "SELECT id, name, kind FROM community_organisation WHERE id = ANY(%s)"


def _organisation_names(ticket: Ticket) -> dict[uuid.UUID, str]:
    """Names of the organisations on the ticket; of what kind they are, the ticket knows from now on."""
    parties = [ticket.holder_id, ticket.coordinator_today, ticket.account_owner_id, ticket.inspector_id]
    parties += [one.organisation_id for one in ticket.assignments]
    with connection.cursor() as cursor:
        cursor.execute(_ORGANISATIONS, [list({one for one in parties if one})])
        rows = cursor.fetchall()
    ticket.kinds |= {pk: kind for pk, _, kind in rows}
    return {pk: name for pk, name, _ in rows}


def _assignment(one: Assignment, names: Mapping[uuid.UUID, str], mine: Collection[Relation]) -> dict[str, object]:
    return document(
        schemas.AssignmentSerializer,
        one,
        organisation=named(one.organisation_id, names),
        role_label=AssignmentRole(one.role).label,
        outcome_label=Outcome(one.outcome).label,
        worker=worker(one.worker_id, getattr(one, "worker_name", None), bool(STAFF & set(mine))),
    )


def _account(ticket: Ticket, names: Mapping[uuid.UUID, str]) -> dict[str, object] | None:
    if ticket.state != State.ON_ACCOUNT:
        return None
    return {
        "kind": ticket.account_kind,
        "owner": named(ticket.account_owner_id, names),
        "plan_date": ticket.account_plan_on,
    }


def shown_contact(ticket: Ticket, actor: Actor) -> dict[str, str] | None:
    """Name and phone as `actor` may see them: in the clear, masked, or None."""
    match shows_contact(ticket, actor):
        case "clear":
            return contact(ticket)
        case "masked":
            return {"name": masked_name(ticket.contact_name), "phone": masked_phone(ticket.contact_phone)}
    return None


def contact(ticket: Ticket) -> dict[str, str]:
    """Name and phone in the clear: for the reporter, and for people who revealed them on record and still may."""
    return {"name": ticket.contact_name, "phone": ticket.contact_phone}
