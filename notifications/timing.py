"""When a message may leave the house: quiet hours, digests, and how long a failed delivery waits."""

import random
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from notifications.topics import Digest

type Quiet = tuple[time, time]
"""From when and until when somebody is left alone, by the server's clock; equal ends for never."""

JITTER = 0.2
LATELY = timedelta(minutes=10)
"""The time in which a few messages are enough, and how long what follows them is held."""
DAILY_AT = time(8, 30)
OLD = timedelta(hours=24)
"""The age from which news disturbs nobody any more: people find it in their inboxes, and nowhere else."""


def after_quiet(now: datetime, quiet_from: time, quiet_until: time) -> datetime:
    """`now`, or the end of the quiet hours that it lies in. Equal ends mean that there are none."""
    hours = quiet_hours(now, quiet_from, quiet_until)
    return hours[1] if hours else now


def quiet_hours(now: datetime, quiet_from: time, quiet_until: time) -> tuple[datetime, datetime] | None:
    """The beginning and the end of the quiet hours that `now` lies in; None where it lies in none."""
    zone = ZoneInfo(settings.TIME_ZONE)
    local = now.astimezone(zone)
    begun = local.time() >= quiet_from
    over_midnight = quiet_from > quiet_until
    quiet = begun or local.time() < quiet_until if over_midnight else begun and local.time() < quiet_until
    if not quiet:
        return None
    first = local.date() if begun else local.date() - timedelta(days=1)
    last = first + timedelta(days=over_midnight)
    return datetime.combine(first, quiet_from, zone), datetime.combine(last, quiet_until, zone)


def held_until(now: datetime, digest: Digest) -> datetime:
    """When what is held from `now` on for a person with that setting is gathered; NEVER holds nothing."""
    local = now.astimezone(ZoneInfo(settings.TIME_ZONE))
    match digest:
        case Digest.NEVER:
            return now
        case Digest.HOURLY:
            return local.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        case Digest.DAILY:
            return datetime.combine(local.date() + timedelta(days=local.time() >= DAILY_AT), DAILY_AT, local.tzinfo)
        case _:
            return now + LATELY


def wait(delays: Sequence[timedelta], failures: int) -> timedelta | None:
    """How long to wait after the `failures`-th failure, give or take a fifth; None where it was the last."""
    if failures > len(delays):
        return None
    return jittered(delays[failures - 1])


def jittered(delay: timedelta) -> timedelta:
    """`delay`, give or take a fifth, so that what waits together does not come back together."""
    return delay * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
