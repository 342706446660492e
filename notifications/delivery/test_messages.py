"""Test messages for robots and webhooks. They are sent like any other message, whatever topics the receiver has chosen."""

import uuid

from django.db import transaction
from django.utils import timezone

from notifications.models import Delivery, Endpoint, Message, Robot
from notifications.models.wording import GROUP_LANGUAGE, TEXT
from notifications.topics import ChannelName, Topic
from notifications.wordings.digest import CATALOGUE
from notifications.wordings.writer import filled

KIND = "trial"
TEST_EVENT = "webhook.test"


def send_test_message(receiver: Robot | Endpoint) -> Delivery:
    """Queue a test message for a robot, or an event `webhook.test` for a webhook."""
    now = timezone.now()
    content: dict[str, object]
    if isinstance(receiver, Endpoint):
        channel, kind, title, body = ChannelName.WEBHOOK, TEST_EVENT, TEST_EVENT, ""
        content = {"type": TEST_EVENT, "timestamp": now.isoformat(), "data": {"endpoint": str(receiver.pk)}}
    else:
        words = CATALOGUE.find(KIND, TEXT, GROUP_LANGUAGE)
        assert words is not None
        channel, kind = ChannelName(receiver.vendor), KIND
        title, body = words.title, filled(words.body, {"name": receiver.name})
        content = {"title": title, "body": body, "language": GROUP_LANGUAGE}
    with transaction.atomic():
        message = Message.objects.create(
            street_id=receiver.street_id,
            key=uuid.uuid4(),
            recipient=receiver.pk,
            kind=kind,
            topic=Topic.WORK,
            title=title,
            body=body,
            at=now,
        )
        return Delivery.objects.create(
            street_id=receiver.street_id, message=message, channel=channel, recipient=receiver.pk, content=content
        )
