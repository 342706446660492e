"""What the tests of the webhooks' pages share: a webhook of the demo street whose receiver listens here, and its deliveries."""

import uuid
from typing import Any

from django.urls import reverse
from django.utils import timezone

from notifications.models import Delivery, Endpoint, Message
from notifications.topics import ChannelName, DeliveryState, Topic

SEEN = ["tickets.view_ticket", "notifications.view_endpoint"]
KEPT = [*SEEN, *(f"notifications.{verb}_endpoint" for verb in ("add", "change", "delete"))]


def page(endpoint: Endpoint, name: str) -> str:
    """The address of one of the webhook's pages."""
    return reverse(f"admin:notifications_endpoint_{name}", args=[endpoint.pk])


def delivered(endpoint: Endpoint, state: DeliveryState, ticket: Any = None, **columns: Any) -> Delivery:
    """A delivery to the webhook that stands so, about a ticket as the API shows it, or about none."""
    kind, at = columns.pop("kind", "ticket.dispatch"), columns.get("created_at") or timezone.now()
    message = Message.objects.create(
        street_id=endpoint.street_id,
        key=uuid.uuid4(),
        recipient=endpoint.pk,
        kind=kind,
        topic=Topic.PROGRESS,
        subject_id=ticket["id"] if ticket else None,
        seq=3 if ticket else None,
        title=kind,
        body="",
        at=at,
        created_at=at,
    )
    ended = {DeliveryState.SENT, DeliveryState.DEAD, DeliveryState.DROPPED}
    return Delivery.objects.create(
        street_id=endpoint.street_id,
        message=message,
        channel=ChannelName.WEBHOOK,
        recipient=endpoint.pk,
        content={"type": kind, "timestamp": at.isoformat(), "data": {"seq": 3}},
        state=state,
        **{
            "finished_at": at if state in ended else None,
            "lease_until": at if state == DeliveryState.SENDING else None,
            **columns,
        },
    )
