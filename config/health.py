"""`/healthz`: whether this server can serve, and what is missing.

`ok`: everything is there. `degraded`: people are served, but Redis, the worker or a migration is missing, or what was to be
told has waited too long. `down`: no database. Says nothing that a stranger must not know: no address, no name, no error text.
"""

import logging
from typing import Any

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import DateTimeField, F, Func
from django.db.models.functions import Extract, Now
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from psycopg_pool import PoolTimeout
from redis.exceptions import RedisError

from config import heartbeat
from tickets.models.history import TicketOutbox

OUTBOX_STALE = 300.0
"""Seconds that an event may wait to be told."""

logger = logging.getLogger(__name__)
# Set once the schema is complete: a process never sees migrations disappear, and the graph is dear to load.
_complete: set[str] = set()


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 where the database answers (`ok` or `degraded`), else 503 (`down`)."""
    parts = {"database": database(), "migrations": migrations(), "outbox": outbox(), **redis_and_worker()}
    if not parts["database"]["ok"]:
        status = "down"
    elif all(part["ok"] for part in parts.values()):
        status = "ok"
    else:
        status = "degraded"
    return JsonResponse({"status": status, **parts}, status=503 if status == "down" else 200)


def database() -> dict[str, Any]:
    """Whether the database answers, and its version."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version')")
            (version,) = cursor.fetchone()
    except (Error, PoolTimeout) as error:
        logger.warning("The database does not answer: %s", type(error).__name__)
        return {"ok": False, "detail": "The database does not answer, or is too old; the log says more."}
    return {"ok": True, "version": version}


def migrations() -> dict[str, Any]:
    """Whether every migration of this code is applied."""
    if connection.alias not in _complete:
        try:
            executor = MigrationExecutor(connection)
            waiting = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        except (Error, PoolTimeout):
            return {"ok": False, "detail": "Unknown: the database does not answer."}
        if waiting:
            return {"ok": False, "detail": f"{waiting} migrations wait; run `manage.py migrate`."}
        _complete.add(connection.alias)
    return {"ok": True}


def outbox() -> dict[str, Any]:
    """How long the oldest event has waited to be told, from the moment in its id; None where nothing waits."""
    oldest = TicketOutbox.objects.order_by("id").annotate(
        age=Extract(Now() - Func(F("id"), function="uuid_extract_timestamp", output_field=DateTimeField()), "epoch")
    )
    try:
        age = oldest.values_list("age", flat=True).first()
    except (Error, PoolTimeout):
        return {"ok": False, "detail": "Unknown: the database does not answer, or a migration waits."}
    late = age is not None and age > OUTBOX_STALE
    found: dict[str, Any] = {"ok": not late, "oldest_age_seconds": None if age is None else round(max(0.0, age), 1)}
    if late:
        found["detail"] = "Events wait to be told: the worker does not run, or one of them fails again and again."
    return found


def redis_and_worker() -> dict[str, dict[str, Any]]:
    """Whether Redis answers, and whether a worker has written its heartbeat lately."""
    try:
        age = heartbeat.age()
    except (RedisError, OSError) as error:
        logger.warning("Redis does not answer: %s", type(error).__name__)
        missing = {"ok": False, "detail": "Redis does not answer: nothing is announced, clocks wait for `tick`."}
        return {"redis": missing, "worker": {"ok": False, "detail": "Unknown: Redis does not answer."}}
    beating = age is not None and age <= heartbeat.STALE
    worker: dict[str, Any] = {"ok": beating, "heartbeat_age_seconds": None if age is None else round(age, 1)}
    if not beating:
        worker["detail"] = "No heartbeat: beat or worker does not run."
    return {"redis": {"ok": True}, "worker": worker}
