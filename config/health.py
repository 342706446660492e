"""`/healthz`: whether this server can serve, and what is missing.

`ok`: everything is there. `degraded`: people are served, but Redis, the worker, a migration or static files are missing, nobody watches the
clocks or delivers messages, or what was to be told has waited too long. `down`: no database. `notices` are for the office,
and change no status.
Says nothing that a stranger must not know: no address, no name, no error text.
"""

import logging
from functools import cache
from typing import Any

from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from psycopg_pool import PoolTimeout
from redis.exceptions import RedisError

from casework.lag import OUTBOX_STALE, RUNG_STALE, SWEEP_STALE, clock_lag, outbox_age
from config import heartbeat
from config.readiness import missing_static_files, unapplied_migrations
from notifications.delivery import standing
from notifications.delivery.standing import ROUND_STALE
from workflow import calendars

logger = logging.getLogger(__name__)
# Set once the schema is complete: a process never sees migrations disappear, and the graph is dear to load.
_complete: set[str] = set()


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 where the database answers (`ok` or `degraded`), else 503 (`down`)."""
    parts = {
        "database": database(),
        "migrations": migrations(),
        "static_files": static_files(),
        "outbox": outbox(),
        "clocks": clocks(),
        "post": post(),
        **redis_and_worker(),
    }
    if not parts["database"]["ok"]:
        status = "down"
    elif all(part["ok"] for part in parts.values()):
        status = "ok"
    else:
        status = "degraded"
    return JsonResponse({"status": status, **parts, "notices": notices()}, status=503 if status == "down" else 200)


def database() -> dict[str, object]:
    """Whether the database answers, and its version."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version')")
            (version,) = cursor.fetchone()
    except (Error, PoolTimeout) as error:
        logger.warning("The database does not answer: %s", type(error).__name__)
        return {"ok": False, "detail": "The database does not answer, or is too old; the log says more."}
    return {"ok": True, "version": version}


def migrations() -> dict[str, object]:
    """Whether every migration of this code is applied."""
    if connection.alias not in _complete:
        try:
            waiting = unapplied_migrations()
        except (Error, PoolTimeout):
            return {"ok": False, "detail": "Unknown: the database does not answer."}
        if waiting:
            return {"ok": False, "detail": f"{waiting} migrations wait; run `manage.py migrate`."}
        _complete.add(connection.alias)
    return {"ok": True}


@cache
def static_files() -> dict[str, object]:
    """Whether the static files of this code were collected before this process started; it cannot find them later."""
    missing = missing_static_files()
    if missing:
        detail = f"{missing} static files are missing; run `manage.py collectstatic` and start web again."
        return {"ok": False, "detail": detail}
    return {"ok": True}


def outbox() -> dict[str, Any]:
    """How long the oldest event has waited to be told, from the moment in its id; None where nothing waits."""
    try:
        age = outbox_age()
    except (Error, PoolTimeout):
        return {"ok": False, "detail": "Unknown: the database does not answer, or a migration waits."}
    late = age is not None and age > OUTBOX_STALE
    found: dict[str, Any] = {"ok": not late, "oldest_age_seconds": age}
    if late:
        found["detail"] = (
            "Events wait to be told: start the worker and beat, or `manage.py tick --loop`; or one fails again and again, see the log."
        )
    return found


def clocks() -> dict[str, object]:
    """Whether somebody watches the clocks: how long ago the last sweep was, and for how long the oldest rung has been due.

    `failing` are clocks whose rung could not be fired; they are tried again.
    """
    try:
        lag = clock_lag()
    except (Error, PoolTimeout):
        return {"ok": False, "detail": "Unknown: the database does not answer, or a migration waits."}
    swept = lag.sweep_age is not None and lag.sweep_age < SWEEP_STALE
    late = lag.oldest_due is not None and lag.oldest_due > RUNG_STALE
    found: dict[str, object] = {
        "ok": swept and not late,
        "last_sweep_age_seconds": lag.sweep_age,
        "oldest_due_seconds": lag.oldest_due,
        "failing": lag.failing,
    }
    if not swept:
        found["detail"] = "Nobody watches the clocks: start the sweeper and beat, or `manage.py tick --loop`."
    elif late:
        found["detail"] = (
            "Deadlines wait to be fired: start another sweeper, or `manage.py tick --loop`; the log says more."
        )
    return found


def post() -> dict[str, object]:
    """Whether somebody delivers: how long ago deliveries were looked for, and for how long the oldest has been due.

    A channel whose own server is slow or away (`slow`) is named and degrades nothing, nor does one that is no longer set up
    (`not_set_up`), what failed for good in the last 24 hours (`dead_last_day`) or webhooks that fail (`failing_webhooks`).
    """
    try:
        age, ages, dead = standing.round_age(), standing.oldest_due(), standing.dead_last_day()
        slow, stuck = standing.slow_and_stuck(ages)
        failing = standing.failing_webhooks()
    except (Error, PoolTimeout):
        return {"ok": False, "detail": "Unknown: the database does not answer, or a migration waits."}
    known = standing.set_up()
    going = age is not None and age < ROUND_STALE
    oldest = max((seconds for name, seconds in ages.items() if name in known), default=None)
    found: dict[str, object] = {
        "ok": going and not stuck,
        "last_round_age_seconds": age,
        "oldest_due_seconds": None if oldest is None else round(oldest, 1),
        "dead_last_day": dead,
    }
    more = {"slow": slow, "not_set_up": sorted(set(ages) - known), "failing_webhooks": failing}
    found |= {name: value for name, value in more.items() if value}
    if not going:
        found["detail"] = "Nobody delivers messages: start the postman and beat, or `manage.py deliver --loop`."
    elif stuck:
        found["detail"] = (
            f"Messages wait and nobody sends them ({', '.join(stuck)}): start another postman; see its log."
        )
    return found


def notices() -> list[str]:
    """What the office has to be told: the years whose holidays should have been entered."""
    try:
        return [str(one) for one in calendars.notices(timezone.localdate())]
    except (Error, PoolTimeout):
        return []


def redis_and_worker() -> dict[str, dict[str, object]]:
    """Whether Redis answers, and whether a worker has written its heartbeat lately."""
    try:
        age = heartbeat.age()
    except (RedisError, OSError) as error:
        logger.warning("Redis does not answer: %s", type(error).__name__)
        missing = {"ok": False, "detail": "Redis does not answer: deadlines and news wait for `manage.py tick --loop`."}
        return {"redis": missing, "worker": {"ok": False, "detail": "Unknown: Redis does not answer."}}
    beating = age is not None and age <= heartbeat.STALE
    worker: dict[str, object] = {"ok": beating, "heartbeat_age_seconds": None if age is None else round(age, 1)}
    if not beating:
        worker["detail"] = "No heartbeat: beat or worker does not run."
    return {"redis": {"ok": True}, "worker": worker}
