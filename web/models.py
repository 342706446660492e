"""What every table shares, and the answers kept for `Idempotency-Key`."""

import uuid

from django.db import connection, models
from django.db.models.functions import UUID7


def new_ids(count: int) -> list[uuid.UUID]:
    """Ids that PostgreSQL makes, rising, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT uuidv7() FROM generate_series(1, %s)", [count])
        return [row[0] for row in cursor.fetchall()]


class Identified(models.Model):
    """A row whose id is a UUIDv7 made by PostgreSQL: ordered by time, guessed by nobody."""

    id = models.UUIDField(primary_key=True, db_default=UUID7(), editable=False)

    class Meta:
        abstract = True


class IdempotencyKey(models.Model):
    """The answer once given to a caller's key; kept for a while and then purged by the housekeeping.

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
