"""Constraints that a later release changes while people work."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from web.constraints import KnownValues
from web.models import IdempotencyKey

KNOWN = KnownValues(condition=Q(status__in=[200, 201]), name="idempotencykey_status_known")


def keep(status: int) -> None:
    """Store a row with this value."""
    IdempotencyKey.objects.create(
        fingerprint=str(status).encode(),
        caller="00000000-0000-0000-0000-000000000000",
        request_digest=b"",
        status=status,
        headers="",
        body=b"",
        created_at=timezone.now(),
    )


def test_known_values_are_asked_of_what_is_written_and_not_of_what_is_there(db):
    keep(500)
    with connection.schema_editor() as editor:
        editor.add_constraint(IdempotencyKey, KNOWN)
    keep(201)
    for refused in (lambda: keep(404), lambda: IdempotencyKey.objects.filter(status=201).update(status=404)):
        with pytest.raises(IntegrityError, match="idempotencykey_status_known"), transaction.atomic():
            refused()
    assert sorted(IdempotencyKey.objects.values_list("status", flat=True)) == [201, 500]
    with connection.schema_editor() as editor:
        editor.remove_constraint(IdempotencyKey, KNOWN)
    keep(404)
