"""What a story leaves behind: where its ticket stands, who was told, and a history that holds."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from community.models import Organisation
from tickets.codes import new_code
from tickets.models import Ticket, TicketClock, TicketEvent, TicketOutbox
from workflow.clocks import recompute, untrue
from workflow.verification import flaw, fold


def key(ticket: Any) -> Any:
    """The id of a ticket, which a test has by its id or as the API shows it."""
    return ticket["id"] if isinstance(ticket, dict) else ticket


def row(ticket: Any) -> Ticket:
    """The ticket as the database has it now."""
    return Ticket.objects.get(pk=key(ticket))


def copies(ticket: Any, count: int, first_due: datetime | None = None, **columns: object) -> list[Ticket]:
    """Add `count` tickets like this one, with these columns, each due a minute after the one before; for finding only."""
    original, due = row(ticket), first_due or timezone.now()
    values = {field.attname: getattr(original, field.attname) for field in Ticket._meta.concrete_fields} | columns
    return Ticket.objects.bulk_create(
        Ticket(**values | {"pk": None, "id": None, "code": new_code(), "next_due_at": due + timedelta(minutes=one)})
        for one in range(count)
    )


def history(ticket: Any) -> list[TicketEvent]:
    """All events of the ticket, in order."""
    return list(TicketEvent.objects.filter(subject=key(ticket)).select_related("words").order_by("seq"))


def timeline(reader: Any, ticket: Any) -> list[str]:
    """The verbs that `reader` is shown, through the API."""
    return [one["verb"] for one in reader.get(f"tickets/{ticket['id']}/events", limit=100)["results"]]


def told(ticket: Any) -> set[str]:
    """The organisations that are to be told of the ticket's latest event, by name."""
    (outbox,) = TicketOutbox.objects.filter(event=history(ticket)[-1])
    return set(Organisation.objects.filter(pk__in=outbox.audience).values_list("name", flat=True))


def queued(reader: Any, ticket: Any) -> str | None:
    """The role in which the ticket stands in the reader's queue; None when it is not there."""
    rows = [one["role"] for one in reader.get("queue", limit=100)["results"] if one["ticket"]["id"] == ticket["id"]]
    assert len(rows) <= 1
    return rows[0] if rows else None


def clocks(ticket: Any) -> dict[str, datetime]:
    """When each clock that is live on the ticket is due, by its name."""
    return {one.name: one.due_at for one in TicketClock.objects.live().filter(subject=key(ticket))}


def assert_clocks_are_as_the_events_say(ticket: uuid.UUID) -> None:
    """Each clock of the ticket, told again from its events, is as its row is."""
    now, events = row(ticket), history(ticket)
    rows = list(TicketClock.objects.filter(subject=ticket))
    wrong = untrue(now, events, rows)
    told = [vars(one) for one in recompute(now, events) if wrong and (one.name, one.epoch) == (wrong.name, wrong.epoch)]
    stands = [vars(one) for one in rows if wrong and (one.name, one.epoch) == (wrong.name, wrong.epoch)]
    assert wrong is None, f"told: {told}\nstands: {stands}"


def seen(reader: Any, ticket: Any) -> Any:
    """The ticket as `reader` sees it; None where it does not exist for them."""
    response = reader.client.get(f"/api/v1/tickets/{ticket['id']}")
    assert response.status_code in (200, 404), response.content
    return response.json() if response.status_code == 200 else None


def shown(reader: Any, photo: str) -> bool:
    """Whether both pictures of the photo are shown to `reader`; where they are not, they are not there."""
    answers = [reader.client.get(f"/api/v1/photos/{photo}{size}") for size in ("", "/thumb")]
    for one in answers:
        one.getvalue()
    (status,) = {one.status_code for one in answers}
    assert status in (200, 404)
    return bool(status == 200)


def assert_whole(ticket: Any, state: str) -> None:
    """The ticket stands at `state`, its events lead there without a flaw, and each of them is to be told once."""
    events, now = history(ticket), row(ticket)
    assert now.state == state
    assert fold(events) == state
    assert flaw(now, events) is None
    assert_clocks_are_as_the_events_say(now.pk)
    outbox = TicketOutbox.objects.filter(event__subject=now).values_list("event", flat=True)
    assert sorted(outbox) == sorted(one.pk for one in events)
