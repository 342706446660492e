"""The sweep: deliveries whose sender has stopped are queued again, and the channels with something due are found."""

import logging
from collections.abc import Mapping, Sequence

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from notifications.channels.channel import DeliveryChannel
from notifications.delivery import overflow
from notifications.delivery.outcomes import start_fallback
from notifications.models import Delivery, LastRound
from notifications.timing import wait
from notifications.topics import ChannelName, DeliveryState
from web.waiting import NOW, any_row

logger = logging.getLogger(__name__)

_ABANDONED_AT_ONCE = 200


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
            outcome: dict[str, object] = {"state": DeliveryState.DEAD, "finished_at": Now()}
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
                start_fallback(delivery)
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


def something_waits() -> bool:
    """Whether a sweep would find something to do."""
    return any_row(
        f"notifications_message WHERE held_until <= {NOW} AND gathered_into_id IS NULL",
        f"notifications_delivery WHERE state = 'sending' AND lease_until < {NOW}",
        _DUE,
        values=[[str(name) for name in ChannelName]],
    )


# One look into the index for each, however much waits.
_DUE = f"""unnest(%s::text[]) name CROSS JOIN LATERAL (
  SELECT FROM notifications_delivery WHERE channel = name AND state = 'queued' AND available_at <= {NOW} LIMIT 1
) due"""
_WAITING = f"SELECT name FROM {_DUE}"  # noqa: S608
