"""What every table has, and the stored answers of `Idempotency-Key`."""

import uuid
from typing import Any

from django.db import connection, models
from django.db.models.functions import UUID7

from web import lookups as lookups  # registers any_of, constant, empty and positive


def new_ids(count: int) -> list[uuid.UUID]:
    """New rising ids from PostgreSQL, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT uuidv7() FROM generate_series(1, %s)", [count])
        return [row[0] for row in cursor.fetchall()]


class Identified(models.Model):
    """A row with a UUIDv7 id from PostgreSQL: ids are ordered by time and cannot be guessed."""

    id = models.UUIDField(primary_key=True, db_default=UUID7(), editable=False)

    class Meta:
        abstract = True


def optional_key[M: models.Model](
    model: type[M], label: Any, help_text: Any = ""
) -> "models.ForeignKey[M | None, M | None]":
    """A column that may name a row of `model`, which then stays; without an index of its own."""
    return models.ForeignKey(
        model, models.PROTECT, null=True, related_name="+", db_index=False, verbose_name=label, help_text=help_text
    )


def reference[M: models.Model](model: type[M], label: Any, help_text: Any = "") -> "models.ForeignKey[M, M]":
    """A column that names a row of `model`, which is reference data and is never deleted; without an index of its own.

    PostgreSQL does not look for the row at each write, as it does for a key. Django refuses to delete what is named, and
    `manage.py verify_audit` finds what names nothing.
    """
    return models.ForeignKey(
        model,
        models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
        verbose_name=label,
        help_text=help_text,
    )


def optional_reference[M: models.Model](
    model: type[M], label: Any, help_text: Any = ""
) -> "models.ForeignKey[M | None, M | None]":
    """A `reference` that may be empty."""
    return models.ForeignKey(
        model,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
        verbose_name=label,
        help_text=help_text,
    )


class IdempotencyKey(models.Model):
    """The answer to a caller's key, kept for a while and then purged.

    `fingerprint` is the SHA-256 of caller, method, path and key; `request_digest` that of the body.
    """

    fingerprint = models.BinaryField(primary_key=True)
    caller = models.UUIDField()
    request_digest = models.BinaryField()
    status = models.PositiveSmallIntegerField()
    headers = models.TextField()
    body = models.BinaryField()
    created_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return bytes(self.fingerprint).hex()
