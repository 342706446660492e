"""The heartbeat: beat asks for it, a worker writes it into the cache, `/healthz` reads its age.

A fresh one proves the whole way: beat, broker, worker, cache.
"""

from celery import shared_task
from django.core.cache import cache
from django.utils import timezone

STALE = 30.0
"""Seconds after which the worker counts as missing."""
KEY = "heartbeat"


@shared_task(name="config.heartbeat", ignore_result=True)
def heartbeat() -> None:
    """Write down that a worker is alive."""
    cache.set(KEY, timezone.now().timestamp(), timeout=None)


def age() -> float | None:
    """Seconds since the last heartbeat, or None where there never was one. Raises RedisError when Redis is down."""
    at = cache.get(KEY)
    return None if at is None else max(0.0, timezone.now().timestamp() - at)
