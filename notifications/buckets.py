"""Limits of receivers, kept by all workers together: each delivery takes a token, which comes back when the receiver has forgotten it.

A bucket that is refilled bit by bit lets twice its limit through within one period: what had gathered, and what flows in behind. A
receiver that counts in any window of its own then refuses, and DingTalk says nothing more for ten minutes. So here every token
has a moment of its own: that at which the receiver saw the delivery, at the latest. It can be taken again one period and a
margin after that, and in no window of a period are there ever more deliveries than tokens. While a delivery is under way that moment
is the end of its lease; when its sending has ended, it is then. The margin is for clocks that are set and for receivers that
count in whole seconds. A process that dies while sending costs one token for a lease and a period, and nothing else.

All moments are the database's. Where its clock is set back, those written before lie ahead: one that lies farther ahead than a lease and a
period is no token's, and what lies farther than any receiver's pause blocks nothing. A bucket is locked only while a delivery is chosen,
never while one is sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from notifications.models import Bucket
from notifications.models.outlets import BLOCKED


@dataclass(frozen=True, slots=True)
class Limit:
    """How many deliveries one receiver takes within a period; `margin` is how much longer a token stays away."""

    number: int
    period: timedelta
    margin: timedelta = timedelta(seconds=2)

    @property
    def span(self) -> timedelta:
        """How long a token stays away."""
        return self.period + self.margin


def farthest(limits: Sequence[Limit], lease: timedelta) -> timedelta:
    """How far ahead the moment of a token may lie; what lies farther was written before the clock was set back."""
    return lease + _longest(limits)


def _longest(limits: Sequence[Limit]) -> timedelta:
    return max(limit.span for limit in limits)


def hold(name: str, limits: Sequence[Limit], lease: timedelta) -> int:
    """How many tokens are free under all `limits` at once; the bucket is the caller's alone until the end of the transaction.

    None are where it is blocked, or somebody else's just now.
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


def take(name: str, limits: Sequence[Limit], lease: timedelta) -> datetime:
    """Take a token of a bucket that is held; the moment by which it is known until it is settled."""
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
    """Say that the sending for which a token was taken has ended just now."""
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, {"name": name, "taken": taken})


_SETTLE = """
UPDATE notifications_bucket SET taken = array_replace(taken, %(taken)s, clock_timestamp()) WHERE name = %(name)s
"""
