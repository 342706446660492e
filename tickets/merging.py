"""Merge tickets, split them, and file another ticket out of one. The caller opens the transaction."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from types import EllipsisType

from tickets.access import Relation, relations
from tickets.filing import FOR_RESIDENTS, TYPES_FOUND, UNKNOWN_PLACE, Report, routed
from tickets.following import follow, unfollow
from tickets.models import Follower, FollowerKind, Ticket
from tickets.models.photo import PhotoKind
from tickets.moves.inputs import Party as StoodInFor
from tickets.photos import attach, claim
from web.words import bilingual
from workflow.actor import Actor
from workflow.errors import InvalidInput
from workflow.models import Event
from workflow.writing import create, perform

_FOLLOWED = bilingual(
    "已有人附议，不能并入不公开的工单。", "Others follow it, so it does not merge into one without a public face."
)
_UNKNOWN_TICKET = bilingual("没有这件工单。", "There is no such ticket.")


def takes_in(into: Ticket, by: Actor) -> bool:
    """Whether the actor may merge another ticket into this one, as far as that follows from what they are to it."""
    return bool(relations(into, by) & {Relation.STREET, Relation.COORDINATOR})


def merge(ticket: Ticket, *, by: Actor, version: int | None, into: Ticket | None) -> Event:
    """Merge `ticket` into the open ticket `into`, locked with it; its residents follow `into` from now on.

    Raises IllegalMove, NotPermitted, InvalidInput or StaleVersion, and then nothing has changed.
    """
    if into is None or not takes_in(into, by):
        raise InvalidInput("into", "unknown_ticket", _UNKNOWN_TICKET)
    followers = list(Follower.objects.filter(ticket=ticket).values_list("person_id", flat=True))
    if followers and not into.has_public_face:
        raise InvalidInput("into", "no_public_face", _FOLLOWED)
    promise = ticket.promise
    event = perform(Ticket.merge, ticket, by=by, version=version, into=into)
    # Its residents are those of the other now: what they were promised sooner holds for that.
    if promise is not None and (into.due_at is None or promise["due_at"] < into.due_at):
        into.note(promise=promise)
    # Readers of the other ticket learn that it took one in, but not by whom, nor whose it was.
    perform(Ticket.absorb, into, by=Actor.the_clock(by.at))
    people = {person for person in [ticket.reporter_id, *followers] if person and person != into.reporter_id}
    there = Follower.objects.filter(ticket=into, person__in=people).values_list("person_id", flat=True)
    follow(into, people.difference(there), FollowerKind.MERGED, event.at)
    return event


def split(ticket: Ticket, *, by: Actor, version: int | None, masters: Sequence[Ticket] = (), reason: str = "") -> Event:
    """Take the ticket out of `masters`, locked with it, the nearest first. Its residents no longer follow them because of it."""
    if ticket.due_at is None and masters and masters[0].promise is not None:
        # Its residents were promised what the other's were.
        ticket.note(promise=masters[0].promise)
    event = perform(Ticket.split, ticket, by=by, version=version, reason=reason)
    leaving = {ticket.reporter_id, *Follower.objects.filter(ticket=ticket).values_list("person_id", flat=True)} - {None}
    for master in masters:
        others = Ticket.objects.absorbed_by(master.pk)
        reporters = others.filter(reporter__in=leaving).values("reporter")
        followers = Follower.objects.filter(ticket__in=others.values("pk"), person__in=leaving).values("person")
        there = Follower.objects.filter(ticket=master, person__in=leaving, kind=FollowerKind.MERGED)
        unfollow(master, there.exclude(person__in=reporters.union(followers)))
    return event


def file_another(
    ticket: Ticket,
    *,
    by: Actor,
    version: int | None,
    category: str,
    text: str = "",
    title: str = "",
    type: str = "",
    compound: uuid.UUID | EllipsisType | None = ...,
    spot: str | None = None,
    accused: uuid.UUID | None = None,
    photos: Sequence[uuid.UUID] = (),
) -> Event:
    """File a second matter of the report as its own ticket, which is routed like any other and has its whole time.

    Raises InvalidInput.
    """
    moved = compound is not ... and compound != ticket.compound_id
    place = ticket.compound_id if compound is ... else compound
    report = Report(
        type=type or ticket.type,
        category=category,
        text=text or ticket.text,
        title=title,
        compound_id=place,
        street_id=ticket.street_id,
        spot=spot if spot is not None else "" if moved else ticket.spot,
        secrecy=ticket.secrecy,
        accused_id=accused,
        photos=photos,
        channel=ticket.channel,
    )
    if ticket.inspector_id and (accused or report.type not in TYPES_FOUND):
        raise InvalidInput("accused" if accused else "type", "for_residents", FOR_RESIDENTS)
    another, happening, _ = routed(report, by, None, out_of=ticket)
    if another.street_id != ticket.street_id:
        raise InvalidInput("compound", "unknown_place", UNKNOWN_PLACE)
    claimed = claim(photos, by)
    event = perform(Ticket.file_another, ticket, by=by, version=version, another=another.pk, category=category)
    standing_in = "" if another.inspector_id else StoodInFor.REPORTER.value
    create(another, happening, by=replace(by, on_behalf=standing_in), at=event.at)
    attach(another, claimed, PhotoKind.REPORT)
    return event
