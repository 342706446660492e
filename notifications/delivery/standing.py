"""How the post stands, for `/healthz`, `/metrics` and the console: what waits, what is under way, what has failed, and how long it takes.

Each statement costs what waits or was sent lately, never what was ever sent.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.db.models import F
from django.db.models.functions import Extract, Now

from notifications.channels import channels
from notifications.models import Delivery, Endpoint, LastRound
from notifications.topics import ChannelName, DeliveryState

ROUND_STALE = 15.0
"""Seconds after which messages count as delivered by nobody; the post is swept every second."""
WAITING_LONG = 60.0
"""Seconds that a delivery may be due before somebody has to look why."""
_AT_ONCE = 1.0
"""By how many seconds a round that is noted while it is asked for may be the later."""
_NAMES = [str(name) for name in ChannelName]
# One look into the index for each channel, urgent and not.
_OLDEST = """
SELECT name, max(extract(epoch FROM statement_timestamp() - due.available_at))
FROM unnest(%s::text[]) name CROSS JOIN (VALUES (true), (false)) kind (urgent) CROSS JOIN LATERAL (
  SELECT available_at FROM notifications_delivery d
  WHERE d.channel = name AND d.urgent = kind.urgent AND state = 'queued' AND available_at <= statement_timestamp()
  ORDER BY available_at LIMIT 1
) due
GROUP BY name
"""
# Each state has a partial index of its own.
_COUNTS = """
SELECT channel, 'queued', count(*) FROM notifications_delivery WHERE state = 'queued' GROUP BY channel UNION ALL
SELECT channel, 'sending', count(*) FROM notifications_delivery WHERE state = 'sending' GROUP BY channel UNION ALL
SELECT channel, 'dead', count(*) FROM notifications_delivery WHERE state = 'dead' GROUP BY channel
"""
_SENT = """
SELECT channel, count(*),
  percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - available_at))
FROM notifications_delivery
WHERE state = 'sent' AND finished_at > statement_timestamp() - interval '1 hour' GROUP BY channel
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """What one channel has sent in the last hour, and the seconds from due to sent: the median and the 99th percentile."""

    number: int
    median: float
    slowest: float


def round_age() -> float | None:
    """Seconds since somebody looked for deliveries that are due; None where nobody ever did, or not since the clock was set back."""
    age = LastRound.objects.values_list(Extract(Now() - F("at"), "epoch"), flat=True).first()
    return None if age is None or age < -_AT_ONCE else round(max(0.0, float(age)), 1)


def oldest_due() -> dict[str, float]:
    """For how many seconds each channel's oldest delivery that is due has been so; channels without one are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST, [_NAMES])
        return {name: max(0.0, float(age)) for name, age in cursor.fetchall()}


def counts() -> dict[tuple[str, str], int]:
    """How many deliveries of each channel are queued, under way and dead."""
    states = (DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.DEAD)
    found = {(name, str(state)): 0 for name in _NAMES for state in states}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS)
        found |= {(name, state): number for name, state, number in cursor.fetchall()}
    return found


def sent() -> dict[str, Sent]:
    """What was sent in the last hour; channels that sent nothing are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_SENT)
        return {name: Sent(number, *map(float, quantiles)) for name, number, quantiles in cursor.fetchall()}


def dead_last_day() -> int:
    """How many deliveries have failed for good within 24 hours."""
    return Delivery.objects.dead().filter(finished_at__gt=Now() - timedelta(days=1)).count()


def failing_webhooks() -> int:
    """How many webhooks have done nothing but fail for minutes."""
    return Endpoint.objects.failing().count()


def set_up() -> set[str]:
    """The channels that this server is set up for."""
    return {str(name) for name in channels()}


def slow_and_stuck(ages: dict[str, float]) -> tuple[list[str], list[str]]:
    """The channels whose oldest delivery has been due for long: those that send nevertheless, and those by which nobody sends.

    Who sends is held up by the channel's own server or by a limit of its receivers, and nothing is wrong here.
    """
    late = {ChannelName(name) for name, age in ages.items() if age > WAITING_LONG} & set(channels())
    under_way = set(
        Delivery.objects.filter(state__constant=DeliveryState.SENDING, lease_until__gt=Now())
        .values_list("channel", flat=True)
        .distinct()
    )
    slow = {name for name in late if name in under_way or channels()[name].limits}
    return sorted(map(str, slow)), sorted(map(str, late - slow))
