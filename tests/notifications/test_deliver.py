"""The postman's round: claimed, sent, recorded; what each outcome leaves behind, and what is left where somebody dies in between."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.channels.webhook import WebhookChannel
from notifications.delivery.claim import claim
from notifications.delivery.outcomes import finish, send
from notifications.delivery.recovery import recover, sweep, waiting
from notifications.delivery.replay import replay
from notifications.delivery.workers import deliver
from notifications.models import Delivery, LastRound, Message, Profile
from notifications.topics import ChannelName, DeliveryState
from tests.fakes.receiver import Reply
from tests.notifications.post import Wire, again, letter, run_out

WEBHOOK = ChannelName.WEBHOOK


def test_what_is_due_is_sent_once_and_its_receipt_is_kept(db, receiver, wire):
    receiver.reply = lambda request: Reply(body=b'{"receipt": "r1"}')
    delivery = letter()
    assert deliver(wire) == 1
    assert deliver(wire) == 0
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.failures) == (DeliveryState.SENT, 1, 0)
    assert (delivery.receipt, delivery.error, delivery.lease_until) == ("r1", "", None)
    assert delivery.finished_at is not None
    assert receiver.keys == [str(delivery.pk)]


def test_the_urgent_goes_first_then_what_has_waited_longest(db, receiver, wire):
    now = timezone.now()
    third = letter(available_at=now - timedelta(minutes=1))
    second = letter(available_at=now - timedelta(hours=1))
    first = letter(urgent=True)
    assert deliver(wire) == 3
    assert receiver.keys == [str(one.pk) for one in (first, second, third)]


def test_what_is_not_due_yet_or_goes_another_way_stays(db, receiver, wire):
    later = letter(available_at=timezone.now() + timedelta(minutes=1))
    elsewhere = letter(ChannelName.SMS)
    assert deliver(wire) == 0
    assert receiver.seen == []
    for one in (later, elsewhere):
        one.refresh_from_db()
        assert (one.state, one.attempts) == (DeliveryState.QUEUED, 0)


def test_a_failure_waits_longer_each_time_and_in_the_end_is_dead(db, receiver, wire, caplog):
    receiver.reply = lambda request: Reply(503)
    delivery = letter()
    for failures, low, high in ((1, 4, 6), (2, 24, 36)):
        assert deliver(wire) == 1
        delivery.refresh_from_db()
        assert (delivery.state, delivery.failures, delivery.error) == (DeliveryState.QUEUED, failures, "HTTP 503")
        assert not delivery.unsure
        wait = delivery.available_at - timezone.now()
        # A second either way: for this test's own time, and for PostgreSQL's clock, where that is moved apart from Python's.
        assert timedelta(seconds=low - 1) < wait < timedelta(seconds=high + 1)
        assert deliver(wire) == 0
        again(delivery)
    assert deliver(wire) == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.failures, delivery.attempts) == (DeliveryState.DEAD, 3, 3)
    assert delivery.finished_at is not None
    assert f"delivery {delivery.pk} is dead" in caplog.text
    assert set(receiver.keys) == {str(delivery.pk)}


@pytest.mark.parametrize(("reply", "unsure"), [(Reply(503), False), (Reply(close=True), True)])
def test_what_fails_too_often_goes_the_next_way(db, receiver, wire, reply, unsure):
    receiver.reply = lambda request: reply
    delivery = letter(fallback=[{"channel": "sms", "content": {}}], failures=len(wire.delays))
    deliver(wire)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.failures, delivery.unsure) == (DeliveryState.DEAD, 3, unsure)
    assert Delivery.objects.filter(message=delivery.message_id, channel="sms", state="queued").count() == 1


def test_it_waits_as_long_as_the_receiver_asks(db, receiver, wire):
    receiver.reply = lambda request: Reply(429, headers={"Retry-After": "600"})
    delivery = letter()
    deliver(wire)
    delivery.refresh_from_db()
    assert delivery.available_at > timezone.now() + timedelta(seconds=590)


def test_without_an_answer_the_next_attempt_knows_that_the_first_may_have_arrived(db, receiver, wire):
    receiver.reply = lambda request: Reply(close=True)
    delivery = letter()
    deliver(wire)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.unsure, delivery.failures) == (DeliveryState.QUEUED, True, 1)
    again(delivery)
    receiver.reply = lambda request: Reply()
    deliver(wire)
    assert b'"unsure":true' in receiver.seen[1].body
    assert receiver.keys == [str(delivery.pk)] * 2
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.SENT


def test_that_it_may_have_arrived_is_not_forgotten_by_a_plain_failure(db, receiver, wire):
    delivery = letter()
    for reply in (Reply(close=True), Reply(503)):
        receiver.reply = lambda request, reply=reply: reply
        deliver(wire)
        again(delivery)
    delivery.refresh_from_db()
    assert delivery.unsure


def test_what_is_refused_is_dead_and_goes_the_next_way(db, receiver, wire):
    receiver.reply = lambda request: Reply(400)
    following = [{"channel": "sms", "content": {"n": 1}}, {"channel": "email", "content": {"n": 2}}]
    delivery = letter(fallback=following, urgent=True)
    assert deliver(wire) == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.error) == (DeliveryState.DEAD, "They refuse it.")
    second = Delivery.objects.get(message=delivery.message_id, channel="sms")
    assert (second.state, second.content, second.fallback) == (DeliveryState.QUEUED, {"n": 1}, following[1:])
    assert (second.recipient, second.street_id, second.urgent) == (delivery.recipient, delivery.street_id, True)


def test_the_next_way_is_begun_once_however_often_a_delivery_is_refused(db, receiver, wire):
    receiver.reply = lambda request: Reply(400)
    delivery = letter(fallback=[{"channel": "sms", "content": {}}])
    deliver(wire)
    assert replay([delivery.pk]) == 1
    assert deliver(wire) == 1
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.DEAD
    assert Delivery.objects.filter(message=delivery.message_id, channel="sms").count() == 1


def test_what_is_sent_anew_may_fail_as_often_as_before(db, receiver, wire):
    receiver.reply = lambda request: Reply(503)
    delivery = letter(failures=len(wire.delays))
    deliver(wire)
    assert replay([delivery.pk]) == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.failures) == (DeliveryState.QUEUED, 0)
    deliver(wire)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.failures) == (DeliveryState.QUEUED, 1)


def test_what_is_not_wanted_is_dropped_and_goes_the_next_way(db, receiver, wire):
    receiver.reply = lambda request: Reply(410)
    delivery = letter(fallback=[{"channel": "sms", "content": {}}])
    deliver(wire)
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.DROPPED
    assert Delivery.objects.filter(message=delivery.message_id, channel="sms", state="queued").count() == 1


def test_an_attempt_that_came_too_late_begins_no_fallback(db, receiver, wire):
    delivery = letter(fallback=[{"channel": "sms", "content": {}}])
    late = claim(wire)
    run_out(delivery)
    recover({})
    again(delivery)
    assert claim(wire).attempt == 2
    receiver.reply = lambda request: Reply(410)
    send(wire, late)
    assert Delivery.objects.filter(message=delivery.message_id).count() == 1
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.SENDING


def test_a_channel_that_breaks_is_a_failure_and_says_what_kind(db, receiver, wire, caplog):
    receiver.reply = lambda request: Reply(409)
    delivery = letter()
    deliver(wire)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.error, delivery.unsure) == (DeliveryState.QUEUED, "RuntimeError", True)
    assert "The channel is broken." in caplog.text


def test_who_is_no_longer_active_is_sent_nothing(db, cast, receiver, wire):
    gone = cast["resident"]
    gone.is_active = False
    gone.save(update_fields=["is_active"])
    dropped, sent = letter(person=gone.pk, urgent=True), letter(person=cast["neighbour"].pk)
    assert deliver(wire) == 1
    dropped.refresh_from_db()
    assert (dropped.state, dropped.error) == (DeliveryState.DROPPED, "The person is no longer active.")
    assert receiver.keys == [str(sent.pk)]


@pytest.fixture
def evening(cast):
    """The resident's quiet hours began an hour ago and end in an hour; the moment of that end."""
    now, hour = timezone.localtime(), timedelta(hours=1)
    Profile.objects.create(person=cast["resident"], quiet_from=(now - hour).time(), quiet_until=(now + hour).time())
    return now + hour


