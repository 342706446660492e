"""The postman's round: a delivery is claimed and committed, sent outside any transaction, and recorded under its attempt's number.

Whoever dies in between leaves a lease that runs out: the delivery is then sent again, under the same key. A zombie that comes back later
records nothing, for its attempt is no longer the last.
"""

import logging
import time
import uuid
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from notifications.channels import channels
from notifications.channels.channel import Channel, Envelope, Refused, TryLater, Undelivered, Unsure, Unwanted
from notifications.models import Delivery
from notifications.timing import wait
from notifications.topics import ChannelName, DeliveryState

logger = logging.getLogger(__name__)

ROUND = 20.0
"""Seconds after which a round ends, so that a worker can be told to stop."""
_ERROR_LENGTH, _RECEIPT_LENGTH = 300, 120


def deliver(name: ChannelName, *, seconds: float = ROUND) -> int:
    """Send what is due by one channel, the urgent first, until nothing is or `seconds` are over; how many were tried.

    Any number of callers at once, in any number of processes.
    """
    channel, tried = channels()[name], 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        envelope = claim(channel)
        if envelope is None:
            break
        tried += 1
        carry(channel, envelope)
    return tried


def claim(channel: Channel) -> Envelope | None:
    """The next delivery that is due by the channel, now being sent by the caller until its lease runs out; None where none is."""
    people = get_user_model()._meta.db_table
    with connection.cursor() as cursor:
        # Every name is a model's own.
        parameters: dict[str, Any] = {"channel": channel.name, "lease": channel.lease}
        cursor.execute(_CLAIM.format(people=people), parameters)
        row = cursor.fetchone()
    if row is None:
        return None
    *columns, active = row
    envelope = Envelope(*columns)
    if active is False:
        finish(envelope, DeliveryState.DROPPED, error="The person is no longer active.")
        return claim(channel)
    return envelope


_CLAIM = """
WITH next AS (
  SELECT id FROM notifications_delivery
  WHERE channel = %(channel)s AND state = 'queued' AND available_at <= now()
  ORDER BY urgent DESC, available_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE notifications_delivery d SET state = 'sending', attempts = d.attempts + 1, lease_until = now() + %(lease)s
FROM next, notifications_message m WHERE d.id = next.id AND m.id = d.message_id
RETURNING d.id, d.attempts, d.street_id, d.recipient, m.person_id, m.kind, m.subject_id, m.seq, m.at, d.urgent, d.unsure, d.content,
  (SELECT p.is_active FROM {people} p WHERE p.id = m.person_id)
"""


def carry(channel: Channel, envelope: Envelope) -> None:
    """Send a claimed delivery and record what became of it; whatever a channel raises is an outcome, too."""
    try:
        receipt = channel.send(envelope)
    except TryLater as outcome:
        put_off(channel, envelope, outcome, after=outcome.after, counts=outcome.counts)
    except Unsure as outcome:
        put_off(channel, envelope, outcome, unsure=True)
    except Unwanted as outcome:
        fall_back(envelope, outcome)
    except Refused as outcome:
        finish(envelope, DeliveryState.DEAD, error=outcome.reason)
    except Exception as error:
        logger.exception("channel %s failed", channel.name)
        put_off(channel, envelope, Undelivered(type(error).__name__), unsure=True)
    else:
        finish(envelope, DeliveryState.SENT, receipt=receipt)


def finish(envelope: Envelope, state: DeliveryState, *, error: str = "", receipt: str = "") -> bool:
    """Record the end of an attempt; False where another attempt has begun meanwhile, and then nothing is recorded."""
    if state == DeliveryState.DEAD:
        logger.error("delivery %s is dead: %s", envelope.key, error)
    return _record(
        envelope,
        state=state,
        error=error[:_ERROR_LENGTH],
        receipt=receipt[:_RECEIPT_LENGTH],
        finished_at=Now(),
        lease_until=None,
    )


def put_off(
    channel: Channel,
    envelope: Envelope,
    outcome: Undelivered,
    *,
    after: timedelta | None = None,
    counts: bool = True,
    unsure: bool | None = None,
) -> bool:
    """Let a delivery wait for its next attempt; one that has failed as often as the channel bears is dead."""
    failures = Delivery.objects.values_list("failures", flat=True).get(pk=envelope.key) + counts
    pause = wait(channel.delays, failures) if counts else timedelta(0)
    if pause is None:
        return finish(envelope, DeliveryState.DEAD, error=outcome.reason)
    known: dict[str, Any] = {} if unsure is None else {"unsure": unsure}
    return _record(
        envelope,
        state=DeliveryState.QUEUED,
        error=outcome.reason[:_ERROR_LENGTH],
        failures=failures,
        available_at=Now() + max(pause, after or timedelta(0)),
        lease_until=None,
        **known,
    )


def fall_back(envelope: Envelope, outcome: Undelivered) -> None:
    """End a delivery that its person does not want this way; the next way in its chain begins in the same transaction."""
    with transaction.atomic():
        delivery = Delivery.objects.select_for_update().get(pk=envelope.key)
        if not finish(envelope, DeliveryState.DROPPED, error=outcome.reason) or not delivery.fallback:
            return
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


def recover() -> int:
    """Queue the deliveries again whose sender has died or hangs: their lease has run out. How many they were."""
    abandoned = Delivery.objects.filter(state=DeliveryState.SENDING, lease_until__lt=Now())
    return abandoned.update(
        state=DeliveryState.QUEUED,
        lease_until=None,
        available_at=Now(),
        unsure=True,
        failures=F("failures") + 1,
        error="The sender died or hung.",
    )


def waiting() -> list[ChannelName]:
    """The channels that have something due."""
    found = Delivery.objects.due().values_list("channel", flat=True).distinct()
    return [ChannelName(one) for one in found if one in channels()]


def replay(ids: Collection[uuid.UUID], *, states: Collection[DeliveryState] = (DeliveryState.DEAD,)) -> int:
    """Queue those of these deliveries anew that stand in one of `states`, under the same key; how many they were.

    Their attempts so far are kept. What waits, is under way or went into a digest is never queued again.
    """
    final = set(states) & {DeliveryState.DEAD, DeliveryState.DROPPED, DeliveryState.SENT}
    return Delivery.objects.filter(pk__in=ids, state__in=final).update(
        state=DeliveryState.QUEUED, failures=0, available_at=Now(), finished_at=None, error=""
    )
