"""Celery's doors to the work on tickets."""

from celery import shared_task
from django.utils import timezone

from tickets import announce, photos


@shared_task(name="tickets.tell_outbox")
def tell_outbox() -> None:
    """Tell what has happened to tickets."""
    announce.tell_outbox()


@shared_task(name="tickets.purge_photos")
def purge_photos() -> None:
    """Delete the photos that nobody attached within 24 hours, and their files."""
    while photos.purge_unattached(timezone.now()):
        pass
