"""When a message may leave the house: quiet hours, digests, and how long a failed delivery waits."""

import random
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

JITTER = 0.2


def after_quiet(now: datetime, quiet_from: time, quiet_until: time) -> datetime:
    """`now`, or the end of the quiet hours that it lies in. Equal ends mean that there are none."""
    zone = ZoneInfo(settings.TIME_ZONE)
    local = now.astimezone(zone)
    here = local.time()
    if quiet_from == quiet_until:
        return now
    if quiet_from < quiet_until:
        quiet, days = quiet_from <= here < quiet_until, 0
    else:
        quiet, days = here >= quiet_from or here < quiet_until, int(here >= quiet_from)
    return datetime.combine(local.date() + timedelta(days=days), quiet_until, zone) if quiet else now


def wait(delays: Sequence[timedelta], failures: int) -> timedelta | None:
    """How long to wait after the `failures`-th failure, give or take a fifth; None where it was the last."""
    if failures > len(delays):
        return None
    return delays[failures - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
