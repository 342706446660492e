"""A message to try a robot out: it goes the whole way that news goes."""

import uuid

from django.db import transaction
from django.utils import timezone

from notifications.digests import CATALOGUE
from notifications.models import Delivery, Message, Robot
from notifications.models.wording import GROUP_LANGUAGE, TEXT
from notifications.topics import Topic
from notifications.wording import filled

KIND = "trial"


def try_out(robot: Robot) -> Delivery:
    """Queue a test message for a robot, whatever topics it tells."""
    words = CATALOGUE.find(KIND, TEXT, GROUP_LANGUAGE)
    assert words is not None
    title, body = words.title, filled(words.body, {"name": robot.name})
    with transaction.atomic():
        message = Message.objects.create(
            street_id=robot.street_id,
            key=uuid.uuid4(),
            recipient=robot.pk,
            kind=KIND,
            topic=Topic.WORK,
            title=title,
            body=body,
            at=timezone.now(),
        )
        return Delivery.objects.create(
            street_id=robot.street_id,
            message=message,
            channel=robot.vendor,
            recipient=robot.pk,
            content={"title": title, "body": body, "language": GROUP_LANGUAGE, "code": ""},
        )
