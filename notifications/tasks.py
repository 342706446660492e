"""Celery's doors to the postman's work: nudges only, for what they say stands in the database."""

import logging
from collections.abc import Iterable

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from notifications import housekeeping, rounds
from notifications.topics import ChannelName

logger = logging.getLogger(__name__)

_STALE = 5
"""Seconds after which a nudge is worth nothing: a later sweep has repeated it."""
# Without a policy of its own a publisher goes on connecting for seconds, whatever else says that nothing is to be repeated.
_ONCE = {"max_retries": 0}


@shared_task(name="notifications.deliver")
def deliver(channel: str) -> None:
    """Send what is due by one channel."""
    rounds.here().deliver(ChannelName(channel))


@shared_task(name="notifications.sweep")
def sweep() -> None:
    """Gather what was held for long enough, and find what a nudge has lost: abandoned deliveries, channels with something due."""
    nudge(rounds.here().sweep())


@shared_task(name="notifications.purge")
def purge() -> None:
    """Delete old messages."""
    housekeeping.purge(timezone.now())


def nudge(names: Iterable[ChannelName]) -> bool:
    """Ask the postman to go on a round for these channels. False where the broker is away: a later sweep finds what is due."""
    for name in names:
        try:
            deliver.apply_async([str(name)], expires=_STALE, retry=True, retry_policy=_ONCE)
        except OperationalError as error:
            logger.warning("nobody was nudged for %s: %s", name, type(error).__name__)
            return False
    return True
