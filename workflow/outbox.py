"""Telling what happened: rows leave the outbox only together with what their telling wrote."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

_LONGEST_WAIT = 3600


def drain(model: type[Any], tell: Callable[[Any], None], *, limit: int = 100) -> int:
    """Tell up to `limit` rows of `model`, oldest first; returns how many were told.

    Each row is told and removed in one savepoint. One that fails stays, is tried again later (exponential backoff with jitter,
    an hour at most), and does not hold up the others. Any number of callers at once.
    """
    told = 0
    with transaction.atomic():
        rows = (
            model._base_manager.filter(available_at__lte=Now())
            .select_related("event__subject")
            .order_by("available_at", "pk")
            .select_for_update(skip_locked=True, of=("self",))[:limit]
        )
        for row in list(rows):
            try:
                with transaction.atomic():
                    tell(row)
                    row.delete()
                told += 1
            except Exception as error:
                wait = min(_LONGEST_WAIT, 2**row.attempts) * random.uniform(0.5, 1.5)  # noqa: S311
                model._base_manager.filter(pk=row.pk).update(
                    attempts=F("attempts") + 1,
                    available_at=Now() + timedelta(seconds=wait),
                    error=f"{type(error).__name__}: {error}"[:200],
                )
    return told
