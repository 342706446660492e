"""Sending a claimed delivery outside any transaction, and recording its outcome.

A process that stops while sending leaves a lease that runs out; then the delivery is sent again under the same key.
If the first process comes back later, it records nothing, because its attempt is no longer the last.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

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
from notifications.delivery import rate_limits
from notifications.models import Bucket, Delivery
from notifications.timing import wait
from notifications.topics import DeliveryState

logger = logging.getLogger(__name__)

_ERROR_LENGTH, _RECEIPT_LENGTH = 300, 120


def send(channel: DeliveryChannel, envelope: Envelope) -> None:
    """Send a claimed delivery and record the outcome. Every exception of the channel is an outcome, too."""
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
        settle(channel, envelope)


def settle(channel: DeliveryChannel, envelope: Envelope) -> None:
    """Return the token of the receiver's rate limit: its period begins now."""
    if envelope.token is not None:
        rate_limits.settle(Bucket.of(channel.name, envelope.recipient), envelope.token)


def finish(envelope: Envelope, state: DeliveryState, *, error: str = "", receipt: str = "", **columns: object) -> bool:
    """Record how an attempt ended. Returns False, and records nothing, where the attempt is no longer the last."""
    recorded = record(
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
    return record(
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
            start_fallback(delivery)
    return recorded


def start_fallback(delivery: Delivery) -> None:
    """Start the next channel of a delivery that has ended, where it has one."""
    if delivery.fallback:
        following, *rest = delivery.fallback
        start_next(delivery, following, rest)


def start_next(delivery: Delivery, following: Mapping[str, Any], rest: list[object]) -> None:
    """Queue the message for another channel, unless it already was: a delivery that is sent again may be unwanted a second time."""
    queued = Delivery(
        street_id=delivery.street_id,
        message_id=delivery.message_id,
        channel=following["channel"],
        recipient=delivery.recipient,
        content=following["content"],
        fallback=rest,
        urgent=delivery.urgent,
    )
    Delivery.objects.bulk_create([queued], ignore_conflicts=True)


def record(envelope: Envelope, **columns: object) -> bool:
    """Store columns of a delivery. Returns False, and stores nothing, where the attempt is no longer the last."""
    mine = Delivery.objects.filter(pk=envelope.key, attempts=envelope.attempt, state=DeliveryState.SENDING)
    if mine.update(**columns):
        return True
    logger.warning("attempt %d of delivery %s came too late", envelope.attempt, envelope.key)
    return False
