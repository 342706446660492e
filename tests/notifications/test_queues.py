"""Which delivery is claimed next, and what it costs to find it behind many that cannot be sent."""

import json
import uuid
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.deliver import claim
from notifications.models import Bucket
from notifications.topics import ChannelName
from tests.notifications.post import letter, letters

WEBHOOK = ChannelName.WEBHOOK
FIRST, SECOND, THIRD = (uuid.UUID(int=number) for number in (1, 2, 3))
MANY = 4_000
PAGES = 200
"""How many pages of tables and indexes a claim may look at, whatever waits."""


@pytest.fixture
def shared(wire):
    """A channel that has a share for each receiver: one at a time."""
    wire.slots_each = 1
    return wire


def ago(minutes):
    return timezone.now() - timedelta(minutes=minutes)


def explained(channel):
    """How a claim by the channel is found, and how many pages that takes; it is taken back."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notifications_delivery")
    with undone(), CaptureQueriesContext(connection) as captured:
        assert claim(channel) is not None
    (sql,) = (one["sql"] for one in captured.captured_queries if "next AS" in one["sql"])
    with undone(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql.replace('%', '%%')}", [])
        (found,) = cursor.fetchone()
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return json.dumps(plan), plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


@contextmanager
def undone():
    """What happens within is taken back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_the_most_pressing_of_all_receivers_goes_first(db, shared):
    later = letter(recipient=FIRST, available_at=ago(1))
    earlier = letter(recipient=SECOND, available_at=ago(2))
    urgent = letter(recipient=THIRD, urgent=True)
    letter(recipient=THIRD, available_at=ago(3))
    assert [claim(shared).key for _ in range(3)] == [urgent.pk, earlier.pk, later.pk]
    assert claim(shared) is None


def test_an_urgent_one_that_waits_for_its_next_attempt_keeps_nothing_else_waiting(db, shared):
    letter(recipient=FIRST, urgent=True, available_at=timezone.now() + timedelta(minutes=1))
    calm = [letter(recipient=FIRST, available_at=ago(minutes)) for minutes in (1, 2)]
    assert claim(shared).key == calm[1].pk


@pytest.mark.parametrize("why", ["its share", "a pause", "not due"])
def test_a_backlog_of_one_receiver_is_passed_over_by_one_look(db, shared, why):
    letters(MANY, WEBHOOK, recipient=FIRST, available_at=ago(-60 if why == "not due" else 60))
    behind = letter(recipient=SECOND)
    if why == "its share":
        assert claim(shared).recipient == FIRST
    elif why == "a pause":
        Bucket.block(Bucket.of(WEBHOOK, FIRST), timedelta(minutes=5))
    plan, pages = explained(shared)
    assert "delivery_receiver" in plan
    assert pages < PAGES
    assert claim(shared).key == behind.pk
