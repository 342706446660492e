"""In spite of the guards of history: changing rows, and removing tickets that a test committed for processes and threads."""

import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from tickets.models import (
    Assignment,
    Follower,
    Ticket,
    TicketClock,
    TicketEvent,
    TicketFiring,
    TicketOutbox,
    TicketWords,
)


def need_superuser() -> None:
    """Skip, saying why, where this database's user can neither change history nor remove it again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if not cursor.fetchone()[0]:
            pytest.skip("History is append-only; only a superuser can change it, or remove what this test commits.")


@contextmanager
def behind_linlis_back() -> Iterator[Any]:
    """A superuser's cursor in the open transaction, in which triggers do not fire: what an intruder with the database could do."""
    need_superuser()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield cursor
        cursor.execute("SET LOCAL session_replication_role = origin")


def remove(tickets: Collection[uuid.UUID]) -> None:
    """Remove the tickets and all that hangs on them."""
    with transaction.atomic(), behind_linlis_back():
        for rows in (
            TicketFiring.objects.filter(clock__subject__in=tickets),
            TicketClock.objects.filter(subject__in=tickets),
            TicketOutbox.objects.filter(event__subject__in=tickets),
            TicketWords.objects.filter(event__subject__in=tickets),
            TicketEvent.objects.filter(subject__in=tickets),
            Assignment.objects.filter(ticket__in=tickets),
            Follower.objects.filter(ticket__in=tickets),
            Ticket.objects.filter(pk__in=tickets),
        ):
            rows._raw_delete(rows.db)
