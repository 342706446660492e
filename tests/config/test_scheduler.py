"""Beat sends a message only where there is something to do, and now and then although there is not."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from config import schedule as schedule  # adds the entries of each kind
from config import scheduler
from config.celery import app
from config.scheduler import WAITS, Scheduler
from notifications.models import Delivery, Message
from notifications.topics import ChannelName
from tests.notifications.post import letter
from tests.tickets.paths import Scene
from tickets.models import TicketOutbox

pytestmark = pytest.mark.django_db
EVERY_SECOND = {"tickets.sweep": "clocks", "tickets.tell_outbox": "default", "sweep_post": "post"}
HOUR = timedelta(hours=1)


@pytest.fixture
def beat(tmp_path):
    """Beat, which has asked for everything a moment ago; nothing waits."""
    TicketOutbox.objects.all().delete()
    made = Scheduler(app=app, schedule_filename=str(tmp_path / "beat-schedule"))
    asked(made)
    yield made
    made.close()


def asked(beat):
    """The entries of every second for which a message lies in the broker after beat has been to each."""
    with app.connection_for_write() as broker:
        queue = broker.default_channel
        for name in EVERY_SECOND.values():
            queue._purge(name)
        for name in EVERY_SECOND:
            beat.apply_entry(beat.schedule[name])
        return {name for name, its in EVERY_SECOND.items() if queue._size(its)}


def test_every_entry_of_every_second_is_looked_at_first(beat):
    often = {
        name
        for name, entry in beat.schedule.items()
        if getattr(entry.schedule, "run_every", HOUR) <= timedelta(seconds=1)
    }
    assert often - {"polls.sweep", "polls.tell_outbox"} == set(EVERY_SECOND)
    assert often <= set(WAITS)


def test_nothing_is_sent_where_nothing_waits_until_some_seconds_are_over(beat, monkeypatch):
    assert asked(beat) == set()
    monkeypatch.setattr(scheduler, "ASKED_ANYWAY", 0)
    assert asked(beat) == set(EVERY_SECOND)


def test_a_deadline_is_asked_for_when_it_is_due(beat, cast):
    Scene(cast, now=timezone.now()).file(type="consult")
    TicketOutbox.objects.all().delete()
    assert asked(beat) == set()
    Scene(cast, now=timezone.now() - 3 * HOUR).file(type="consult")
    TicketOutbox.objects.all().delete()
    assert asked(beat) == {"tickets.sweep"}


def test_what_has_happened_is_told(beat, cast):
    Scene(cast, now=timezone.now()).file()
    assert asked(beat) == {"tickets.tell_outbox"}
    TicketOutbox.objects.update(available_at=timezone.now() + HOUR)
    assert asked(beat) == set()


def test_the_post_is_looked_through_for_what_is_due_abandoned_or_held(beat, cast):
    waiting = letter(ChannelName.SMS)
    deliveries = Delivery.objects.filter(pk=waiting.pk)
    assert asked(beat) == {"sweep_post"}
    deliveries.update(available_at=timezone.now() + HOUR)
    assert asked(beat) == set()
    deliveries.update(state="sending", lease_until=timezone.now() - HOUR)
    assert asked(beat) == {"sweep_post"}
    deliveries.update(lease_until=timezone.now() + HOUR)
    assert asked(beat) == set()
    Message.objects.update(inbox=False, held_until=timezone.now() - HOUR)
    assert asked(beat) == {"sweep_post"}
    Message.objects.update(held_until=timezone.now() + HOUR)
    assert asked(beat) == set()


def test_everything_is_asked_for_while_nobody_can_see_what_waits(beat):
    def away(*_: object) -> None:
        raise OperationalError

    with connection.execute_wrapper(away):
        assert asked(beat) == set(EVERY_SECOND)
