"""Rate limits in Redis. When Redis is away, nothing is limited; sign-in counts in PostgreSQL instead."""

import logging
import time
from functools import cache

import redis
from django.utils.crypto import salted_hmac
from redis.commands.core import Script
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from web import quick_redis
from web.addresses import UNKNOWN_SHARE, client_address

logger = logging.getLogger(__name__)

_REST = 5.0  # seconds without a call to Redis after it failed


@cache
def _counted() -> Script:
    """A script that counts one request under a name that expires. One command instead of two halves the cost of a request."""
    return quick_redis.client().register_script(
        "local count = redis.call('INCR', KEYS[1]) "
        "if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end "
        "return count"
    )


class Limit(BaseThrottle):
    """At most `requests` in each window of `seconds` for one caller: the person, otherwise the address.

    A subclass sets its `scope` and numbers; views list it in `throttle_classes`. Above the limit the answer is 429
    with `Retry-After`.
    """

    scope = "all"
    requests = 600
    seconds = 60

    _away_until = 0.0

    def caller(self, request: Request) -> str:
        """Who is counted; empty for all callers whose address is unknown, who are counted together."""
        return str(request.user.pk) if request.user else client_address(request._request)

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Whether the request is within the limit. Always true while Redis is away."""
        return self.allows(self.caller(request))

    def allows(self, who: str) -> bool:
        """Count one request of `who` (empty: all unknown callers), and return whether it is within the limit."""
        if time.monotonic() < Limit._away_until:
            return True
        now = time.time()
        window, elapsed = divmod(now, self.seconds)
        self._left = self.seconds - elapsed
        caller = salted_hmac(self.scope, who, algorithm="sha256").hexdigest()[:32]
        name = f"limit:{self.scope}:{caller}:{int(window)}"
        try:
            count: int = _counted()(keys=[name], args=[self.seconds + 1], client=quick_redis.client())
        except redis.RedisError as error:
            Limit._away_until = time.monotonic() + _REST
            logger.warning("Redis is away, limits are open: %s", type(error).__name__)
            return True
        return count <= self.requests * (1 if who else UNKNOWN_SHARE)

    def wait(self) -> float:
        """Seconds until the next window."""
        return self._left
