"""Redis for what a request can do without: it waits a tenth of a second for an answer, and never tries again."""

from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

_PATIENCE = 0.1  # seconds that one request waits for Redis


@cache
def client() -> redis.Redis:
    """The connections of this process. Calls raise redis.RedisError where Redis is away."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE, retry=Retry(NoBackoff(), 0)
    )
