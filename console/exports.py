"""Exports: lists as files. Who may have which, writing them, handing them out, and deleting them again."""

import logging
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Now
from django.http import QueryDict
from django.utils import translation

from community import actors
from community.actors import Caller
from community.models import Role
from console.lists import LISTS
from console.models import UNDER_WAY, Export, ExportState
from console.sheets import write
from tickets.access import STAFF, Relation
from tickets.reading.lists import QueueList, TicketQuery
from web.paging import PageRequest
from web.words import Words, bilingual
from workflow.actor import Actor
from workflow.errors import NotPermitted

logger = logging.getLogger(__name__)

MOST_ROWS = 100_000
MOST_PARAMETERS = 2000
BATCH = 1000
KEPT_FOR = timedelta(hours=24)
LOGGED_FOR = timedelta(days=3 * 365)
ABANDONED_AFTER = timedelta(minutes=6)
"""After this, who wrote it is gone: Celery ends a task sooner."""
_TOO_MANY = bilingual(
    f"超过 {MOST_ROWS:,} 条，请缩小范围后再导出。", f"These are more than {MOST_ROWS:,} rows. Narrow the list first."
)
_STILL_RUNNING = bilingual("您的上一份导出还没有完成。", "Your last export is still being written.")
_SEES = STAFF | {Relation.PAST_HOLDER}


class ExportRefused(Exception):
    """Why a list is not written now."""

    def __init__(self, reason: Words) -> None:
        super().__init__(reason)
        self.reason = reason


def ask(caller: Caller, listed: str, told: str, format: str) -> Export:
    """Note that the caller wants a list as a file; `told` are the parameters of its address.

    Raises a 400 Problem for parameters that the list does not take, NotPermitted for a list that is none of the console's, and
    ExportRefused where there are too many rows, or the person's last export is still being written.
    """
    query = _read(listed, told)
    listing = query.listing(caller.actor)
    if listing.relation not in _SEES:
        raise NotPermitted()
    rows = listing.counted().order_by().values("street")[: MOST_ROWS + 1]
    found = rows.aggregate(total=Count("street"), streets=ArrayAgg("street", distinct=True, default=[]))
    if found["total"] > MOST_ROWS:
        raise ExportRefused(_TOO_MANY)
    streets = {*found["streets"], *(seat.street_id for seat in caller.actor.seats if seat.street_id)}
    try:
        with transaction.atomic():
            export = Export.objects.create(
                person=caller.person,
                seats=_seats(caller.actor),
                streets=sorted(streets),
                listed=listed,
                parameters=told,
                format=format,
                language=caller.person.language,
                total=found["total"],
                asked_at=caller.actor.at,
            )
    except IntegrityError:
        raise ExportRefused(_STILL_RUNNING) from None
    logger.info("export %s: %s asked for %s (%s), %d rows", export.pk, caller.person.pk, listed, format, export.total)
    return export


def _read(listed: str, told: str) -> TicketQuery:
    return replace(LISTS[listed](QueryDict(told)), sort="-submitted_at")


def _seats(actor: Actor) -> list[str]:
    return sorted({f"{seat.organisation_id} {seat.role}" for seat in actor.seats})


def run(export_id: uuid.UUID) -> None:
    """Write the file of an export that waits. Does nothing for one that somebody writes or has written."""
    waiting = Export.objects.filter(pk=export_id, state=ExportState.WAITING)
    if not waiting.update(state=ExportState.RUNNING, started_at=Now(), written=0):
        return
    export = Export.objects.get(pk=export_id)
    try:
        size = _written(export)
    except Exception:
        logger.exception("export %s failed", export_id)
        default_storage.delete(export.file)
        _running(export).update(state=ExportState.FAILED, finished_at=Now())
        return
    done = {"state": ExportState.DONE, "finished_at": Now(), "expires_at": Now() + KEPT_FOR, "bytes": size}
    _running(export).update(**done, total=F("written"))
    logger.info("export %s: written, %d bytes", export_id, size)


def _running(export: Export) -> QuerySet[Export]:
    return Export.objects.filter(pk=export.pk, state=ExportState.RUNNING)


