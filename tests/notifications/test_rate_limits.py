"""Tokens: never more than the limit in any window, whoever asks."""

import threading
import time
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from notifications.channels.channel import RateLimit
from notifications.delivery import rate_limits
from notifications.models import Bucket
from notifications.models.receivers import LONGEST_PAUSE
from notifications.topics import ChannelName
from tests.connections import closing_connection, together

SECOND = timedelta(seconds=1)
MINUTE = 60 * SECOND
LEASE = 30 * SECOND
LIMITS = (RateLimit(3, MINUTE),)


@pytest.fixture
def name(db) -> str:
    return Bucket.of(ChannelName.WECOM, uuid.uuid4())


def held(name: str, limits=LIMITS) -> int:
    with transaction.atomic():
        return rate_limits.lock(name, limits, LEASE)


def take(name: str, limits=LIMITS, lease=LEASE) -> datetime:
    with transaction.atomic():
        assert rate_limits.lock(name, limits, LEASE) > 0
        return rate_limits.take(name, limits, lease)


def later(name: str, by: timedelta) -> None:
    """Let time pass for a bucket: its moments lie that much further back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE notifications_bucket SET taken = ARRAY(SELECT t - %s FROM unnest(taken) t), blocked_until = blocked_until - %s"
            " WHERE name = %s",
            [by, by, name],
        )


def test_a_bucket_holds_its_limit_and_no_more(name):
    assert held(name) == 3
    for left in (2, 1, 0):
        take(name)
        assert held(name) == left


def test_a_token_comes_back_a_period_and_a_margin_after_the_sending_ended(name):
    rate_limits.settle(name, take(name))
    later(name, MINUTE + 1 * SECOND)
    assert held(name) == 2
    later(name, 1 * SECOND)
    assert held(name) == 3


def test_a_token_whose_sender_died_comes_back_after_the_lease_as_well(name):
    take(name)
    later(name, MINUTE + 2 * SECOND + 29 * SECOND)
    assert held(name) == 2
    later(name, 1 * SECOND)
    assert held(name) == 3


def test_settling_touches_one_token_and_twice_does_no_harm(name):
    first, second = take(name), take(name)
    rate_limits.settle(name, first)
    once = Bucket.objects.get(name=name).taken
    assert second in once
    assert first not in once
    rate_limits.settle(name, first)
    assert Bucket.objects.get(name=name).taken == once


def test_no_window_holds_more_than_the_limit_however_long_each_sending_takes(name):
    """A refilled bucket lets three through late in one window and three early in the next: six within a period."""
    clock, seen = timedelta(0), []
    for seconds in (0, 25, 3, 0, 29, 1, 30, 0, 0, 14, 30, 2) * 3:
        while held(name) == 0:
            later(name, SECOND)
            clock += SECOND
        token = take(name)
        later(name, seconds * SECOND)
        clock += seconds * SECOND
        seen.append(clock)
        # Settled at the shifted moment by which it is now known.
        rate_limits.settle(name, token - seconds * SECOND)
    assert all(later_one - one >= MINUTE for one, later_one in zip(seen, seen[3:], strict=False))


def test_both_limits_hold_at_once(name):
    limits = (RateLimit(5, MINUTE), RateLimit(2, SECOND, margin=timedelta(0)))
    for left in (3, 1):
        assert held(name, limits) == min(2, left + 2)
        for _ in range(2):
            rate_limits.settle(name, take(name, limits))
        assert held(name, limits) == 0
        later(name, SECOND)
    assert held(name, limits) == 1


def test_what_is_forgotten_is_not_kept(name):
    for _ in range(3):
        take(name, lease=timedelta(0))
    later(name, MINUTE + 2 * SECOND)
    take(name)
    assert len(Bucket.objects.get(name=name).taken) == 1


def test_a_blocked_bucket_gives_nothing_and_a_shorter_block_does_not_cut_it_short(name):
    Bucket.block(name, 10 * MINUTE)
    Bucket.block(name, SECOND)
    assert held(name) == 0
    later(name, 9 * MINUTE)
    assert held(name) == 0
    later(name, MINUTE)
    assert held(name) == 3


def test_tokens_from_before_the_clock_was_set_back_are_none(name):
    take(name)
    later(name, -MINUTE)
    # That may be a lease that runs: a little of it is believed.
    assert held(name) == 2
    take(name)
    later(name, -60 * MINUTE)
    assert held(name) == 3
    new = take(name)
    assert Bucket.objects.get(name=name).taken == [new]
    assert held(name) == 2


def test_a_block_from_before_the_clock_was_set_back_is_none_and_the_next_one_counts(name):
    Bucket.block(name, 10 * MINUTE)
    later(name, -LONGEST_PAUSE)
    assert held(name) == 3
    Bucket.block(name, 10 * MINUTE)
    assert held(name) == 0
    later(name, 10 * MINUTE)
    assert held(name) == 3


def test_what_somebody_else_holds_is_not_waited_for(transactional_db):
    name = Bucket.of(ChannelName.WECOM, uuid.uuid4())
    holding, over = threading.Event(), threading.Event()

    def hold() -> None:
        with suppress(Exception), transaction.atomic():
            rate_limits.lock(name, LIMITS, LEASE)
            holding.set()
            over.wait(10)

    # The row has to be there already: whoever inserts it is waited for.
    held(name)
    thread = threading.Thread(target=closing_connection(hold))
    thread.start()
    try:
        assert holding.wait(10)
        assert held(name) == 0
    finally:
        over.set()
        thread.join()
    assert held(name) == 3
    Bucket.objects.filter(name=name).delete()


def test_many_workers_together_take_no_more_than_the_limit(transactional_db):
    name = Bucket.of(ChannelName.WECOM, uuid.uuid4())
    taken: list[datetime] = []

    def work(_: int) -> None:
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            with transaction.atomic():
                if rate_limits.lock(name, LIMITS, LEASE) > 0:
                    taken.append(rate_limits.take(name, LIMITS, LEASE))

    together(4, work)
    assert len(taken) == len(set(taken)) == 3
    assert all(one > datetime.now(UTC) for one in taken)
    Bucket.objects.filter(name=name).delete()
