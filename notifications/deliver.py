"""The postman's round: a delivery is claimed and committed, sent outside any transaction, and recorded under its attempt's number.

A process that dies leaves a lease that runs out: the delivery is then sent again, under the same key. A zombie that comes back later
records nothing, for its attempt is no longer the last.
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
from notifications.channels.channel import Afresh, Channel, Envelope, Refused, TryLater, Undelivered, Unsure, Unwanted
from notifications.models import Bucket, Delivery, Endpoint, LastRound, Robot
from notifications.models.choices import QUIET_FROM, QUIET_UNTIL
from notifications.models.outlets import BLOCKED
from notifications.timing import Quiet, quiet_hours, wait
from notifications.topics import ROBOTS, ChannelName, DeliveryState

logger = logging.getLogger(__name__)

ROUND = 20.0
"""Seconds after which a round ends, so that a worker can be told to stop."""
RETRYING = Q(state=DeliveryState.QUEUED, failures__gt=0, available_at__gt=Now())
"""Has failed, and waits for its next attempt."""
_ABANDONED_AT_ONCE = 200
_ERROR_LENGTH, _RECEIPT_LENGTH = 300, 120


def deliver(channel: Channel, *, seconds: float = ROUND, stop: threading.Event | None = None) -> int:
    """Send what is due by one channel, the urgent first, until nothing is, `seconds` are over or `stop` is set; how many were tried.

    Any number of callers at once, in any number of processes. What is being sent when `stop` is set is finished.
    """
    tried, end = 0, time.monotonic() + seconds
    while time.monotonic() < end and not (stop and stop.is_set()):
        envelope = claim(channel)
        if envelope is None:
            break
        tried += 1
        carry(channel, envelope)
    return tried


def claim(channel: Channel) -> Envelope | None:
    """The next delivery that is due by the channel, now being sent by the caller until its lease runs out; None where none is.

    One for a person who is no longer active is dropped; one that was to leave by day waits for the end of quiet hours.
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


def _sleeps_until(channel: Channel, envelope: Envelope, quiet: Quiet) -> datetime | None:
    """The end of quiet hours that have begun since it happened, however it came that it is still to be sent; None: send it."""
    hours = quiet_hours(timezone.now(), *quiet)
    return hours[1] if channel.quiet and not envelope.urgent and hours and envelope.at < hours[0] else None


def _take(channel: Channel) -> tuple[Envelope, bool | None, Quiet] | None:
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
def _alone(channel: Channel) -> Iterator[None]:
    """Where a receiver's share is counted in all processes, one claim at a time: two at once would both see the last place free."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"notifications.{channel.name}"])
        yield


_CHOSEN = "SELECT %(chosen)s::uuid AS id"
# Whoever has its share under way, and whoever has asked for a pause.
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


def carry(channel: Channel, envelope: Envelope) -> None:
    """Send a claimed delivery and record what became of it; whatever a channel raises is an outcome, too."""
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


def _send(channel: Channel, envelope: Envelope) -> str:
    try:
        return channel.send(envelope)
    finally:
        _settle(channel, envelope)


def _settle(channel: Channel, envelope: Envelope) -> None:
    if envelope.token is not None:
        buckets.settle(Bucket.of(channel.name, envelope.recipient), envelope.token)


def finish(envelope: Envelope, state: DeliveryState, *, error: str = "", receipt: str = "", **columns: Any) -> bool:
    """Record the end of an attempt; False where the attempt is no longer the last, and then nothing is recorded."""
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
    channel: Channel,
    envelope: Envelope,
    outcome: Undelivered,
    *,
    after: timedelta | None = None,
    counts: bool = True,
    unsure: bool = False,
) -> bool:
    """Let a delivery wait for its next attempt; one that has failed as often as the channel bears is dead, and goes the next way."""
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
    """End a delivery that does not arrive this way; the next way in its chain begins in the same transaction.

    False where the attempt is no longer the last.
    """
    with transaction.atomic():
        delivery = Delivery.objects.select_for_update().filter(pk=envelope.key).first()
        recorded = finish(envelope, state, error=outcome.reason, **columns)
        if recorded and delivery is not None:
            _go_on(delivery)
    return recorded


def _go_on(delivery: Delivery) -> None:
    """Begin the next way in the chain of a delivery that has ended, where there is one."""
    if delivery.fallback:
        following, *rest = delivery.fallback
        begin(delivery, following, rest)


def begin(delivery: Delivery, following: Mapping[str, Any], rest: list[Any]) -> None:
    """Queue the same message for another channel, unless it was: a delivery that is sent anew may be unwanted once more."""
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


def sweep(channels: Mapping[ChannelName, Channel]) -> Sequence[ChannelName]:
    """Find what nobody looks after: abandoned deliveries, and the channels that have something due, which are returned."""
    recover(channels)
    LastRound.note()
    return waiting(channels)


def recover(channels: Mapping[ChannelName, Channel]) -> int:
    """Queue the deliveries again whose sender has died or hangs: their lease has run out. How many they were.

    That is a failure like others: one whose senders die again and again is dead in the end, and goes the next way.
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
            delays = channels[name].delays if name in channels else Channel.delays
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


def waiting(channels: Mapping[ChannelName, Channel]) -> Sequence[ChannelName]:
    """Those of `channels` that have something due, for a receiver who may be sent something now."""
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
    """Queue those of these deliveries anew that stand in one of `states`, under the same key; how many they were.

    Their attempts so far are kept, and no doubt about them: sending anew decides that it may come twice. What waits, is under way
    or went into a digest is never queued again.
    """
    final = set(states) & {DeliveryState.DEAD, DeliveryState.DROPPED, DeliveryState.SENT}
    return Delivery.objects.filter(pk__in=ids, state__in=final).update(
        state=DeliveryState.QUEUED, failures=0, unsure=False, available_at=Now(), finished_at=None, error=""
    )


def switched_off() -> Q:
    """Deliveries to a robot or webhook that is switched off or gone: sent anew, they would be dropped."""
    on = [outlets.filter(pk=OuterRef("recipient"), active=True) for outlets in (Robot.objects, Endpoint.objects)]
    return Q(channel__in=[*ROBOTS, ChannelName.WEBHOOK]) & ~(Exists(on[0]) | Exists(on[1]))


def hasten(ids: Collection[uuid.UUID]) -> int:
    """Let those of these deliveries that have failed and wait for their next attempt be due now; how many they were."""
    return Delivery.objects.filter(RETRYING, pk__in=ids).update(available_at=Now())