@pytest.mark.parametrize(
    ("hours", "urgent", "sent"), [(2, False, False), (2, True, True), (0, False, True)], ids=["late", "urgent", "new"]
)
def test_what_did_not_leave_by_day_waits_for_the_end_of_quiet_hours(
    db, cast, receiver, wire, evening, hours, urgent, sent
):
    delivery = letter(person=cast["resident"].pk, urgent=urgent)
    Message.objects.update(at=timezone.now() - timedelta(hours=hours))
    assert deliver(wire) == sent
    delivery.refresh_from_db()
    if sent:
        assert (delivery.state, receiver.keys) == (DeliveryState.SENT, [str(delivery.pk)])
    else:
        assert (delivery.state, delivery.available_at, delivery.lease_until) == (DeliveryState.QUEUED, evening, None)
        assert (delivery.failures, delivery.error, receiver.keys) == (0, "", [])


def test_systems_have_no_quiet_hours(db, cast, receiver, wire, evening):
    wire.quiet = False
    letter(person=cast["resident"].pk)
    Message.objects.update(at=timezone.now() - timedelta(hours=2))
    assert deliver(wire) == 1
    assert not WebhookChannel.quiet


@pytest.mark.parametrize("status", [200, 503, 400, 410])
def test_a_late_zombie_records_nothing(db, receiver, wire, status):
    delivery = letter()
    zombie = claim(wire)
    run_out(delivery)
    assert recover({WEBHOOK: wire}) == 1
    again(delivery)
    second = claim(wire)
    receiver.reply = lambda request: Reply(status)
    send(wire, zombie)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.failures) == (DeliveryState.SENDING, 2, 1)
    assert finish(second, DeliveryState.SENT, receipt="second")
    assert not finish(zombie, DeliveryState.DEAD)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.receipt) == (DeliveryState.SENT, "second")


