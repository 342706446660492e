"""Sending deliveries: each is claimed and committed, then sent outside any transaction, then its outcome is recorded.

A process that stops while sending leaves a lease that runs out; then the delivery is sent again under the same key.
If the first process comes back later, it records nothing, because its attempt is no longer the last.
"""

import json
import logging
import threading
import time
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from notifications import buckets, overflow, queues
from notifications.channels.channel import (
    Afresh,
    DeliveryChannel,
    Envelope,
    Refused,
    TryLater,
    Undelivered,
    Unsure,
    Unwanted,
)
from notifications.models import Bucket, Delivery, Endpoint, LastRound, Robot
from notifications.models.choices import QUIET_FROM, QUIET_UNTIL
from notifications.models.outlets import BLOCKED
from notifications.timing import Quiet, quiet_hours, wait
from notifications.topics import ROBOTS, ChannelName, DeliveryState

logger = logging.getLogger(__name__)

ROUND = 20.0
"""Seconds after which `deliver` ends, so that a worker can be told to stop."""
RETRYING = Q(state=DeliveryState.QUEUED, failures__gt=0, available_at__gt=Now())
"""Deliveries that have failed and wait for a retry."""
_ABANDONED_AT_ONCE = 200
_ERROR_LENGTH, _RECEIPT_LENGTH = 300, 120


def deliver(channel: DeliveryChannel, *, seconds: float = ROUND, stop: threading.Event | None = None) -> int:
    """Send the due deliveries of a channel, urgent ones first. Returns how many were tried.

    It ends when nothing is due, when `seconds` are over, or when `stop` is set; what is being sent then is finished.
    Any number of callers may run at once, in any number of processes.
    """
    tried, end = 0, time.monotonic() + seconds
    while time.monotonic() < end and not (stop and stop.is_set()):
        envelope = claim(channel)
        if envelope is None:
            break
        tried += 1
        carry(channel, envelope)
    return tried


def claim(channel: DeliveryChannel) -> Envelope | None:
    """Claim the next due delivery of the channel: it belongs to the caller until its lease ends. None where nothing is due.

    A delivery for a person who is no longer active is dropped. One that falls into quiet hours is put off until they
    end.
    """
    while (claimed := _take(channel)) is not None:
        envelope, active, quiet = claimed
        if active is False:
            finish(envelope, DeliveryState.DROPPED, error="The person is no longer active.")
        elif (morning := _sleeps_until(channel, envelope, quiet)) is not None:
            _settle(channel, envelope)
            _record(envelope, state=DeliveryState.QUEUED, available_at=morning, lease_until=None)
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
    parameters: dict[str, Any] = {"channel": channel.name, "lease": channel.lease, "share": channel.share}
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


def carry(channel: DeliveryChannel, envelope: Envelope) -> None:
    """Send a claimed delivery and record the outcome. Whatever the channel raises is an outcome, too."""
    try:
        receipt = _send(channel, envelope)
    except TryLater as outcome:
        put_off(channel, envelope, outcome, after=outcome.after, counts=outcome.counts)
    except Unsure as outcome:
        put_off(channel, envelope, outcome, unsure=True)
    except Afresh as outcome:
        _requeue(envelope, outcome, after=timedelta(0), failures=0, unsure=False)
    except Unwanted as outcome:
        fall_back(envelope, DeliveryState.DROPPED, outcome)
    except Refused as outcome:
        fall_back(envelope, DeliveryState.DEAD, outcome)
    except Exception as error:
        logger.exception("channel %s failed", channel.name)
        put_off(channel, envelope, Undelivered(type(error).__name__), unsure=True)
    else:
        finish(envelope, DeliveryState.SENT, receipt=receipt)


def _send(channel: DeliveryChannel, envelope: Envelope) -> str:
    try:
        return channel.send(envelope)
    finally:
        _settle(channel, envelope)


def _settle(channel: DeliveryChannel, envelope: Envelope) -> None:
    if envelope.token is not None:
        buckets.settle(Bucket.of(channel.name, envelope.recipient), envelope.token)


def finish(envelope: Envelope, state: DeliveryState, *, error: str = "", receipt: str = "", **columns: Any) -> bool:
    """Record how an attempt ended. Returns False, and records nothing, where the attempt is no longer the last."""
    recorded = _record(
        envelope,
        state=state,
        error=error[:_ERROR_LENGTH],
        receipt=receipt[:_RECEIPT_LENGTH],
        finished_at=Now(),
        lease_until=None,
        **columns,
    )
    if recorded and state == DeliveryState.DEAD:
        logger.error("delivery %s is dead: %s", envelope.key, error)
    return recorded


def put_off(
    channel: DeliveryChannel,
    envelope: Envelope,
    outcome: Undelivered,
    *,
    after: timedelta | None = None,
    counts: bool = True,
    unsure: bool = False,
) -> bool:
    """Queue a delivery for its next attempt. After the channel's last retry it is dead, and the next channel is tried."""
    failures = envelope.failures + counts
    pause = wait(channel.delays, failures) if counts else timedelta(0)
    unsure = unsure or envelope.unsure
    if pause is None:
        return fall_back(envelope, DeliveryState.DEAD, outcome, failures=failures, unsure=unsure)
    return _requeue(envelope, outcome, after=max(pause, after or timedelta(0)), failures=failures, unsure=unsure)


