"""Rate limits of receivers, shared by all workers.

Each delivery takes a token of its receiver. A token can be taken again one period and a margin after the receiver saw
the delivery.

A bucket that is refilled bit by bit would let twice its limit through within one period: the tokens that were saved
up, and those that are refilled meanwhile. A receiver that counts any period then refuses; DingTalk refuses everything
for ten minutes. So each token has a moment of its own: the latest moment at which the receiver can have seen the
delivery. While a delivery is being sent, that is the end of its lease; after it was sent, it is the end of the
sending. No period of the limit's length ever has more deliveries than tokens. The margin covers clocks that are
adjusted and receivers that count whole seconds. A process that stops while sending costs one token for a lease and a
period.

All moments are PostgreSQL's. Its clock may be set back. A moment that lies farther ahead than a lease and a period is
then ignored, and so is a pause that lies farther ahead than the longest one. A bucket is locked while a delivery is
chosen, never while one is sent.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from notifications.channels.channel import RateLimit
from notifications.models import Bucket
from notifications.models.receivers import BLOCKED


def farthest(limits: Sequence[RateLimit], lease: timedelta) -> timedelta:
    """How far ahead a token's moment may lie. A moment farther ahead was written before the clock was set back."""
    return lease + _longest(limits)


def _longest(limits: Sequence[RateLimit]) -> timedelta:
    return max(limit.span for limit in limits)


def lock(name: str, limits: Sequence[RateLimit], lease: timedelta) -> int:
    """Lock the bucket until the transaction ends, and return how many tokens are free under all `limits`.

    Returns 0 where the bucket is blocked, or where another transaction has locked it.
    """
    Bucket.objects.bulk_create([Bucket(name=name)], ignore_conflicts=True)
    with connection.cursor() as cursor:
        cursor.execute(_HOLD.format(blocked=BLOCKED), [name])
        row = cursor.fetchone()
    if row is None:
        return 0
    taken, blocked, now = row
    if blocked:
        return 0
    latest = now + farthest(limits, lease)
    return min(limit.number - sum(now - limit.span < moment <= latest for moment in taken) for limit in limits)


_HOLD = """
SELECT taken, {blocked}, clock_timestamp() FROM notifications_bucket WHERE name = %s FOR UPDATE SKIP LOCKED
"""


def take(name: str, limits: Sequence[RateLimit], lease: timedelta) -> datetime:
    """Take a token of a bucket that `lock` has locked. Returns the token's moment, which `settle` asks for."""
    ahead = farthest(limits, lease)
    parameters: dict[str, Any] = {"name": name, "lease": lease, "longest": _longest(limits), "farthest": ahead}
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, parameters)
        taken: datetime = cursor.fetchone()[0]
    return taken


_TAKE = """
UPDATE notifications_bucket SET taken =
  ARRAY(
    SELECT t FROM unnest(taken) t
    WHERE t BETWEEN clock_timestamp() - %(longest)s::interval AND clock_timestamp() + %(farthest)s::interval
  )
  || (clock_timestamp() + %(lease)s::interval)
WHERE name = %(name)s
RETURNING taken[cardinality(taken)]
"""


def settle(name: str, taken: datetime) -> None:
    """Record that the delivery for which the token was taken has been sent just now."""
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, {"name": name, "taken": taken})


_SETTLE = """
UPDATE notifications_bucket SET taken = array_replace(taken, %(taken)s, clock_timestamp()) WHERE name = %(name)s
"""
