"""The Celery tasks of notifications. They are hints only: what is due is in the database."""

import logging
from collections.abc import Iterable

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from notifications import housekeeping
from notifications.delivery import workers
from notifications.topics import ChannelName

logger = logging.getLogger(__name__)

_STALE = 5
"""Seconds after which a task is useless, because a later sweep has sent it again."""
# Without this policy a publisher keeps connecting for seconds, even where retries are switched off elsewhere.
_ONCE = {"max_retries": 0}


@shared_task(name="notifications.deliver")
def deliver(channel: str) -> None:
    """Send the due deliveries of a channel."""
    workers.of_this_process().deliver(ChannelName(channel))


@shared_task(name="notifications.sweep")
def sweep() -> None:
    """Gather held messages, queue abandoned deliveries again, and nudge the channels that have something due."""
    nudge(workers.of_this_process().sweep())


@shared_task(name="notifications.purge")
def purge() -> None:
    """Delete old messages."""
    housekeeping.purge(timezone.now())


def nudge(names: Iterable[ChannelName]) -> bool:
    """Ask workers to send what is due by these channels. Returns False where the broker is away; a later sweep finds it then."""
    for name in names:
        try:
            deliver.apply_async([str(name)], expires=_STALE, retry=True, retry_policy=_ONCE)
        except OperationalError as error:
            logger.warning("nobody was nudged for %s: %s", name, type(error).__name__)
            return False
    return True
