"""Telling what happened: rows leave the outbox only together with what their telling wrote."""

import logging
import random
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import OperationalError, transaction
from django.db.models import F
from django.db.models.functions import Now

from workflow.models import Outbox

logger = logging.getLogger(__name__)

_LONGEST_WAIT = 3600


def drain[O: Outbox](
    model: type[O],
    tell: Callable[[Sequence[O]], None],
    *,
    limit: int = 100,
    belongs: Callable[[O], bool] = lambda row: False,
) -> int:
    """Tell up to `limit` rows of `model`, oldest first, by one call; returns how many were told.

    Rows that one moment left of one subject, and for which `belongs` holds, are told by the same call, also beyond the limit.
    They are told and removed in one savepoint. Where that fails, each is told by itself, with those that belong to it: one that
    fails stays, is tried again later (exponential backoff with jitter, an hour at most), and does not hold up the others. Any
    number of callers at once.
    """
    with transaction.atomic():
        rows = list(
            model._base_manager.filter(available_at__lte=Now())
            .select_related("event")
            .order_by("available_at", "pk")
            .select_for_update(skip_locked=True, of=("self",))[:limit]
        )
        rows = _whole(model, rows, belongs)
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
        groups: dict[object, list[O]] = {}
        for row in rows:
            groups.setdefault(_moment_of(row) if belongs(row) else row.pk, []).append(row)
        return sum(_alone(model, tell, group) for group in groups.values())


def _moment_of(row: Outbox) -> tuple[uuid.UUID, datetime]:
    return row.event.subject_id, row.event.at


def _whole[O: Outbox](model: type[O], rows: list[O], belongs: Callable[[O], bool]) -> list[O]:
    """These locked rows with all that belong to them. A group that another caller has a part of is left for the next drain."""
    moments = {_moment_of(row) for row in rows if belongs(row)}
    if not moments:
        return rows
    others = model._base_manager.filter(
        available_at__lte=Now(),
        event__subject__in={subject for subject, _ in moments},
        event__at__in={at for _, at in moments},
    ).exclude(pk__in=[row.pk for row in rows])
    found = [row for row in others.select_related("event") if belongs(row) and _moment_of(row) in moments]
    if not found:
        return rows
    first: dict[tuple[uuid.UUID, datetime], tuple[datetime, uuid.UUID]] = {}
    for row in rows:
        if belongs(row):
            first.setdefault(_moment_of(row), _place(row))
    elsewhere = {_moment_of(row) for row in found if _place(row) < first[_moment_of(row)]}
    rest = {row.pk: _moment_of(row) for row in found if _moment_of(row) not in elsewhere}
    # Never waits: two callers could each have what the other one waits for. Whoever has one of these finds that its first is taken.
    free = model._base_manager.filter(pk__in=rest).select_for_update(of=("self",), skip_locked=True)
    locked = list(free.select_related("event"))
    elsewhere |= {rest[pk] for pk in rest.keys() - {row.pk for row in locked}}
    whole = [row for row in (*rows, *locked) if not belongs(row) or _moment_of(row) not in elsewhere]
    return sorted(whole, key=_place)


def _place(row: Outbox) -> tuple[datetime, uuid.UUID]:
    return row.available_at, row.pk


def _tell[O: Outbox](model: type[O], tell: Callable[[Sequence[O]], None], rows: Sequence[O]) -> None:
    with transaction.atomic():
        tell(rows)
        model._base_manager.filter(pk__in=[row.pk for row in rows]).delete()


def _alone[O: Outbox](model: type[O], tell: Callable[[Sequence[O]], None], rows: Sequence[O]) -> int:
    """Tell a row, with those that belong to it; how many were told."""
    try:
        _tell(model, tell, rows)
    except OperationalError:
        raise
    except Exception as error:
        for row in rows:
            logger.exception("Event %s cannot be told.", row.event_id)
        wait = min(_LONGEST_WAIT, 2 ** min(rows[0].attempts, 12)) * random.uniform(0.5, 1.5)  # noqa: S311
        model._base_manager.filter(pk__in=[row.pk for row in rows]).update(
            attempts=F("attempts") + 1,
            available_at=Now() + timedelta(seconds=wait),
            error=f"{type(error).__name__}: {error}"[:200],
        )
        return 0
    return len(rows)
