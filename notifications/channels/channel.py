"""What every channel is: who can be reached by it, and how one delivery goes out."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar

from notifications.buckets import Limit
from notifications.models.wording import TEXT
from notifications.queues import Turn
from notifications.topics import ChannelName

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Envelope:
    """One claimed delivery. `key` is the same at every attempt; `unsure` says that an earlier one may have reached the receiver.

    `content` is what the channel's wording made of the event, `recipient` the person, robot or webhook, `failures` how many attempts
    have failed before this one, `token` the receiver's that was taken for it where it has limits.
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
    """A delivery did not arrive; `reason` is for the office: no secret, no phone, no name."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class TryLater(Undelivered):
    """It did not arrive, and may the next time; `after` is how long the receiver asks to wait.

    One that was only held back by a limit (`counts` false) is not counted as a failure.
    """

    def __init__(self, reason: str, *, after: timedelta | None = None, counts: bool = True):
        super().__init__(reason)
        self.after, self.counts = after, counts


class Unsure(Undelivered):
    """Nobody knows whether it arrived: the answer was lost on its way. The next attempt is told so."""


class Afresh(Undelivered):
    """It certainly never arrived, whatever was feared before: it begins anew, as if it had not been tried."""


class Refused(Undelivered):
    """The receiver refuses it, and will again: it is not repeated."""


class Unwanted(Undelivered):
    """The person does not want it by this channel, or has not allowed it: a fallback is tried."""


class Channel(ABC):
    """A way out of the house, made with its configuration.

    `shape` is the wording that it shows. `slots` deliveries at most are under way at once in a process, each for less than `lease`.
    At most `slots_each` of them (None: any number) go to one receiver, in all processes together. A `quiet` channel keeps its receivers'
    quiet hours. After the n-th failure the n-th of `delays` is waited, with jitter; after the last one it is dead. `limits` are those of
    one receiver, who takes `room` bytes of text: what does not fit under them becomes a digest.
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
    limits: ClassVar[tuple[Limit, ...]] = ()
    room: ClassVar[int] = 2048

    @cached_property
    def turn(self) -> Turn:
        """Whose turn it is, for what this process sends."""
        return Turn()

    @property
    def share(self) -> int:
        """How many deliveries to one receiver may be under way at once."""
        return self.slots_each or max(1, self.slots - 1)

    @abstractmethod
    def reachable(self, recipients: Collection[uuid.UUID], content: Mapping[str, Any]) -> set[uuid.UUID]:
        """Those of `recipients` whom `content` can reach this way; called inside a transaction, so it asks the database alone."""

    @abstractmethod
    def send(self, envelope: Envelope) -> str:
        """Send it, outside any transaction; the receiver's receipt, which may be empty. Raises an Undelivered."""
