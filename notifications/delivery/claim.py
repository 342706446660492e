"""Claiming deliveries: one statement marks the next due delivery as being sent, under a lease, before anything is sent."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.utils import timezone

from notifications.channels.channel import DeliveryChannel, Envelope
from notifications.delivery import overflow, queues
from notifications.delivery.outcomes import finish, record, settle
from notifications.models.preferences import QUIET_FROM, QUIET_UNTIL
from notifications.models.receivers import BLOCKED
from notifications.timing import Quiet, quiet_hours
from notifications.topics import DeliveryState


def claim(channel: DeliveryChannel) -> Envelope | None:
    """Claim the next due delivery of the channel: it belongs to the caller until its lease ends. None where nothing is due.

    A delivery for an inactive person is dropped. A delivery in quiet hours is put off until they end.
    """
    while (claimed := _take(channel)) is not None:
        envelope, active, quiet = claimed
        if active is False:
            finish(envelope, DeliveryState.DROPPED, error="The person is no longer active.")
        elif (morning := _sleeps_until(channel, envelope, quiet)) is not None:
            settle(channel, envelope)
            record(envelope, state=DeliveryState.QUEUED, available_at=morning, lease_until=None)
        else:
            return envelope
    return None


def _sleeps_until(channel: DeliveryChannel, envelope: Envelope, quiet: Quiet) -> datetime | None:
    """The end of the receiver's quiet hours, where the delivery must wait for it; None where it can be sent now.

    It waits when the quiet hours began after the event happened.
    """
    hours = quiet_hours(timezone.now(), *quiet)
    return hours[1] if channel.quiet and not envelope.urgent and hours and envelope.at < hours[0] else None


def _take(channel: DeliveryChannel) -> tuple[Envelope, bool | None, Quiet] | None:
    """A claimed delivery, whether its person is active (None: it is for no person), and the receiver's quiet hours."""
    parameters: dict[str, object] = {"channel": channel.name, "lease": channel.lease, "share": channel.share}
    if channel.slots_each is not None:
        with _alone(channel):
            return _claimed(queues.BY_RECEIVER, parameters)
    if not channel.limits:
        claimed = _claimed(queues.IN_TURN, {**parameters, **channel.turn.next()})
        if claimed is not None:
            channel.turn.taken(claimed[0].street_id, urgent=claimed[0].urgent)
        return claimed
    with transaction.atomic():
        choice = overflow.choose(channel)
        return _claimed(_CHOSEN, {**parameters, "chosen": choice.delivery}, choice.token) if choice else None


def _claimed(
    following: str, parameters: Mapping[str, Any], token: datetime | None = None
) -> tuple[Envelope, bool | None, Quiet] | None:
    people = get_user_model()._meta.db_table
    with connection.cursor() as cursor:
        # Every name is a model's own.
        statement = _CLAIM.format(at_share=queues.AT_SHARE, blocked=BLOCKED, people=people, next=following)
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
    if row is None:
        return None
    *columns, content, failures, active, quiet_from, quiet_until = row
    # Django leaves JSON in a foreign statement as it came.
    columns += json.loads(content), failures, token
    quiet = (QUIET_FROM, QUIET_UNTIL) if quiet_from is None else (quiet_from, quiet_until)
    return Envelope(*columns), active, quiet


@contextmanager
def _alone(channel: DeliveryChannel) -> Iterator[None]:
    """Let one process at a time claim for this channel. Two at once would both see the receiver's last free slot."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"notifications.{channel.name}"])
        yield


_CHOSEN = "SELECT %(chosen)s::uuid AS id"
# Passed over: receivers with as many deliveries under way as they may have, and receivers that asked for a pause.
_CLAIM = """
WITH passed_over AS (
  {at_share}
  UNION ALL
  SELECT split_part(name, ':', 2)::uuid FROM notifications_bucket
  WHERE {blocked} AND split_part(name, ':', 1) = %(channel)s
), next AS ({next})
UPDATE notifications_delivery d SET state = 'sending', attempts = d.attempts + 1, lease_until = statement_timestamp() + %(lease)s
FROM next, notifications_message m LEFT JOIN notifications_profile f ON f.person_id = m.person_id
WHERE d.id = next.id AND m.id = d.message_id
RETURNING d.id, d.attempts, d.street_id, d.recipient, m.person_id, m.kind, m.subject_id, m.seq, m.at,
  d.urgent, d.unsure, d.content, d.failures, (SELECT p.is_active FROM {people} p WHERE p.id = m.person_id), f.quiet_from, f.quiet_until
"""
