"""`manage.py tick --loop` as a process of its own: what takes the place of beat and worker where there is no broker."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from community import demo
from community.models import ContractFiring
from notifications.models import Message
from tests.processes import running, wait_until
from tests.tickets.committed import need_superuser, remove
from tests.tickets.paths import Scene
from tickets.models import TicketFiring, TicketOutbox
from workflow.models import LastSweep

LOOP = ("manage.py", "tick", "--loop", "--every", "0.1")


@pytest.fixture
def overdue(transactional_db):
    """`overdue()` files a consultation three hours ago, with two rungs due; afterwards nothing is left of it, nor of a loop."""
    need_superuser()
    tickets = []

    def file():
        tickets.append(Scene(demo.cast(), now=timezone.now() - timedelta(hours=3)).file(type="consult"))
        return tickets[-1]

    try:
        yield file
    finally:
        remove(tickets)
        Message.objects.all().delete()
        ContractFiring.objects.all().delete()
        LastSweep.objects.all().delete()


def fired(ticket) -> bool:
    return TicketFiring.objects.filter(clock__subject=ticket).count() == 2


def waiting() -> int:
    return TicketOutbox.objects.count()


@contextmanager
def nobody_can_tell() -> Iterator[None]:
    """Hold what every telling needs."""
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE notifications_message IN ACCESS EXCLUSIVE MODE")
        yield
    finally:
        other.close()


def held_up() -> list[datetime]:
    """Since when statements have waited for it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT query_start FROM pg_locks JOIN pg_stat_activity USING (pid) "
            "WHERE relation = 'notifications_message'::regclass AND NOT granted ORDER BY 1"
        )
        return [moment for (moment,) in cursor.fetchall()]


def test_a_telling_that_is_held_up_keeps_no_deadline_waiting(overdue):
    first = overdue()
    with running(*LOOP), nobody_can_tell():
        wait_until(lambda: fired(first))
        for _ in range(5):
            wait_until(lambda: held_up() != [])
            since = held_up()
            ticket = overdue()
            wait_until(lambda ticket=ticket: fired(ticket))
            if since == held_up():
                break
        else:
            pytest.fail("Whatever was fired was fired when a telling had ended.")
        assert waiting() > 3


def test_it_fires_and_tells_again_and_again_until_it_is_told_to_stop(overdue):
    with running(*LOOP) as tick:
        for _ in range(2):
            ticket = overdue()
            wait_until(lambda ticket=ticket: fired(ticket) and not waiting())
            assert Message.objects.filter(subject_id=ticket).exists()
        tick.send_signal(signal.SIGTERM)
        assert tick.wait(10) == 0


def test_one_part_alone_leaves_the_others(overdue):
    ticket = overdue()
    with running(*LOOP, "--only", "outbox") as tick:
        wait_until(lambda: not waiting())
        assert not fired(ticket)
        tick.send_signal(signal.SIGINT)
        assert tick.wait(10) == 0
