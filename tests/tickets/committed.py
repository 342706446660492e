"""Tickets that a test commits, for processes and threads of their own; afterwards they are gone again."""

import uuid
from collections.abc import Collection

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
    """Skip, saying why, where this database's user could not remove history again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if not cursor.fetchone()[0]:
            pytest.skip("History is append-only; only a superuser can remove what this test commits.")


def remove(tickets: Collection[uuid.UUID]) -> None:
    """Remove the tickets and all that hangs on them."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
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
