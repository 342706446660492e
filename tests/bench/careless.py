"""A postman who must not be let through: of every twenty deliveries one is never sent, one sent twice, one twice under different keys.

All three are recorded as sent. It delivers as `manage.py deliver --loop` does.
"""

import itertools
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import django


class Careless:
    """A channel whose sending goes wrong at times; all else is the channel's own."""

    def __init__(self, channel: Any, numbers: "itertools.count[int]") -> None:
        self.channel, self.numbers = channel, numbers

    def __getattr__(self, name: str) -> Any:
        return getattr(self.channel, name)

    def send(self, envelope: Any) -> str:
        """Send it, or not, or once more."""
        match next(self.numbers) % 20:
            case 7:
                return ""
            case 11:
                self.channel.send(envelope)
            case 13:
                self.channel.send(replace(envelope, key=uuid.uuid4()))
        return str(self.channel.send(envelope))


def main() -> None:
    """Deliver until killed."""
    django.setup()
    from notifications.channels import channels
    from notifications.delivery.workers import Workers

    numbers = itertools.count()
    careless: Mapping[Any, Any] = {name: Careless(channel, numbers) for name, channel in channels().items()}
    postmen = Workers(careless)
    while True:
        for name in postmen.sweep():
            postmen.deliver(name)
        time.sleep(0.2)


if __name__ == "__main__":
    main()