def test_an_outcome_is_that_of_its_own_delivery_and_not_of_others_on_the_way(db, wire):
    for _ in range(2):
        letter()
    first, second = claim(wire), claim(wire)
    assert finish(first, DeliveryState.SENT, receipt="first")
    there = dict(Delivery.objects.values_list("pk", "state"))
    assert there == {first.key: DeliveryState.SENT, second.key: DeliveryState.SENDING}
    assert finish(second, DeliveryState.SENT, receipt="second")
    assert set(Delivery.objects.values_list("pk", "receipt")) == {(first.key, "first"), (second.key, "second")}


@pytest.mark.parametrize("status", [200, 503, 400, 410])
def test_the_outcome_for_somebody_who_was_erased_meanwhile_is_nothing(db, receiver, wire, status):
    delivery = letter()
    envelope = claim(wire)
    delivery.message.delete()
    receiver.reply = lambda request: Reply(status)
    send(wire, envelope)
    assert not Delivery.objects.filter(pk=delivery.pk).exists()


def test_a_lease_that_lasts_is_left_alone(db, wire):
    delivery = letter()
    claim(wire)
    assert recover({WEBHOOK: wire}) == 0
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.SENDING
    assert timedelta(seconds=50) < delivery.lease_until - timezone.now() <= wire.lease


def test_one_whose_senders_die_again_and_again_is_dead_in_the_end(db, wire):
    delivery = letter(fallback=[{"channel": "sms", "content": {}}])
    for attempt in (1, 2, 3):
        assert claim(wire).attempt == attempt
        run_out(delivery)
        assert recover({WEBHOOK: wire}) == 1
        delivery.refresh_from_db()
        assert (delivery.failures, delivery.unsure, delivery.error) == (attempt, True, "The sender died or hung.")
        if attempt < 3:
            assert delivery.state == DeliveryState.QUEUED
            assert delivery.available_at > timezone.now()
            assert not Delivery.objects.filter(message=delivery.message_id, channel="sms").exists()
            again(delivery)
    assert (delivery.state, delivery.lease_until) == (DeliveryState.DEAD, None)
    assert claim(wire) is None
    assert Delivery.objects.filter(message=delivery.message_id, channel="sms", state="queued").count() == 1


def test_a_dead_one_is_replayed_under_its_key_and_its_attempts_go_on(db, receiver, wire):
    receiver.reply = lambda request: Reply(400)
    delivery, other = letter(), letter()
    deliver(wire)
    assert replay([delivery.pk, uuid.uuid4()]) == 1
    assert replay([delivery.pk]) == 0
    receiver.reply = lambda request: Reply()
    assert deliver(wire) == 1
    delivery.refresh_from_db()
    other.refresh_from_db()
    assert (delivery.state, delivery.attempts, other.state) == (DeliveryState.SENT, 2, DeliveryState.DEAD)
    assert receiver.keys.count(str(delivery.pk)) == 2


def test_a_sweep_names_the_channels_with_something_due_and_notes_itself(db, wire):
    sms = Wire(wire.url, name=ChannelName.SMS)
    letter(available_at=timezone.now() + timedelta(hours=1))
    letter(ChannelName.SMS)
    letter(ChannelName.EMAIL)
    assert sweep({WEBHOOK: wire, ChannelName.SMS: sms}) == [ChannelName.SMS]
    assert timezone.now() - LastRound.objects.get().at < timedelta(minutes=1)
    assert waiting({}) == []


@pytest.mark.parametrize(("away", "noted"), [(-2, True), (0, False), (3600, True)], ids=["old", "new", "ahead"])
def test_a_sweep_is_noted_once_a_second_also_after_the_clock_was_set_back(db, away, noted):
    before = timezone.now() + timedelta(seconds=away)
    # A test that commits may have left one.
    LastRound.objects.all().delete()
    LastRound.objects.create(at=before)
    LastRound.note()
    after = LastRound.objects.get().at
    assert (after != before) is noted
    assert abs(timezone.now() - after) < timedelta(seconds=1)


def test_one_receiver_does_not_take_every_slot(db, wire):
    hanging = uuid.uuid4()
    first = [letter(recipient=hanging, urgent=True) for _ in range(3)]
    other = letter()
    assert claim(wire).key in {one.pk for one in first}
    assert claim(wire).key == other.pk
    assert claim(wire) is None


def test_a_round_ends_when_it_is_told_to(db, receiver, wire):
    letters = [letter() for _ in range(3)]
    assert deliver(wire, seconds=0) == 0
    stop = threading.Event()

    def reply(request):
        stop.set()
        return Reply()

    receiver.reply = reply
    assert deliver(wire, stop=stop) == 1
    assert Delivery.objects.filter(pk__in=[one.pk for one in letters], state=DeliveryState.SENT).count() == 1


def test_claiming_costs_one_statement_however_much_waits(db, wire, django_assert_num_queries):
    for _ in range(5):
        letter()
    with django_assert_num_queries(1):
        claim(wire)
