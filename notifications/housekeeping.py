"""Deleting messages and e-mail codes that are too old."""

from datetime import datetime, timedelta

from django.conf import settings

from notifications.models import EmailCode, Message

_BATCH = 500
_CODES_KEPT = timedelta(days=2)


def purge(at: datetime) -> int:
    """Delete messages older than `settings.MESSAGES_KEPT_DAYS` with their deliveries, in batches. Returns how many messages.

    E-mail codes are deleted when no limit counts them any more.
    """
    EmailCode.objects.filter(created_at__lt=at - _CODES_KEPT).delete()
    old = Message.objects.filter(created_at__lt=at - timedelta(days=settings.MESSAGES_KEPT_DAYS)).order_by("created_at")
    deleted = 0
    while ids := list(old.values_list("pk", flat=True)[:_BATCH]):
        _, rows = Message.objects.filter(pk__in=ids).delete()
        deleted += rows.get("notifications.Message", 0)
    return deleted
