"""What the tests of the postman share: a channel that speaks to a receiver on the loopback, and deliveries for it."""

import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.utils import timezone

from community.models import Person
from notifications.channels.channel import DeliveryChannel, Envelope, Refused, Unwanted
from notifications.channels.http import BadStatus, HttpClient
from notifications.models import Delivery, Message
from notifications.topics import ChannelName, DeliveryState, Topic
from tests.statements import more_like

STREET = uuid.UUID("0192f0c0-0000-7000-8000-00000000aaaa")


class Wire(DeliveryChannel):
    """Posts the content to a receiver; where that says 410 the person does not want it, 409 breaks the channel."""

    name = ChannelName.WEBHOOK
    delays = (timedelta(seconds=5), timedelta(seconds=30))

    def __init__(self, url: str, *, name: ChannelName = ChannelName.WEBHOOK, slots: int = 2, **clock: float) -> None:
        self.url, self.name, self.slots = url, name, slots
        self.client = HttpClient(**clock)

    def reachable(self, recipients: Collection[uuid.UUID], content: Mapping[str, Any]) -> set[uuid.UUID]:
        return set(recipients)

    def send(self, envelope: Envelope) -> str:
        body = {"attempt": envelope.attempt, "unsure": envelope.unsure, **envelope.content}
        try:
            answer = self.client.post_json(self.url, body, key=envelope.key).accepted()
        except BadStatus as refusal:
            if refusal.answer.status == 409:
                raise RuntimeError("The channel is broken.") from refusal
            if refusal.answer.status == 410:
                raise Unwanted("They do not want it.") from refusal
            raise Refused("They refuse it.") from refusal
        return str(answer.json().get("receipt", ""))


def letter(
    channel: ChannelName = ChannelName.WEBHOOK,
    *,
    person: uuid.UUID | None = None,
    recipient: uuid.UUID | None = None,
    **columns: Any,
) -> Delivery:
    """A delivery that is due by the channel."""
    return letters(1, channel, person=person, recipient=person or recipient or uuid.uuid4(), **columns)


def letters(
    number: int,
    channel: ChannelName,
    *,
    recipient: uuid.UUID,
    person: uuid.UUID | None = None,
    street_id: uuid.UUID = STREET,
    **columns: Any,
) -> Delivery:
    """So many deliveries for one receiver that are due by the channel; the first of them."""
    message = Message.objects.create(
        street_id=street_id,
        key=uuid.uuid4(),
        recipient=recipient,
        person_id=person,
        kind="ticket.dispatch",
        topic=Topic.WORK,
        title="新的工作",
        body="",
        at=timezone.now(),
    )
    delivery = Delivery.objects.create(
        street_id=street_id,
        message=message,
        channel=channel,
        recipient=recipient,
        **{"content": {"text": "电梯"}, **columns},
    )
    messages = more_like(message, [uuid.uuid4() for _ in range(number - 1)], key="other")
    more_like(delivery, messages, message_id="other")
    return delivery


def claimed(recipient: Any, **changes: Any) -> Envelope:
    """A claimed delivery for the person, robot or webhook."""
    known: dict[str, Any] = {
        "key": uuid.uuid4(),
        "attempt": 1,
        "street_id": STREET,
        "recipient": recipient.pk,
        "person_id": recipient.pk if isinstance(recipient, Person) else None,
        "kind": "ticket.reply",
        "subject_id": None,
        "seq": 1,
        "at": timezone.now() - timedelta(minutes=1),
        "urgent": False,
        "unsure": False,
        "content": {},
    }
    return Envelope(**known | changes)


def again(delivery: Delivery) -> None:
    """Make a delivery that waits for its next attempt due."""
    changed = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.QUEUED)
    assert changed.update(available_at=timezone.now() - timedelta(seconds=1))


def run_out(delivery: Delivery) -> None:
    """Let the lease of a delivery run out."""
    changed = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.SENDING)
    assert changed.update(lease_until=timezone.now() - timedelta(seconds=1))


@contextmanager
def committed() -> Iterator[None]:
    """Afterwards nothing is left of what was posted in the tests' street."""
    try:
        yield
    finally:
        Delivery.objects.filter(street_id=STREET).delete()
        Message.objects.filter(street_id=STREET).delete()
