"""What goes by itself: messages that are too old to be of use to anybody."""

from datetime import datetime, timedelta

from django.conf import settings

from notifications.models import Message

_BATCH = 500


def purge(at: datetime) -> int:
    """Delete the messages older than `settings.MESSAGES_KEPT_DAYS` with their deliveries, in batches; how many they were."""
    old = Message.objects.filter(created_at__lt=at - timedelta(days=settings.MESSAGES_KEPT_DAYS)).order_by("created_at")
    deleted = 0
    while ids := list(old.values_list("pk", flat=True)[:_BATCH]):
        _, rows = Message.objects.filter(pk__in=ids).delete()
        deleted += rows.get("notifications.Message", 0)
    return deleted
