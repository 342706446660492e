"""Whether anything has changed since somebody looked, for pages that ask again and again (docs/decisions/what-a-poll-asks.md)."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import connection

# Ids rise with the moment at which PostgreSQL made them, but who began earlier may commit later. So the number of events of the two
# minutes before the latest tells as well: a statement is ended after 30 seconds, and a transaction that does nothing after 60.
_LATEST = """
WITH latest AS MATERIALIZED (SELECT id FROM tickets_ticketevent ORDER BY id DESC LIMIT 1)
SELECT latest.id::text, (
  SELECT count(*) FROM tickets_ticketevent AS event
  WHERE event.id >= (SELECT uuidv7(uuid_extract_timestamp(latest.id) - now() - interval '2 minutes') FROM latest)
) FROM latest
"""
_PARTS = """
SELECT count(*), coalesce(sum(hashtextextended(ticket.id::text, ticket.event_count)), 0)::text,
  count(*) FILTER (WHERE part.next_due_at <= %s)
FROM tickets_assignment AS part JOIN tickets_ticket AS ticket ON ticket.id = part.ticket_id
WHERE part.open AND part.organisation_id = ANY(%s)
"""


def latest_change() -> str:
    """Changes with every event of any ticket; read from an index, whatever the number of tickets. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_LATEST)
        row = cursor.fetchone()
    return f"{row[0]}.{row[1]}" if row else ""


def queue_fingerprint(organisations: Sequence[uuid.UUID], at: datetime) -> str:
    """Changes with every event of a ticket in which the organisations have an open part, and when one comes, goes or gets late.

    One statement, which reads each of these tickets.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PARTS, [at, list(organisations)])
        return ".".join(map(str, cursor.fetchone()))
