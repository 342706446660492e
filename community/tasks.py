"""The Celery tasks of the community."""

from celery import shared_task

from community import housekeeping, timers


@shared_task(name="community.purge")
def purge() -> None:
    """Delete expired codes, tokens, sessions and idempotency keys."""
    housekeeping.purge()


@shared_task(name="community.fire_contracts")
def fire_contracts() -> None:
    """Fire the moments of service contracts that have come."""
    timers.fire_due()
