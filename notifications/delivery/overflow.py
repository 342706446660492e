"""What a channel with rate limits sends next: single messages, or one digest of those that exceed the limits.

While fewer deliveries wait for a receiver than it may be sent now, each is sent by itself. Where more wait, urgent
ones are still sent by themselves as long as that leaves a token, and all others become one digest. A delivery that
may already have arrived never goes into a digest, because only a repeat carries its key.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from notifications.channels.channel import DeliveryChannel
from notifications.delivery import rate_limits
from notifications.delivery.queues import AT_SHARE
from notifications.models import Bucket, Delivery, Message
from notifications.models.receivers import BLOCKED
from notifications.models.wording import GROUP_LANGUAGE
from notifications.topics import DeliveryState
from notifications.wordings.digest import KIND, DigestLine, digest_content

_MOST_TRIED, _MOST_PARTS = 8, 2_000


@dataclass(frozen=True, slots=True)
class Choice:
    """A delivery that was chosen to be claimed in the same transaction, and the token that was taken for it."""

    delivery: uuid.UUID
    token: datetime


def choose(channel: DeliveryChannel) -> Choice | None:
    """Choose the delivery to be sent next, in the caller's transaction. None where nothing can be sent now.

    It may be a digest that was made just now. Any number of callers may run at once.
    """
    for recipient in ready(channel):
        name = Bucket.of(channel.name, recipient)
        free = rate_limits.lock(name, channel.limits, channel.lease)
        if free > 0 and (delivery := _next(channel, recipient, free)):
            return Choice(delivery, rate_limits.take(name, channel.limits, channel.lease))
    return None


def ready(channel: DeliveryChannel) -> list[uuid.UUID]:
    """Up to _MOST_TRIED receivers that have something waiting and may be sent something now; urgent first, then the longest wait."""
    parameters: dict[str, Any] = {
        "channel": channel.name,
        "numbers": [limit.number for limit in channel.limits],
        "spans": [limit.span for limit in channel.limits],
        "farthest": rate_limits.farthest(channel.limits, channel.lease),
        "share": channel.share,
        "most": _MOST_TRIED,
    }
    with connection.cursor() as cursor:
        cursor.execute(_READY.format(at_share=AT_SHARE, blocked=BLOCKED), parameters)
        return [recipient for (recipient,) in cursor.fetchall()]


_READY = """
WITH waiting AS (
  SELECT recipient, bool_or(urgent) AS urgent, min(available_at) AS since FROM notifications_delivery
  WHERE channel = %(channel)s AND state = 'queued' AND available_at <= statement_timestamp()
  GROUP BY recipient
)
SELECT w.recipient FROM waiting w LEFT JOIN notifications_bucket b ON b.name = %(channel)s || ':' || w.recipient
WHERE w.recipient <> ALL (ARRAY({at_share}))
AND ({blocked}) IS NOT TRUE
AND NOT EXISTS (
  SELECT FROM unnest(%(numbers)s::int[], %(spans)s::interval[]) AS l (number, span)
  WHERE (
    SELECT count(*) FROM unnest(b.taken) t
    WHERE t BETWEEN clock_timestamp() - l.span AND clock_timestamp() + %(farthest)s
  ) >= l.number
)
ORDER BY w.urgent DESC, w.since LIMIT %(most)s
"""


def _next(channel: DeliveryChannel, recipient: uuid.UUID, free: int) -> uuid.UUID | None:
    order = ("-urgent", "available_at", "id")
    due = Delivery.objects.due().filter(channel=channel.name, recipient=recipient).order_by(*order)
    if due.count() > free:
        may_have_arrived = Q(unsure=True) | Q(message__kind=KIND)
        if free > 1 and (alone := due.filter(Q(urgent=True) | may_have_arrived).first()):
            return alone.pk
        parts = list(due.exclude(may_have_arrived).select_related("message")[:_MOST_PARTS])
        if len(parts) > 1:
            return _digest(channel, parts)
    return due.values_list("pk", flat=True).first()


def _digest(channel: DeliveryChannel, parts: Sequence[Delivery]) -> uuid.UUID:
    """Gather `parts` into one new delivery."""
    first = parts[0]
    language = first.content.get("language", GROUP_LANGUAGE)
    content = digest_content([DigestLine.of(one.message) for one in parts], language, room=channel.room)
    message = Message.objects.create(
        street_id=first.street_id,
        key=uuid.uuid4(),
        recipient=first.recipient,
        kind=KIND,
        topic=first.message.topic,
        title=content["title"],
        body=content["body"],
        urgent=first.urgent,
        at=max(one.message.at for one in parts),
    )
    digest = Delivery.objects.create(
        street_id=first.street_id,
        message=message,
        channel=channel.name,
        recipient=first.recipient,
        content=content,
        urgent=first.urgent,
    )
    queued = Delivery.objects.filter(pk__in=[one.pk for one in parts], state=DeliveryState.QUEUED)
    gathered = queued.update(state=DeliveryState.GATHERED, gathered_into=digest, finished_at=Now(), error="")
    assert gathered == len(parts), "Only who holds the bucket chooses, and nobody else takes from the queue."
    return digest.pk
