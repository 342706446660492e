"""The interface of a channel: it says whom it can reach, and sends one delivery."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar

from notifications.channels.turn import Turn
from notifications.models.wording import TEXT
from notifications.topics import ChannelName

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Envelope:
    """One claimed delivery, with what the channel needs to send it.

    `key` is the same at every attempt. `unsure` says that an earlier attempt may have reached the receiver. `content`
    is the filled-in wording. `recipient` is the person, robot or webhook. `failures` is how many attempts have failed
    before. `token` is the receiver's token, where the channel has rate limits.
    """

    key: uuid.UUID
    attempt: int
    street_id: uuid.UUID
    recipient: uuid.UUID
    person_id: uuid.UUID | None
    kind: str
    subject_id: uuid.UUID | None
    seq: int | None
    at: datetime
    urgent: bool
    unsure: bool
    content: Mapping[str, Any]
    failures: int = 0
    token: datetime | None = None


class Undelivered(Exception):
    """The delivery did not arrive. `reason` is shown to the office, so it holds no secret, no phone and no name."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class TryLater(Undelivered):
    """It did not arrive and can be tried again; `after` is how long the receiver asks to wait.

    With `counts` false it was only held back by a rate limit, and is not counted as a failure.
    """

    def __init__(self, reason: str, *, after: timedelta | None = None, counts: bool = True):
        super().__init__(reason)
        self.after, self.counts = after, counts


class Unsure(Undelivered):
    """Nobody knows whether it arrived, because the answer was lost. The next attempt knows it."""


class Afresh(Undelivered):
    """It certainly did not arrive, also at earlier attempts that were unsure. It starts again as if it had never been tried."""


class Refused(Undelivered):
    """The receiver refuses it and would refuse it again. It is not repeated."""


class Unwanted(Undelivered):
    """The person does not want it by this channel, or has not allowed it. The next channel is tried."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How many deliveries a receiver takes within a period; a token stays away for the period and the `margin`."""

    number: int
    period: timedelta
    margin: timedelta = timedelta(seconds=2)

    @property
    def span(self) -> timedelta:
        """How long a token stays away."""
        return self.period + self.margin


class DeliveryChannel(ABC):
    """One way to send messages, made with its configuration.

    `shape` names the wording that it uses. A process sends at most `slots` deliveries at once, each within its
    `lease`. All processes together send at most `slots_each` to one receiver (None: any number). A `quiet` channel
    keeps quiet hours. After the n-th failure the n-th of `delays` is waited, with jitter; after the last one the
    delivery is dead. `limits` are the rate limits of one receiver, and `room` is how many bytes of text the receiver
    takes; what exceeds the limits becomes a digest.
    """

    name: ClassVar[ChannelName]
    shape: ClassVar[str] = TEXT
    slots: ClassVar[int] = 2
    slots_each: ClassVar[int | None] = None
    quiet: ClassVar[bool] = True
    lease: ClassVar[timedelta] = MINUTE
    delays: ClassVar[tuple[timedelta, ...]] = (
        timedelta(seconds=5), timedelta(seconds=30), 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 12 * HOUR,
    )  # fmt: skip
    limits: ClassVar[tuple[RateLimit, ...]] = ()
    room: ClassVar[int] = 2048

    @cached_property
    def turn(self) -> Turn:
        """Which street is next in this process."""
        return Turn()

    @property
    def share(self) -> int:
        """How many deliveries to one receiver may be under way at once."""
        return self.slots_each or max(1, self.slots - 1)

    @abstractmethod
    def reachable(self, recipients: Collection[uuid.UUID], content: Mapping[str, object]) -> set[uuid.UUID]:
        """Those of `recipients` whom the channel can send `content`. Called inside a transaction, so it queries only the database."""

    @abstractmethod
    def send(self, envelope: Envelope) -> str:
        """Send the delivery, outside any transaction. Returns the receiver's receipt, which may be empty. Raises an Undelivered."""
