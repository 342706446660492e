"""What the tests of the postman post: letters of a made-up kind, to people of the demo street, by channels made of paper."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth import get_user_model

from notifications.channels.channel import DeliveryChannel, Envelope
from notifications.models.wording import TEXT
from notifications.post import Addressee, Letter, Posted, post
from notifications.topics import ChannelName, Topic
from notifications.wordings.writer import Catalogue

STREET = uuid.UUID("0192f0c0-0000-7000-8000-00000000a001")
NOON = datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
NIGHT = datetime(2026, 3, 2, 23, tzinfo=ZoneInfo("Asia/Shanghai"))
MORNING = datetime(2026, 3, 3, 7, tzinfo=ZoneInfo("Asia/Shanghai"))

CATALOGUE = Catalogue(Path(__file__).parent / "words.toml")


@dataclass
class Paper(DeliveryChannel):
    """A channel that goes nowhere. It asks the database whom it reaches, as every one does, and leaves out the `unreachable`."""

    name: ChannelName  # type: ignore[misc]
    shape: str = TEXT  # type: ignore[misc]
    unreachable: set[uuid.UUID] = field(default_factory=set)

    def reachable(self, recipients: Collection[uuid.UUID], content: Mapping[str, Any]) -> set[uuid.UUID]:
        """All but the unreachable."""
        found = get_user_model().objects.filter(pk__in=recipients).values_list("pk", flat=True)
        return set(found) - self.unreachable

    def send(self, envelope: Envelope) -> str:
        """Nothing is sent here."""
        raise AssertionError


def letter(
    *people: Any,
    topic: Topic = Topic.PROGRESS,
    urgent: bool = False,
    at: datetime = NOON,
    organisations: Sequence[uuid.UUID] = (),
    **facts: Any,
) -> Letter:
    """News for these people, in their language."""
    return Letter(
        key=uuid.uuid4(),
        street_id=STREET,
        kind="story",
        topic=topic,
        at=at.astimezone(UTC),
        facts={"code": "XY-1", **facts},
        people=[Addressee(one.pk, one.language) for one in people],
        organisations=organisations,
        subject_id=uuid.uuid4(),
        seq=1,
        urgent=urgent,
    )


def told(*letters: Letter, now: datetime = NOON) -> Posted:
    """Post them in one batch."""
    return post(letters, [], CATALOGUE, now=now)
