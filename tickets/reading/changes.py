"""Whether anything has changed since somebody looked, for pages that ask again and again (docs/decisions/what-a-poll-asks.md)."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import connection

# Ids rise with the moment at which PostgreSQL made them, but who began earlier may commit later. So the number of events of the two
# minutes before the latest tells as well: a statement is ended after 30 seconds, and a transaction that does nothing after 60. Once the
# latest is older than that, nothing earlier can come, and nothing is counted.
_LATEST = """
WITH latest AS MATERIALIZED (SELECT id FROM tickets_ticketevent ORDER BY id DESC LIMIT 1)
SELECT latest.id::text, CASE WHEN uuid_extract_timestamp(latest.id) > now() - interval '2 minutes' THEN (
  SELECT count(*) FROM tickets_ticketevent AS event
  WHERE event.id >= (SELECT uuidv7(uuid_extract_timestamp(latest.id) - now() - interval '2 minutes') FROM latest)
) ELSE 0 END FROM latest
"""
MOST_PARTS = 1000
"""Of so many parts in tickets at most a fingerprint reads them all."""
_PARTS = f"""
WITH part AS MATERIALIZED (
  SELECT ticket_id, next_due_at FROM tickets_assignment WHERE open AND organisation_id = ANY(%s) LIMIT {MOST_PARTS + 1}
), number AS (SELECT count(*) AS parts, count(*) FILTER (WHERE next_due_at <= %s) AS late FROM part)
SELECT parts, late, CASE WHEN parts <= {MOST_PARTS} THEN (
  SELECT coalesce(sum(hashtextextended(ticket.id::text, ticket.event_count)), 0)::text
  FROM part JOIN tickets_ticket AS ticket ON ticket.id = part.ticket_id
) END FROM number
"""  # noqa: S608 - a number of the code's own
_TICKETS = "SELECT sum(hashtextextended(id::text, event_count)) FROM tickets_ticket WHERE id = ANY(%s)"


def latest_change() -> str:
    """Changes with every event of any ticket; read from an index, whatever the number of tickets. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_LATEST)
        row = cursor.fetchone()
    return f"{row[0]}.{row[1]}" if row else ""


def queue_fingerprint(organisations: Sequence[uuid.UUID], at: datetime) -> str | None:
    """Changes with every event of a ticket in which the organisations have an open part, and when one comes, goes or gets late.

    None where they have more than MOST_PARTS. One statement, which reads each of these tickets.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PARTS, [list(organisations), at])
        parts, late, tickets = cursor.fetchone()
    return None if tickets is None else f"{parts}.{tickets}.{late}"


def tickets_fingerprint(tickets: Sequence[uuid.UUID]) -> str:
    """Changes with every event of these tickets. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_TICKETS, [list(tickets)])
        return str(cursor.fetchone()[0])
