"""How what waits in the outbox is told: each event once, at a cost that does not grow, and without waiting for anybody."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from casework import notifying
from community.models import Person
from notifications.models import Delivery, Message
from notifications.topics import ChannelName
from tests.statements import statements
from tests.tickets.test_what_leaves import left
from tickets import announce
from tickets.models import Follower, FollowerKind, Ticket, TicketEvent, TicketOutbox
from tickets.states import State

pytestmark = pytest.mark.django_db


def test_each_event_is_told_and_then_gone_and_a_second_run_tells_nothing(scene):
    scene.reach(State.IN_PROGRESS)
    events = TicketOutbox.objects.count()
    assert announce.tell_outbox() == events > 3
    assert not TicketOutbox.objects.exists()
    written = Message.objects.count()
    assert written
    assert announce.tell_outbox() == 0
    assert Message.objects.count() == written
    assert TicketEvent.objects.count() == events


def test_an_event_that_comes_back_is_not_told_again(scene):
    ticket = scene.file("CL03")
    announce.tell_outbox()
    before = Message.objects.count()
    event = TicketEvent.objects.get(subject=ticket)
    TicketOutbox.objects.create(street_id=event.street_id, event=event, facts={}, audience=[])
    assert announce.tell_outbox() == 1
    assert Message.objects.count() == before


def test_a_row_that_cannot_be_told_holds_up_no_other(scene):
    bad, good = scene.file("CL03"), scene.file("CL03")
    TicketOutbox.objects.filter(event__subject=bad).update(facts={"code": "broken"})
    assert announce.tell_outbox() == 1
    waiting = TicketOutbox.objects.get()
    assert (waiting.event.subject_id, waiting.attempts) == (bad, 1)
    assert waiting.error.startswith("KeyError")
    assert Message.objects.filter(subject_id=good).exists()
    assert not Message.objects.filter(subject_id=bad).exists()


def test_an_outbox_that_stood_still_for_days_fills_inboxes_and_then_news_goes_out_as_ever(scene, outlets):
    scene.now = timezone.now() - timedelta(days=3)
    ticket = scene.file("CL03")
    announce.tell_outbox()
    heard = Message.objects.filter(person__isnull=False)
    assert {"received.resident", "work.handler"} <= set(heard.values_list("kind", flat=True))
    assert set(heard.values_list("inbox", "held_until")) == {(True, None)}
    assert left() == {ChannelName.WEBHOOK}
    scene.now = timezone.now()
    scene.do("dispatcher", ticket, "sign")
    announce.tell_outbox()
    assert {ChannelName.EMAIL, ChannelName.WECHAT} < left()


def test_a_broker_that_is_away_is_asked_once_in_a_run_and_delays_nothing(
    today, outlets, broker_away, caplog, monkeypatch
):
    monkeypatch.setattr(notifying, "BATCH", 1)
    for _ in range(3):
        today.file("CL03")
    began = time.monotonic()
    assert announce.tell_outbox() == 3
    # One attempt that goes on connecting takes six seconds.
    assert time.monotonic() - began < 5
    assert caplog.text.count("nobody was nudged") == 1
    assert not TicketOutbox.objects.exists()
    assert Message.objects.filter(kind="received.resident").count() == 3


# What it costs, from the outbox to the deliveries.


def telling() -> int:
    """How many statements it takes to tell what waits."""
    with statements() as made:
        announce.tell_outbox()
    assert not TicketOutbox.objects.exists()
    return len(made)


def test_fifty_events_cost_as_many_statements_as_one(today, outlets):
    today.file("CL03")
    one = telling()
    assert {ChannelName.EMAIL, ChannelName.WECHAT, ChannelName.WEBHOOK} < left()
    for _ in range(50):
        today.file("CL03")
    assert TicketOutbox.objects.count() == 50
    assert telling() == one <= 30
    assert Message.objects.filter(kind="received.resident").count() == 51


def test_whatever_happens_is_told_together_at_the_cost_of_a_report(today, outlets):
    today.file("CL03")
    one = telling()
    for state in State:
        today.reach(state)
    assert 50 < TicketOutbox.objects.count() <= notifying.BATCH
    # One more for all that is followed, and one for what others were merged into.
    assert telling() == one + 2


def test_a_thousand_cosigners_cost_no_more_statements_than_one(today, outlets):
    ticket = Ticket.objects.get(pk=today.file())
    announce.tell_outbox()

    def cosigned_by(*people: Person) -> int:
        Follower.objects.bulk_create(
            Follower(street_id=ticket.street_id, ticket=ticket, person=one, kind=FollowerKind.COSIGNED, since=today.now)
            for one in people
        )
        today.do("chair", ticket.pk, "record", met_with="业主", agreed="周五前整改")
        return telling()

    one = cosigned_by(today.cast["neighbour"])
    crowd = Person.objects.bulk_create(
        Person(phone=f"1700000{number:04}", name="邻居", password="!") for number in range(1000)
    )
    assert cosigned_by(*crowd) == one
    told = Message.objects.filter(person__in=crowd, kind="recorded.resident")
    assert told.count() == 1000
    assert Delivery.objects.filter(message__in=told).count() == 2000
