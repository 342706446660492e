"""Who follows a ticket: each change of its followers is sealed with the ticket's row, for no event tells all of them."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from tickets.models import Follower, FollowerKind, Ticket, TicketOutbox
from workflow.audit import sum_of_rows
from workflow.rows import Change
from workflow.writing import seal_again


def follow(ticket: Ticket, people: Iterable[uuid.UUID], kind: FollowerKind, since: datetime) -> None:
    """Let people follow a locked ticket. Raises IntegrityError where one of them does so already."""
    rows = [
        Follower(street_id=ticket.street_id, ticket=ticket, person_id=person, kind=kind, since=since)
        for person in sorted(people)
    ]
    if rows:
        _seal(ticket, new=rows, added=rows)


def unfollow(ticket: Ticket, leaving: QuerySet[Follower]) -> None:
    """Let followers of a locked ticket go. What has happened to it and is yet to be told is still told to them."""
    rows = list(leaving)
    if not rows:
        return
    gone = [[str(one.person_id), one.kind, one.since.isoformat()] for one in rows]
    waiting = TicketOutbox.objects.filter(event__subject=ticket).select_for_update(of=("self",)).order_by("pk")
    for row in waiting:
        row.facts["left"] = [*row.facts.get("left", ()), *gone]
    TicketOutbox.objects.bulk_update(waiting, ["facts"])
    Follower.objects.filter(pk__in=[one.pk for one in rows]).delete()
    _seal(ticket, removed=rows)


def mark(ticket: Ticket, following: QuerySet[Follower], **columns: Any) -> bool:
    """Note something of the followers of a locked ticket; whether there was one."""
    rows = list(following)
    if not rows:
        return False
    ticket.followers_seal = sum_of_rows(ticket.followers_seal, removed=rows)
    for one in rows:
        one.__dict__.update(columns)
    _seal(ticket, changes=[Change(rows, tuple(columns))], added=rows)
    return True


def _seal(
    ticket: Ticket,
    *,
    new: Sequence[Follower] = (),
    changes: Sequence[Change] = (),
    added: Iterable[Follower] = (),
    removed: Iterable[Follower] = (),
) -> None:
    """Write the seal over the followers and, by the same statement, those that are new or have changed."""
    ticket.followers_seal = sum_of_rows(ticket.followers_seal, added=added, removed=removed)
    seal_again(ticket, "followers_seal", new=new, changes=changes)
