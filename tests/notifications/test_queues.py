"""Which delivery is claimed next, and what it costs to find it behind many that cannot be sent."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from notifications.channels.turn import CALM_EVERY
from notifications.delivery.claim import claim
from notifications.models import Bucket
from notifications.topics import ChannelName
from tests.connections import closing_connection
from tests.notifications.post import again, committed, letter, letters
from tests.statements import plan, statements, undone

WEBHOOK = ChannelName.WEBHOOK
FIRST, SECOND, THIRD = (uuid.UUID(int=number) for number in (1, 2, 3))
MANY = 4_000
PAGES = MANY // 4
"""How many pages a claim may look at: far fewer than there are deliveries to be passed over, each of which would cost one."""


@pytest.fixture
def shared(wire):
    """A channel that has a share for each receiver: one at a time."""
    wire.slots_each = 1
    return wire


def ago(minutes):
    return timezone.now() - timedelta(minutes=minutes)


def explained(channel):
    """What a claim by the channel takes, its plan, and how many pages it looks at; it is taken back."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notifications_delivery")
    with undone(), statements() as made:
        envelope = claim(channel)
        assert envelope is not None
    (sql,) = (sql for sql in made if "next AS" in sql)
    with undone():
        found = plan(sql, "ANALYZE, BUFFERS, FORMAT JSON")
    return envelope.key, json.dumps(found), found["Shared Hit Blocks"] + found["Shared Read Blocks"]


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
    key, plan, pages = explained(shared)
    assert key == behind.pk
    assert "delivery_receiver" in plan
    assert pages < PAGES


def streets(channel, claims):
    """The streets of so many deliveries, as they are claimed."""
    return [claim(channel).street_id for _ in range(claims)]


def test_many_of_one_street_keep_no_other_street_waiting(db, wire):
    letters(5_000, WEBHOOK, recipient=FIRST, street_id=FIRST, available_at=ago(60))
    wire.slots = 10
    assert streets(wire, 3) == [FIRST] * 3
    letter(street_id=SECOND)
    assert SECOND in streets(wire, 2)


@pytest.mark.parametrize("urgent", [True, False])
def test_streets_take_turns_and_of_each_the_oldest_goes_first(db, wire, urgent):
    newer = {one: letter(street_id=one, urgent=urgent, available_at=ago(1)).pk for one in (SECOND, FIRST)}
    older = {one: letter(street_id=one, urgent=urgent, available_at=ago(2)).pk for one in (SECOND, FIRST)}
    third = letter(street_id=THIRD, urgent=urgent, available_at=ago(-1))
    claimed = [claim(wire).key for _ in range(3)]
    assert claimed == [older[FIRST], older[SECOND], newer[FIRST]]
    again(third)
    assert [claim(wire).key, claim(wire).key, claim(wire)] == [newer[SECOND], third.pk, None]


def test_a_flood_of_the_urgent_lets_the_rest_through_street_by_street(db, wire):
    wire.slots = 100
    letters(4 * CALM_EVERY, WEBHOOK, recipient=FIRST, street_id=FIRST, urgent=True, available_at=ago(60))
    for street in (FIRST, SECOND, THIRD):
        letters(2, WEBHOOK, recipient=street, street_id=street)
    claimed = [claim(wire) for _ in range(3 * CALM_EVERY)]
    assert [one.street_id for one in claimed if not one.urgent] == [FIRST, SECOND, THIRD]
    assert [one.urgent for one in claimed] == ([True] * (CALM_EVERY - 1) + [False]) * 3


def test_where_nothing_else_waits_the_urgent_takes_every_turn(db, wire):
    wire.slots = 100
    letters(2 * CALM_EVERY, WEBHOOK, recipient=FIRST, urgent=True)
    assert all(claim(wire).urgent for _ in range(2 * CALM_EVERY))


@pytest.mark.parametrize("minutes", [60, -60], ids=["due", "not due"])
def test_a_backlog_of_one_street_is_passed_over_by_one_look(db, wire, minutes):
    letters(MANY, WEBHOOK, recipient=FIRST, street_id=FIRST, available_at=ago(minutes))
    behind = letter(street_id=SECOND)
    if minutes > 0:
        wire.turn.taken(FIRST, urgent=False)
    key, plan, pages = explained(wire)
    assert key == behind.pk
    assert "delivery_turn" in plan
    assert pages < PAGES


def test_what_somebody_else_is_about_to_take_is_passed_over(transactional_db, wire):
    with committed(), ThreadPoolExecutor(1) as pool:
        first, second = letter(available_at=ago(2)), letter(available_at=ago(1))
        with transaction.atomic():
            assert claim(wire).key == first.pk
            assert pool.submit(closing_connection(claim), wire).result(10).key == second.pk
