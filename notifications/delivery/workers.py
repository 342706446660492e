"""The sending threads of one process: each channel has a few slots, so that a channel that hangs does not block the others."""

import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache

from notifications import digests
from notifications.channels import channels
from notifications.channels.channel import DeliveryChannel
from notifications.delivery.claim import claim
from notifications.delivery.outcomes import send
from notifications.delivery.recovery import sweep
from notifications.topics import ChannelName

ROUND = 20.0
"""Seconds after which `deliver` ends, so that a worker can be told to stop."""


def deliver(channel: DeliveryChannel, *, seconds: float = ROUND, stop: threading.Event | None = None) -> int:
    """Send the due deliveries of a channel, urgent ones first. Returns how many were tried.

    It ends when nothing is due, when `seconds` are over, or when `stop` is set; what is being sent then is finished.
    Any number of callers may run at once, in any number of processes.
    """
    tried, end = 0, time.monotonic() + seconds
    while time.monotonic() < end and not (stop and stop.is_set()):
        envelope = claim(channel)
        if envelope is None:
            break
        tried += 1
        send(channel, envelope)
    return tried


class Workers:
    """Sends deliveries by `channels` in this process. Any number of threads may call it."""

    def __init__(self, channels: Mapping[ChannelName, DeliveryChannel]):
        self.channels = channels
        self.stopping = threading.Event()
        self._slots = {name: threading.BoundedSemaphore(channel.slots) for name, channel in channels.items()}

    def deliver(self, name: ChannelName) -> int:
        """Send what is due by a channel. Returns how many deliveries were tried.

        Returns 0 where the channel is not set up, or where all its slots are taken: the threads that have them find
        what is due.
        """
        slot = self._slots.get(name)
        if slot is None or self.stopping.is_set() or not slot.acquire(blocking=False):
            return 0
        try:
            return deliver(self.channels[name], stop=self.stopping)
        finally:
            slot.release()

    def sweep(self) -> Sequence[ChannelName]:
        """Gather held messages, queue abandoned deliveries again, and return the channels that have something due."""
        digests.gather()
        return sweep(self.channels)

    def stop(self) -> None:
        """Let every call of `deliver` end after what it is sending now, and let no new call begin."""
        self.stopping.set()


@cache
def of_this_process() -> Workers:
    """The workers of this process. Raises ImproperlyConfigured, naming the setting, where a channel is badly set up."""
    return Workers(channels())
