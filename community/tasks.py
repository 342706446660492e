"""Celery's doors to the community's work."""

from celery import shared_task

from community import housekeeping


@shared_task(name="community.purge")
def purge() -> None:
    """Delete expired codes, tokens, sessions and idempotency keys."""
    housekeeping.purge()
