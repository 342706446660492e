"""Photos on their way in and out of the storage."""

import functools
import hashlib
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import IO

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from tickets.imaging import normalise
from tickets.models import Photo
from web.words import Words, bilingual

UNATTACHED_FOR = timedelta(hours=24)


def take(file: IO[bytes], *, kind: str, uploader: uuid.UUID) -> Photo:
    """Keep an uploaded file as a photo that belongs to its uploader alone. Raises PhotoRefused.

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
    """The attached photos whose files are not those that were uploaded, each with what is wrong."""
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
