"""The rounds of one process: of each channel at most so many at once, so that one that hangs leaves room for the others."""

import threading
from collections.abc import Mapping, Sequence
from functools import cache

from notifications import deliver, digest
from notifications.channels import channels
from notifications.channels.channel import Channel
from notifications.topics import ChannelName


class Rounds:
    """Who delivers by `channels` in this process. Its methods may be called in any number of threads."""

    def __init__(self, channels: Mapping[ChannelName, Channel]):
        self.channels = channels
        self.stopping = threading.Event()
        self._slots = {name: threading.BoundedSemaphore(channel.slots) for name, channel in channels.items()}

    def deliver(self, name: ChannelName) -> int:
        """Go on a round for a channel; how many deliveries were tried.

        None are where all its slots are taken (who has them will find what is due) and where it is not set up.
        """
        slot = self._slots.get(name)
        if slot is None or self.stopping.is_set() or not slot.acquire(blocking=False):
            return 0
        try:
            return deliver.deliver(self.channels[name], stop=self.stopping)
        finally:
            slot.release()

    def sweep(self) -> Sequence[ChannelName]:
        """Gather what was held for long enough, and find what nobody looks after; the channels that have something due."""
        digest.gather()
        return deliver.sweep(self.channels)

    def stop(self) -> None:
        """Let every round end with what it is sending now, and none begin."""
        self.stopping.set()


@cache
def here() -> Rounds:
    """Those of this process. Raises ImproperlyConfigured, naming the setting, where a channel is badly set up."""
    return Rounds(channels())
