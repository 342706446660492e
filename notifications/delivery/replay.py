"""Queueing failed deliveries again at the office's request."""

import uuid
from collections.abc import Collection

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from notifications.models import Delivery, Endpoint, Robot
from notifications.topics import ROBOTS, ChannelName, DeliveryState

RETRYING = Q(state=DeliveryState.QUEUED, failures__gt=0, available_at__gt=Now())
"""Deliveries that have failed and wait for a retry."""


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
    on = [receivers.filter(pk=OuterRef("recipient"), active=True) for receivers in (Robot.objects, Endpoint.objects)]
    return Q(channel__in=[*ROBOTS, ChannelName.WEBHOOK]) & ~(Exists(on[0]) | Exists(on[1]))


def hasten(ids: Collection[uuid.UUID]) -> int:
    """Make those of the deliveries due now that have failed and wait for a retry. Returns how many."""
    return Delivery.objects.filter(RETRYING, pk__in=ids).update(available_at=Now())
