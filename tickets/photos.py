"""Storing photos, attaching them to events, and deleting those that nobody attached."""

import functools
import hashlib
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import IO

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q

from tickets.imaging import normalise
from tickets.models import Photo, Ticket
from tickets.models.photo import PICTURE, PhotoKind, of_report
from tickets.states import State
from web.words import Words, bilingual
from workflow.actor import Actor
from workflow.audit import lone_seal
from workflow.errors import InvalidInput
from workflow.rows import Change, write_rows

UNATTACHED_FOR = timedelta(hours=24)
_UNKNOWN_PHOTO = bilingual("照片不存在或已被使用。", "The photo does not exist, or has been used already.")


def take(file: IO[bytes], *, kind: str, uploader: uuid.UUID) -> Photo:
    """Store an uploaded file as a photo that only its uploader may use. Raises PhotoRefused.

    The row is committed before its files are written, so that every file in the storage has a row; call it outside a
    transaction. A row whose files could not be written is purged like any other that no move attaches.
    """
    pictures = normalise(file)
    photo = Photo.objects.create(
        uploader_id=uploader,
        kind=kind,
        width=pictures.width,
        height=pictures.height,
        bytes=len(pictures.full),
        sha256=pictures.sha256,
    )
    default_storage.save(photo.full, ContentFile(pictures.full))
    default_storage.save(photo.thumb, ContentFile(pictures.thumb))
    return photo


def purge_unattached(at: datetime, limit: int = 200) -> int:
    """Delete at most `limit` photos that nobody attached to a ticket within 24 hours, and then their files.

    Returns how many; 0 when there are none left. Photos that a move is attaching right now are passed over.
    """
    with transaction.atomic():
        stale = list(
            Photo.objects.select_for_update(skip_locked=True)
            .filter(ticket=None, created_at__lt=at - UNATTACHED_FOR)
            .order_by("created_at")[:limit]
        )
        Photo.objects.filter(pk__in=[photo.pk for photo in stale]).delete()
        files = [name for photo in stale for name in (photo.full, photo.thumb)]
        transaction.on_commit(functools.partial(_delete_files, files))
    return len(stale)


def changed_files() -> Iterator[tuple[Photo, Words]]:
    """The attached photos whose files differ from what was uploaded, each with what is wrong."""
    for photo in Photo.objects.filter(ticket__isnull=False).order_by("pk").iterator():
        try:
            with default_storage.open(photo.full) as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            yield photo, bilingual("不存在", "is gone")
        else:
            if found != photo.sha256:
                yield photo, bilingual("已被改动", "was changed")


def _delete_files(names: Sequence[str]) -> None:
    for name in names:
        default_storage.delete(name)


def claim(photos: Sequence[uuid.UUID], by: Actor) -> list[Photo]:
    """Lock photos that the actor uploaded and that no move has attached yet. Raises InvalidInput for any other photo."""
    if not photos:
        return []
    mine = Photo.objects.filter(pk__in=set(photos), uploader=by.person_id, ticket=None)
    found = list(mine.select_for_update(no_key=True).order_by("pk"))
    if len(found) != len(set(photos)):
        raise InvalidInput("photos", "unknown_photo", _UNKNOWN_PHOTO)
    return found


def claim_for_report(photos: Sequence[uuid.UUID], by: Actor) -> list[Photo]:
    """As `claim`; of the photos of a report of the actor's that was not taken up, copies.

    Those stay with the ticket whose events name them; a copy is a row of its own with the same files. Raises InvalidInput.
    """
    if not photos:
        return []
    refused = Q(ticket__state=State.REJECTED, ticket__reporter=by.person_id) & of_report(by.person_id)
    mine = Photo.objects.filter(Q(uploader=by.person_id, ticket=None) | refused, pk__in=set(photos))
    found = list(mine.select_for_update(no_key=True, of=("self",)).order_by("pk"))
    if len(found) != len(set(photos)):
        raise InvalidInput("photos", "unknown_photo", _UNKNOWN_PHOTO)
    copied = [one for one in found if one.ticket_id is not None]
    if not copied:
        return found
    assert by.person_id is not None
    made = Photo.objects.bulk_create(
        Photo(uploader_id=by.person_id, **{name: getattr(one, name) for name in PICTURE}) for one in copied
    )
    return list(Photo.objects.filter(pk__in=[one.pk for one in (*found, *made) if one not in copied]).order_by("pk"))


def attach(ticket: Ticket, photos: Sequence[Photo], kind: PhotoKind) -> None:
    """Attach claimed photos to the ticket's latest event."""
    for one in photos:
        one.ticket_id, one.street_id = ticket.pk, ticket.street_id
        one.event_seq, one.kind = ticket.event_count, kind
        one.seal = lone_seal(one)
    if photos:
        write_rows(changes=[Change(photos, ("ticket_id", "street_id", "event_seq", "kind", "seal"))])