def _requeue(envelope: Envelope, outcome: Undelivered, *, after: timedelta, failures: int, unsure: bool) -> bool:
    return _record(
        envelope,
        state=DeliveryState.QUEUED,
        error=outcome.reason[:_ERROR_LENGTH],
        failures=failures,
        unsure=unsure,
        available_at=Now() + after,
        lease_until=None,
    )


def fall_back(envelope: Envelope, state: DeliveryState, outcome: Undelivered, **columns: Any) -> bool:
    """End a delivery that cannot be sent by this channel, and start its next channel in the same transaction.

    Returns False where the attempt is no longer the last.
    """
    with transaction.atomic():
        delivery = Delivery.objects.select_for_update().filter(pk=envelope.key).first()
        recorded = finish(envelope, state, error=outcome.reason, **columns)
        if recorded and delivery is not None:
            _go_on(delivery)
    return recorded


def _go_on(delivery: Delivery) -> None:
    """Start the next channel of a delivery that has ended, where it has one."""
    if delivery.fallback:
        following, *rest = delivery.fallback
        begin(delivery, following, rest)


def begin(delivery: Delivery, following: Mapping[str, Any], rest: list[Any]) -> None:
    """Queue the message for another channel, unless it already was: a delivery that is sent again may be unwanted a second time."""
    following_one = Delivery(
        street_id=delivery.street_id,
        message_id=delivery.message_id,
        channel=following["channel"],
        recipient=delivery.recipient,
        content=following["content"],
        fallback=rest,
        urgent=delivery.urgent,
    )
    Delivery.objects.bulk_create([following_one], ignore_conflicts=True)


def _record(envelope: Envelope, **columns: Any) -> bool:
    mine = Delivery.objects.filter(pk=envelope.key, attempts=envelope.attempt, state=DeliveryState.SENDING)
    if mine.update(**columns):
        return True
    logger.warning("attempt %d of delivery %s came too late", envelope.attempt, envelope.key)
    return False


def sweep(channels: Mapping[ChannelName, DeliveryChannel]) -> Sequence[ChannelName]:
    """Queue abandoned deliveries again, and return the channels that have something due."""
    recover(channels)
    LastRound.note()
    return waiting(channels)


def recover(channels: Mapping[ChannelName, DeliveryChannel]) -> int:
    """Queue deliveries again whose sender has stopped or hangs, because their lease has ended. Returns how many.

    That counts as a failure. After the channel's last retry the delivery is dead, and the next channel is tried.
    """
    with transaction.atomic():
        abandoned = (
            Delivery.objects.filter(state=DeliveryState.SENDING, lease_until__lt=Now())
            .order_by("lease_until")
            .select_for_update(skip_locked=True)[:_ABANDONED_AT_ONCE]
        )
        found = list(abandoned)
        for delivery in found:
            name = ChannelName(delivery.channel)
            delays = channels[name].delays if name in channels else DeliveryChannel.delays
            pause = wait(delays, delivery.failures + 1)
            outcome: dict[str, Any] = {"state": DeliveryState.DEAD, "finished_at": Now()}
            if pause is not None:
                outcome = {"state": DeliveryState.QUEUED, "available_at": Now() + pause}
            Delivery.objects.filter(pk=delivery.pk).update(
                lease_until=None,
                unsure=True,
                failures=F("failures") + 1,
                error="The sender died or hung.",
                **outcome,
            )
            if pause is None:
                _go_on(delivery)
            logger.warning("attempt %d of delivery %s was abandoned", delivery.attempts, delivery.pk)
    return len(found)


def waiting(channels: Mapping[ChannelName, DeliveryChannel]) -> Sequence[ChannelName]:
    """Those of `channels` that have something due for a receiver who can be sent something now."""
    if not channels:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [[str(name) for name in channels]])
        due = [ChannelName(name) for (name,) in cursor.fetchall()]
    return [name for name in due if not channels[name].limits or overflow.ready(channels[name])]


# One look into the index for each, however much waits.
_WAITING = """
SELECT name FROM unnest(%s::text[]) name CROSS JOIN LATERAL (
  SELECT FROM notifications_delivery
  WHERE channel = name AND state = 'queued' AND available_at <= statement_timestamp() LIMIT 1
) due
"""


def replay(ids: Collection[uuid.UUID], *, states: Collection[DeliveryState] = (DeliveryState.DEAD,)) -> int:
    """Queue those of the deliveries again that are in one of `states`, under the same key. Returns how many.

    The number of attempts is kept. `unsure` is cleared: a person who sends it again accepts that it may arrive twice.
    Deliveries that wait, are being sent, or went into a digest are never queued again.
    """
    final = set(states) & {DeliveryState.DEAD, DeliveryState.DROPPED, DeliveryState.SENT}
    return Delivery.objects.filter(pk__in=ids, state__in=final).update(
        state=DeliveryState.QUEUED, failures=0, unsure=False, available_at=Now(), finished_at=None, error=""
    )


def switched_off() -> Q:
    """Deliveries to a robot or webhook that is switched off or deleted; sent again, they would be dropped."""
    on = [outlets.filter(pk=OuterRef("recipient"), active=True) for outlets in (Robot.objects, Endpoint.objects)]
    return Q(channel__in=[*ROBOTS, ChannelName.WEBHOOK]) & ~(Exists(on[0]) | Exists(on[1]))


def hasten(ids: Collection[uuid.UUID]) -> int:
    """Make those of the deliveries due now that have failed and wait for a retry. Returns how many."""
    return Delivery.objects.filter(RETRYING, pk__in=ids).update(available_at=Now())
