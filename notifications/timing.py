"""When a message is sent: quiet hours, digests, and the wait between retries."""

import random
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from notifications.topics import Digest

type Quiet = tuple[time, time]
"""Begin and end of quiet hours by the server's clock; equal ends mean never."""

JITTER = 0.2
LATELY = timedelta(minutes=10)
"""The period in which a person gets a few messages one by one. Later messages are held as long."""
DAILY_AT = time(8, 30)
OLD = timedelta(hours=24)
"""Age of an event from which its messages go to inboxes only."""


def after_quiet(now: datetime, quiet_from: time, quiet_until: time) -> datetime:
    """`now`, or the end of the quiet hours that `now` falls into. Equal ends mean no quiet hours."""
    hours = quiet_hours(now, quiet_from, quiet_until)
    return hours[1] if hours else now


def quiet_hours(now: datetime, quiet_from: time, quiet_until: time) -> tuple[datetime, datetime] | None:
    """Begin and end of the quiet hours that `now` falls into; None outside quiet hours."""
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
    """When messages that are held from `now` on are gathered, for a person with this setting. NEVER holds nothing."""
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
    """How long to wait after the n-th failure, give or take a fifth; None after the last one."""
    if failures > len(delays):
        return None
    return jittered(delays[failures - 1])


def jittered(delay: timedelta) -> timedelta:
    """`delay`, give or take a fifth, so that retries that wait together do not all come at the same moment."""
    return delay * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
