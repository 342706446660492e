"""Celery's doors to the postman's work: nudges only, for what they say stands in the database."""

from celery import shared_task

from notifications import deliver as round_of
from notifications.topics import ChannelName


@shared_task(name="notifications.deliver")
def deliver(channel: str) -> None:
    """Send what is due by one channel."""
    round_of.deliver(ChannelName(channel))


@shared_task(name="notifications.sweep")
def sweep() -> None:
    """Find what a nudge has lost: abandoned deliveries, and channels with something due."""
    round_of.recover()
    for name in round_of.waiting():
        deliver.apply_async([str(name)], expires=5)
