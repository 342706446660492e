"""The followers of a ticket. Each change is sealed with the ticket's row, because no event lists all followers."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import QuerySet

from tickets.models import Follower, FollowerKind, Ticket, TicketOutbox
from workflow.audit import sum_of_rows
from workflow.rows import Change
from workflow.writing import seal_again


def follow(ticket: Ticket, people: Iterable[uuid.UUID], kind: FollowerKind, since: datetime) -> None:
    """Let people follow a locked ticket. Raises IntegrityError where a person follows it already."""
    rows = [
        Follower(street_id=ticket.street_id, ticket=ticket, person_id=person, kind=kind, since=since)
        for person in sorted(people)
    ]
    if rows:
        _seal(ticket, new=rows, added=rows)


def unfollow(ticket: Ticket, leaving: QuerySet[Follower]) -> None:
    """Remove followers of a locked ticket. They are still told of events that wait in the outbox."""
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


def mark(ticket: Ticket, following: QuerySet[Follower], **columns: object) -> bool:
    """Change columns of followers of a locked ticket. Returns whether there were any."""
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
    """Write the seal over the followers and, by the same statement, the new and changed rows."""
    ticket.followers_seal = sum_of_rows(ticket.followers_seal, added=added, removed=removed)
    seal_again(ticket, "followers_seal", new=new, changes=changes)