def _written(export: Export) -> int:
    """Write the file into the storage; its size. Raises NotPermitted where the person has lost a seat meanwhile."""
    caller = actors.by_person(export.person_id)
    if caller is None or not still_theirs(export, caller):
        raise NotPermitted()
    # With the seats that it was asked with: the person may have others, for which the sign-in was not enough.
    seats = tuple(seat for seat in caller.actor.seats if f"{seat.organisation_id} {seat.role}" in export.seats)
    query = _read(export.listed, export.parameters)
    pages = _pages(query, replace(caller.actor, seats=seats))
    with translation.override(export.language), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export"

        def note(count: int) -> None:
            _running(export).update(written=count)

        write(path, export.format, pages, parts=isinstance(query, QueueList), after=note)
        # What a writer left behind that is gone: the storage would look for another name.
        default_storage.delete(export.file)
        with path.open("rb") as file:
            default_storage.save(export.file, File(file))
        return path.stat().st_size


def _pages(query: TicketQuery, actor: Actor) -> Iterator[Sequence[Mapping[str, Any]]]:
    """The list page by page, newest first: in an order that changes meanwhile a row could be missed, or come twice."""
    cursor, count = None, 0
    while count < MOST_ROWS:
        page = query.read(actor, PageRequest(cursor, BATCH, most=BATCH))
        yield page.rows
        count, cursor = count + len(page.rows), page.next_cursor
        if cursor is None:
            return


def still_theirs(export: Export, caller: Caller) -> bool:
    """Whether the caller is who asked for it, and has every seat that they had then."""
    return export.person_id == caller.person.pk and {*export.seats} <= {*_seats(caller.actor)}


def fetch(export_id: uuid.UUID, caller: Caller) -> Export:
    """The export whose file the caller may have now; the download is counted. Raises Export.DoesNotExist just as for one that is absent."""
    export = Export.objects.get(pk=export_id, state=ExportState.DONE, expires_at__gt=Now())
    if not still_theirs(export, caller):
        logger.warning("export %s: refused to %s", export_id, caller.person.pk)
        raise Export.DoesNotExist
    Export.objects.filter(pk=export_id).update(downloads=F("downloads") + 1, downloaded_at=Now())
    logger.info("export %s: downloaded by %s", export_id, caller.person.pk)
    return export


def own(caller: Caller) -> QuerySet[Export]:
    """What the person asked for."""
    return Export.objects.filter(person=caller.person).select_related("person")


def led(actor: Actor) -> list[uuid.UUID]:
    """The streets that the actor leads, whose exports they may look through."""
    return sorted({seat.street_id for seat in actor.seats if seat.role == Role.STREET_LEAD and seat.street_id})


def of_streets(actor: Actor) -> QuerySet[Export]:
    """What anybody exported of the streets that the actor leads."""
    return Export.objects.filter(streets__overlap=led(actor)).select_related("person")


def ready(caller_id: uuid.UUID | None) -> int:
    """How many files wait for the person to fetch them for the first time."""
    return Export.objects.filter(person=caller_id, state=ExportState.DONE, downloads=0, expires_at__gt=Now()).count()


def waiting() -> list[uuid.UUID]:
    """The exports that nobody writes although they were asked for a while ago; those whose writer is gone wait again."""
    Export.objects.filter(state=ExportState.RUNNING, started_at__lt=Now() - ABANDONED_AFTER).update(
        state=ExportState.WAITING
    )
    return list(Export.objects.filter(state=ExportState.WAITING).order_by("pk").values_list("pk", flat=True))


def purge() -> int:
    """Delete the files that have expired, and what the log need not keep. Returns how many files. Safe to call twice."""
    expired = list(Export.objects.filter(state=ExportState.DONE, expires_at__lte=Now()))
    for export in expired:
        default_storage.delete(export.file)
        Export.objects.filter(pk=export.pk).update(state=ExportState.EXPIRED)
    Export.objects.filter(~Q(state__in=(*UNDER_WAY, ExportState.DONE)), asked_at__lt=Now() - LOGGED_FOR).delete()
    return len(expired)
