"""Celery's doors to the work on tickets."""

from celery import shared_task
from django.utils import timezone

from tickets import announce, escalation, handover, photos, sealing


@shared_task(name="tickets.tell_outbox")
def tell_outbox() -> None:
    """Tell what has happened to tickets."""
    announce.tell_outbox()


@shared_task(name="tickets.sweep")
def sweep() -> None:
    """Fire the deadlines that are due."""
    escalation.sweep()


@shared_task(name="tickets.follow_calendar")
def follow_calendar() -> None:
    """Measure running clocks by the newest working calendar."""
    escalation.follow_calendar()


@shared_task(name="tickets.hand_over")
def hand_over() -> None:
    """Dispatch the open tickets of contracts that have ended anew."""
    handover.sweep()


@shared_task(name="tickets.purge_photos")
def purge_photos() -> None:
    """Delete the photos that nobody attached within 24 hours, and their files."""
    while photos.purge_unattached(timezone.now()):
        pass


@shared_task(name="tickets.seal_heads")
def seal_heads() -> None:
    """Seal the heads of each street's tickets, once an hour."""
    sealing.seal_all()
