"""Telling what happened: rows leave the outbox only together with what their telling wrote."""

import logging
import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.db import OperationalError, transaction
from django.db.models import F
from django.db.models.functions import Now

logger = logging.getLogger(__name__)

_LONGEST_WAIT = 3600


def drain(model: type[Any], tell: Callable[[Sequence[Any]], None], *, limit: int = 100) -> int:
    """Tell up to `limit` rows of `model`, oldest first, by one call; returns how many were told.

    They are told and removed in one savepoint. Where that fails, each is told by itself: one that fails stays, is tried again
    later (exponential backoff with jitter, an hour at most), and does not hold up the others. Any number of callers at once.
    """
    with transaction.atomic():
        rows = list(
            model._base_manager.filter(available_at__lte=Now())
            .select_related("event")
            .order_by("available_at", "pk")
            .select_for_update(skip_locked=True, of=("self",))[:limit]
        )
        if not rows:
            return 0
        try:
            _tell(model, tell, rows)
        except OperationalError:
            # The database is away or busy; that is no fault of a row's.
            raise
        except Exception as error:
            logger.warning("A batch of %d events failed, and is told one by one: %s", len(rows), type(error).__name__)
        else:
            return len(rows)
        return sum(_alone(model, tell, row) for row in rows)


def _tell(model: type[Any], tell: Callable[[Sequence[Any]], None], rows: Sequence[Any]) -> None:
    with transaction.atomic():
        tell(rows)
        model._base_manager.filter(pk__in=[row.pk for row in rows]).delete()


def _alone(model: type[Any], tell: Callable[[Sequence[Any]], None], row: Any) -> bool:
    try:
        _tell(model, tell, [row])
    except OperationalError:
        raise
    except Exception as error:
        logger.exception("Event %s cannot be told.", row.event_id)
        wait = min(_LONGEST_WAIT, 2 ** min(row.attempts, 12)) * random.uniform(0.5, 1.5)  # noqa: S311
        model._base_manager.filter(pk=row.pk).update(
            attempts=F("attempts") + 1,
            available_at=Now() + timedelta(seconds=wait),
            error=f"{type(error).__name__}: {error}"[:200],
        )
        return False
    return True
