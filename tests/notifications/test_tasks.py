"""Celery's doors, and the rounds of one process: a channel that hangs takes its own slots and nobody else's."""

import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from config.celery import app
from launcher.family import PROJECT
from launcher.run import POSTMEN
from notifications import housekeeping, tasks
from notifications.channels import channels
from notifications.channels.channel import DeliveryChannel
from notifications.delivery import workers
from notifications.delivery.workers import Workers
from notifications.models import Delivery, Message
from notifications.topics import ChannelName, DeliveryState
from tests.connections import closing_connection
from tests.fakes.receiver import Reply, receiving
from tests.notifications.post import STREET, Wire, committed, letter

WEBHOOK, SMS = ChannelName.WEBHOOK, ChannelName.SMS


def test_every_task_of_the_post_goes_to_the_postman_and_cleaning_up_to_the_worker():
    routed = {
        name: app.amqp.router.route({}, name)["queue"].name for name in app.tasks if name.startswith("notifications.")
    }
    assert routed == {
        "notifications.deliver": "post",
        "notifications.sweep": "post",
        "notifications.purge": "default",
    }


def test_the_postman_has_a_thread_left_when_every_channel_hangs():
    def kinds(one: type[DeliveryChannel]) -> set[type[DeliveryChannel]]:
        return {one}.union(*map(kinds, one.__subclasses__()))

    channels()
    slots = {kind.name: kind.slots for kind in kinds(DeliveryChannel) if hasattr(kind, "name") and kind is not Wire}
    assert slots
    assert sum(slots.get(name, DeliveryChannel.slots) for name in ChannelName) < POSTMEN


def test_a_task_without_its_channel_does_nothing(db):
    waiting = letter(SMS)
    tasks.deliver.apply(["sms"]).get()
    waiting.refresh_from_db()
    assert (waiting.state, waiting.attempts) == (DeliveryState.QUEUED, 0)


NUDGE = """
import time, django; django.setup()
from notifications.tasks import nudge
from notifications.topics import ChannelName
began = time.monotonic()
print(nudge(ChannelName), time.monotonic() - began)
"""


@pytest.mark.parametrize(("broker", "seconds"), [("gone", 3), ("refusing", 3), ("silent", 9)])
def test_nobody_waits_long_for_a_broker_that_is_away(broker, seconds):
    # It takes connections, and answers nothing.
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = {
            "gone": "unix:///nowhere/linli.sock",
            "refusing": "redis://127.0.0.1:1/0",
            "silent": f"redis://127.0.0.1:{silent.getsockname()[1]}/0",
        }[broker]
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "REDIS_URL": url}
        done = subprocess.run(
            [sys.executable, "-c", NUDGE], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60
        )
    asked, took = done.stdout.split()
    assert asked == "False"
    assert float(took) < seconds
    assert done.stderr.count("nobody was nudged") == 1


def test_a_sweep_asks_once_for_a_broker_that_is_away_however_much_is_due(db, broker_away, caplog):
    waiting = [letter(name) for name in (WEBHOOK, ChannelName.EMAIL, ChannelName.WECOM)]
    began = time.monotonic()
    tasks.sweep.apply().get()
    assert time.monotonic() - began < 5
    assert caplog.text.count("nobody was nudged") == 1
    assert Delivery.objects.due().count() == len(waiting)


def test_a_channel_that_hangs_takes_its_own_slots_and_the_others_flow(transactional_db):
    """Nothing here is timed: the slow receiver answers only when the quick one has had everything."""
    quick_has_all = threading.Event()

    def slow(request):
        assert quick_has_all.wait(20)
        return Reply()

    with committed(), receiving(slow) as hanging, receiving() as quick, ThreadPoolExecutor(8) as pool:
        wires = {WEBHOOK: Wire(hanging.url, read=30, total=30), SMS: Wire(quick.url, name=SMS)}
        for _ in range(6):
            letter(WEBHOOK, urgent=True)
            letter(SMS)
        postmen = Workers(wires)
        go = closing_connection(postmen.deliver)
        held = [pool.submit(go, WEBHOOK) for _ in range(2)]
        hanging.await_requests(2)
        # Nudge after nudge for the channel that hangs returns at once, and its threads are free for others.
        assert [pool.submit(go, WEBHOOK).result(20) for _ in range(20)] == [0] * 20
        assert pool.submit(go, SMS).result(20) == 6
        assert (len(hanging.seen), len(quick.seen)) == (2, 6)
        quick_has_all.set()
        assert sum(one.result(20) for one in held) == 6
        assert Delivery.objects.filter(street_id=STREET, state=DeliveryState.SENT).count() == 12
        assert len(set(hanging.keys)) == 6
        for wire in wires.values():
            wire.client.close()


def test_a_process_that_stops_finishes_what_it_sends_and_begins_nothing(transactional_db):
    going_on = threading.Event()

    def slow(request):
        assert going_on.wait(20)
        return Reply()

    with committed(), receiving(slow) as receiver, ThreadPoolExecutor(1) as pool, closing(connection):
        wire = Wire(receiver.url, read=30, total=30)
        for _ in range(3):
            letter()
        postmen = Workers({WEBHOOK: wire})
        held = pool.submit(closing_connection(postmen.deliver), WEBHOOK)
        receiver.await_requests(1)
        postmen.stop()
        going_on.set()
        assert held.result(20) == 1
        assert postmen.deliver(WEBHOOK) == 0
        states = Delivery.objects.filter(street_id=STREET).values_list("state", flat=True)
        assert sorted(states) == ["queued", "queued", "sent"]
        wire.client.close()


def test_a_slot_is_free_again_after_a_round_that_failed(db, wire):
    postmen = Workers({WEBHOOK: wire})
    for _ in range(wire.slots + 1):
        with transaction.atomic():
            letter()
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE notifications_delivery RENAME TO away")
            with pytest.raises(ProgrammingError):
                postmen.deliver(WEBHOOK)
            transaction.set_rollback(True)
    letter()
    assert postmen.deliver(WEBHOOK) == 1


def test_old_messages_go_with_their_deliveries_and_the_others_stay(db):
    now = timezone.now()
    limit = timedelta(days=settings.MESSAGES_KEPT_DAYS)
    old, digest, kept = letter(), letter(), letter()
    for one, age in ((old, limit + timedelta(hours=1)), (digest, limit * 2), (kept, limit - timedelta(hours=1))):
        Message.objects.filter(pk=one.message_id).update(created_at=now - age)
    Message.objects.filter(pk=old.message_id).update(gathered_into=digest.message_id)
    Delivery.objects.filter(pk=old.pk).update(gathered_into=digest.pk, state=DeliveryState.GATHERED)
    assert housekeeping.purge(now) == 2
    assert list(Message.objects.filter(street_id=STREET).values_list("pk", flat=True)) == [kept.message_id]
    assert list(Delivery.objects.filter(street_id=STREET).values_list("pk", flat=True)) == [kept.pk]
    assert housekeeping.purge(now) == 0


def test_a_purge_takes_more_than_one_batch(db, monkeypatch):
    monkeypatch.setattr(housekeeping, "_BATCH", 2)
    for _ in range(5):
        letter()
    assert housekeeping.purge(timezone.now() + timedelta(days=settings.MESSAGES_KEPT_DAYS + 1)) == 5


def test_the_rounds_of_a_process_are_those_of_its_channels():
    assert workers.of_this_process() is workers.of_this_process()
    assert workers.of_this_process().channels == channels()
