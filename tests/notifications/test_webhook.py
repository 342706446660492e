"""Webhooks as the Standard Webhooks specification has them: signed, repeated under one id, and given up on when told so."""

import base64
import hashlib
import hmac
import json
import threading
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from queue import SimpleQueue

import pytest
from django.db import connection
from django.utils import timezone
from standardwebhooks import Webhook

from community.models import Organisation
from notifications.channels.channel import Envelope, Refused, TryLater, Undelivered, Unsure, Unwanted
from notifications.channels.outside import Outside, networks
from notifications.channels.webhook import WebhookChannel, body_of, signed
from notifications.delivery.claim import claim
from notifications.delivery.outcomes import finish
from notifications.delivery.replay import replay
from notifications.delivery.test_messages import send_test_message
from notifications.delivery.workers import deliver
from notifications.models import Bucket, Delivery, Endpoint, Message
from notifications.models.receivers import PATIENCE, SWITCHED_OFF
from notifications.topics import ChannelName, DeliveryState
from tests.connections import together
from tests.fakes.webhooks import SECRET, Mood, hearing
from tests.notifications.post import again, claimed, letter

CONTENT = {
    "type": "ticket.dispatched",
    "timestamp": "2026-11-25T04:00:00+00:00",
    "data": {"url": "https://linli.example/t/1", "ticket": "018f", "seq": 7, "code": "XYL-2026-000001"},
}


ROUNDS = 10


@pytest.fixture
def channel(patience):
    """One that may reach this machine."""
    outside = Outside(networks(["127.0.0.1/32"], "X"))
    with closing(WebhookChannel(outside, outside, **patience)) as channel:
        yield channel


@pytest.fixture
def receiver():
    with hearing() as receiver:
        yield receiver


@pytest.fixture
def endpoint(street, receiver):
    """The webhook of a company of the demo street."""
    company = Organisation.objects.get(code="po-a01")
    return Endpoint.objects.create(
        street_id=street.pk, organisation_id=company.pk, name="工单系统", url=receiver.url, secrets=SECRET
    )


@pytest.fixture
def other(endpoint):
    """Another one of the same company."""
    return Endpoint.objects.create(
        street_id=endpoint.street_id, organisation_id=endpoint.organisation_id, name="备用", url=f"{endpoint.url}/b", secrets=SECRET
    )  # fmt: skip


def queue(endpoint, **columns) -> Delivery:
    """A delivery that waits."""
    return letter(recipient=endpoint.pk, street_id=endpoint.street_id, content=CONTENT, **columns)


def envelope(endpoint, **changes) -> Envelope:
    return claimed(endpoint, **{"street_id": endpoint.street_id, "seq": 7, "content": CONTENT, **changes})


# Signing


def test_the_specification_s_own_vector_is_met():
    # standard-webhooks/standard-webhooks, libraries: "sign function works", the same in every language.
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}', [SECRET])
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("length", [24, 32, 64])
def test_a_signature_is_the_hmac_that_the_specification_describes(length):
    key = bytes(range(length))
    secret = f"whsec_{base64.b64encode(key).decode()}"
    body = body_of({"type": "ticket.closed", "data": {"place": "学院路"}})
    headers = signed("018f", datetime.fromtimestamp(1700000000.9, UTC), body, [secret])
    right = hmac.new(key, b"018f.1700000000." + body, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(right).decode()}"


def test_each_secret_signs_and_each_receiver_finds_its_own():
    old, new = SECRET, f"whsec_{base64.b64encode(b'n' * 32).decode()}"
    headers = signed("018f", datetime.now(UTC), b"{}", [new, old])
    assert [one.split(",")[0] for one in headers["webhook-signature"].split(" ")] == ["v1", "v1"]
    for secret in (old, new):
        Webhook(secret).verify("{}", headers)


def test_the_body_is_the_same_bytes_however_the_database_orders_it():
    turned = {key: CONTENT[key] for key in reversed(CONTENT)} | {"data": dict(reversed(CONTENT["data"].items()))}
    assert list(turned) != list(CONTENT)
    assert body_of(turned) == body_of(CONTENT)
    assert json.loads(body_of(CONTENT)) == CONTENT


def test_a_secret_of_ours_has_the_form_and_is_drawn_anew(endpoint):
    made = {endpoint.rotate() for _ in range(20)}
    assert len(made) == 20
    for secret in made:
        assert secret.startswith("whsec_")
        assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64


def test_the_new_secret_signs_first_and_the_old_one_until_it_is_removed(endpoint, receiver, channel):
    new = endpoint.rotate()
    endpoint.save(update_fields=["secrets"])
    channel.send(envelope(endpoint))
    receiver.secrets = (new,)
    channel.send(envelope(endpoint))
    assert [len(one.signatures) for one in receiver.heard] == [2, 2]
    assert receiver.heard[0].signatures[0] != receiver.heard[0].signatures[1]
    assert endpoint.forget_old_secrets()
    endpoint.save(update_fields=["secrets"])
    channel.send(envelope(endpoint))
    receiver.secrets = (SECRET,)
    with pytest.raises(TryLater, match="401"):
        channel.send(envelope(endpoint))
    assert [(len(one.signatures), one.genuine) for one in receiver.heard[2:]] == [(1, True), (1, False)]
    assert not endpoint.forget_old_secrets()


def test_of_three_secrets_the_newest_two_sign(endpoint):
    second, third = endpoint.rotate(), endpoint.rotate()
    assert endpoint.signing == [third, second]


def test_secrets_are_not_in_the_database_in_the_clear(endpoint):
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM notifications_endpoint WHERE id = %s", [endpoint.pk])
        assert SECRET not in cursor.fetchone()[0]
    assert Endpoint.objects.get(pk=endpoint.pk).signing == [SECRET]


# Sending


def test_what_is_sent_is_signed_thin_and_carries_the_delivery_s_key(endpoint, receiver, channel):
    sent = envelope(endpoint)
    assert channel.send(sent) == "HTTP 200"
    (heard,) = receiver.heard
    assert heard.genuine
    assert heard.id == heard.key == str(sent.key)
    assert heard.event == CONTENT
    assert abs(int(heard.attempt_at) - heard.at) < 5


def test_a_repeat_carries_the_same_id_and_body_and_a_time_of_its_own(endpoint, receiver, channel, monkeypatch):
    key = uuid.uuid4()
    receiver.mood = Mood.BROKEN
    with pytest.raises(TryLater):
        channel.send(envelope(endpoint, key=key))
    receiver.mood = Mood.WELL
    monkeypatch.setattr("notifications.channels.webhook.datetime", Later)
    channel.send(envelope(endpoint, key=key, attempt=2))
    first, second = receiver.heard
    assert (first.id, first.body) == (second.id, second.body)
    assert int(second.attempt_at) >= int(first.attempt_at) + 59
    assert first.genuine
    assert second.genuine
    assert list(receiver.handled) == [str(key)]


class Later(datetime):
    """A minute from now: within a receiver's tolerance."""

    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + timedelta(minutes=1)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_has_it(endpoint, receiver, channel, status):
    receiver.mood, receiver.status = Mood.BROKEN, status
    assert channel.send(envelope(endpoint)) == f"HTTP {status}"


@pytest.mark.parametrize(
    "status", [300, 301, 304, 400, 401, 403, 404, 408, 409, 413, 415, 418, 422, 429, 500, 502, 503, 504]
)
def test_everything_else_is_a_failure_and_is_repeated(endpoint, receiver, channel, status):
    receiver.mood, receiver.status = Mood.BROKEN, status
    with pytest.raises(TryLater, match=f"HTTP {status}"):
        channel.send(envelope(endpoint))
    endpoint.refresh_from_db()
    assert endpoint.active
    assert endpoint.failing_since is not None


def test_a_redirect_is_a_failure_and_nobody_goes_there(endpoint, receiver, channel):
    with hearing() as elsewhere:
        receiver.mood, receiver.target = Mood.REDIRECTING, elsewhere.url
        with pytest.raises(TryLater, match="HTTP 307"):
            channel.send(envelope(endpoint))
        assert elsewhere.heard == []
    assert len(receiver.heard) == 1


@pytest.mark.silent
@pytest.mark.parametrize("mood", [Mood.HANGING, Mood.DRIPPING])
def test_one_who_does_not_answer_in_time_may_have_it(endpoint, receiver, channel, mood):
    receiver.mood = mood
    with pytest.raises(Unsure):
        channel.send(envelope(endpoint))
    assert len(receiver.heard) == 1
    endpoint.refresh_from_db()
    assert endpoint.failing_since is not None


def test_of_a_huge_answer_the_status_counts(endpoint, receiver, channel):
    receiver.mood = Mood.HUGE
    assert channel.send(envelope(endpoint)) == "HTTP 200"


def test_what_a_stranger_s_server_says_is_kept_nowhere(endpoint, receiver, channel):
    receiver.mood, receiver.status = Mood.BROKEN, 500
    receiver.headers = {"X-Private": "19900001234"}
    with pytest.raises(TryLater) as failure:
        channel.send(envelope(endpoint))
    assert failure.value.reason == "HTTP 500"


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize(("said", "meant"), [("120", 120), ("999999", 24 * 3600), ("soon", None)])
def test_who_asks_to_wait_is_waited_for_a_day_at_most(endpoint, receiver, channel, status, said, meant):
    receiver.mood, receiver.status, receiver.headers = Mood.BROKEN, status, {"Retry-After": said}
    with pytest.raises(TryLater) as failure:
        channel.send(envelope(endpoint))
    assert failure.value.after == (timedelta(seconds=meant) if meant else None)


@pytest.mark.parametrize(("status", "headers", "seconds"), [
    (429, {"Retry-After": "120"}, 120), (429, {}, 30), (502, {}, 30), (503, {"Retry-After": "3600"}, 3600), (504, {}, 30),
])  # fmt: skip
def test_one_who_is_overloaded_is_left_alone(endpoint, other, receiver, channel, status, headers, seconds):
    receiver.mood, receiver.status, receiver.headers = Mood.BROKEN, status, headers
    with pytest.raises(TryLater):
        channel.send(envelope(endpoint))
    (bucket,) = Bucket.objects.all()
    assert bucket.name == Bucket.of(ChannelName.WEBHOOK, endpoint.pk)
    assert abs((bucket.blocked_until - timezone.now()).total_seconds() - seconds) < 5


def test_one_whose_program_is_broken_is_not_left_alone(endpoint, receiver, channel):
    receiver.mood = Mood.BROKEN
    with pytest.raises(TryLater):
        channel.send(envelope(endpoint))
    assert not Bucket.objects.exists()


def test_the_schedule_is_the_specification_s():
    since_start = [timedelta(0), *accumulate(WebhookChannel.delays)]
    assert [str(one) for one in since_start] == [
        "0:00:00", "0:00:05", "0:05:05", "0:35:05", "2:35:05", "7:35:05", "17:35:05", "1 day, 7:35:05", "2 days, 3:35:05",
        "3 days, 3:35:05",
    ]  # fmt: skip


# Giving up


def test_410_switches_it_off_and_drops_what_waits_for_it_alone(endpoint, other, receiver, channel):
    mine, finished, others = queue(endpoint), queue(endpoint, state=DeliveryState.DEAD), queue(other)
    receiver.mood = Mood.GONE
    with pytest.raises(Refused, match="HTTP 410"):
        channel.send(envelope(endpoint))
    endpoint.refresh_from_db()
    assert (endpoint.active, endpoint.disabled_at is None) == (False, False)
    assert "410" in endpoint.disabled_reason
    rows = Delivery.objects.in_bulk()
    assert (rows[mine.pk].state, rows[mine.pk].error) == (DeliveryState.DROPPED, SWITCHED_OFF)
    assert rows[mine.pk].finished_at is not None
    assert rows[finished.pk].state == DeliveryState.DEAD
    assert rows[others.pk].state == DeliveryState.QUEUED
    assert channel.reachable([endpoint.pk, other.pk, uuid.uuid4()], CONTENT) == {other.pk}


def test_nothing_is_sent_to_one_that_is_switched_off_or_gone(endpoint, receiver, channel):
    Endpoint.objects.update(active=False)
    with pytest.raises(Unwanted, match="switched off"):
        channel.send(envelope(endpoint))
    kept = envelope(endpoint)
    endpoint.delete()
    with pytest.raises(Unwanted):
        channel.send(kept)
    assert receiver.heard == []


def test_five_days_of_nothing_but_failures_switch_it_off(endpoint, receiver, channel):
    waiting = queue(endpoint)
    receiver.mood = Mood.BROKEN
    for ago, active in ((PATIENCE - timedelta(hours=1), True), (PATIENCE + timedelta(seconds=1), False)):
        since = timezone.now() - ago
        Endpoint.objects.update(failing_since=since)
        with pytest.raises(TryLater):
            channel.send(envelope(endpoint))
        endpoint.refresh_from_db()
        assert (endpoint.active, endpoint.failing_since) == (active, since)
    assert endpoint.disabled_at is not None
    assert "五天" in endpoint.disabled_reason
    assert Delivery.objects.get(pk=waiting.pk).state == DeliveryState.DROPPED


def test_a_failure_that_began_before_a_success_switches_nothing_off(endpoint, receiver):
    Endpoint.objects.update(failing_since=timezone.now() - PATIENCE - timedelta(days=1))
    under_way = Endpoint.objects.get()
    Endpoint.objects.get().succeeded()
    under_way.failed()
    endpoint.refresh_from_db()
    assert endpoint.active
    assert timezone.now() - endpoint.failing_since < timedelta(minutes=1)


def test_one_that_wants_no_more_after_five_days_is_off_for_that(endpoint, receiver, channel):
    Endpoint.objects.update(failing_since=timezone.now() - PATIENCE - timedelta(days=1))
    receiver.mood = Mood.GONE
    with pytest.raises(Refused):
        channel.send(envelope(endpoint))
    endpoint.refresh_from_db()
    assert "410" in endpoint.disabled_reason


def test_one_success_begins_the_five_days_anew(endpoint, receiver, channel):
    Endpoint.objects.update(failing_since=timezone.now() - PATIENCE - timedelta(days=1))
    channel.send(envelope(endpoint))
    receiver.mood = Mood.BROKEN
    with pytest.raises(TryLater):
        channel.send(envelope(endpoint))
    endpoint.refresh_from_db()
    assert endpoint.active
    assert timezone.now() - endpoint.failing_since < timedelta(minutes=1)


def test_a_success_is_noted_and_within_a_minute_costs_no_second_statement(endpoint, receiver, channel):
    channel.send(envelope(endpoint))
    noted = Endpoint.objects.get(pk=endpoint.pk).succeeded_at
    assert timezone.now() - noted < timedelta(minutes=1)
    channel.send(envelope(endpoint))
    assert Endpoint.objects.get(pk=endpoint.pk).succeeded_at == noted
    Endpoint.objects.update(succeeded_at=noted - timedelta(hours=1))
    channel.send(envelope(endpoint))
    assert Endpoint.objects.get(pk=endpoint.pk).succeeded_at > noted
    receiver.mood = Mood.BROKEN
    with pytest.raises(TryLater):
        channel.send(envelope(endpoint))
    receiver.mood = Mood.WELL
    channel.send(envelope(endpoint))
    assert Endpoint.objects.get(pk=endpoint.pk).failing_since is None


def test_an_address_inside_is_a_failure_like_others(endpoint, receiver, channel):
    for url in (
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        f"http://[::1]:{receiver.server_port}/",
    ):
        Endpoint.objects.filter(pk=endpoint.pk).update(url=url, failing_since=None)
        with pytest.raises(Undelivered, match="Not connected"):
            channel.send(envelope(endpoint))
        endpoint.refresh_from_db()
        assert endpoint.failing_since is not None
    assert receiver.heard == []


def test_without_a_secret_that_can_be_read_nothing_leaves_unsigned(endpoint, receiver, channel):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE notifications_endpoint SET secrets = 'encrypted with a key that is gone'")
    with pytest.raises(TryLater, match="secret"):
        channel.send(envelope(endpoint))
    assert receiver.heard == []


def test_switched_on_again_it_has_never_failed(endpoint, receiver, channel):
    Endpoint.objects.update(failing_since=timezone.now() - PATIENCE)
    endpoint.switch_off("停用")
    endpoint.switch_on()
    endpoint.refresh_from_db()
    assert (endpoint.active, endpoint.failing_since, endpoint.disabled_at, endpoint.disabled_reason) == (
        True,
        None,
        None,
        "",
    )
    channel.send(envelope(endpoint))
    assert len(receiver.heard) == 1


# Many endpoints


def test_one_endpoint_has_two_slots_and_the_others_go_on(endpoint, other, channel):
    slow = [queue(endpoint) for _ in range(6)]
    quick = queue(other)
    claimed = [claim(channel) for _ in range(4)]
    assert [one.key for one in claimed[:3]] == [slow[0].pk, slow[1].pk, quick.pk]
    assert claimed[3] is None
    finish(claimed[0], DeliveryState.SENT)
    assert claim(channel).key == slow[2].pk


def test_a_sender_that_died_takes_a_place_no_longer_than_its_lease(endpoint, channel):
    for _ in range(3):
        queue(endpoint)
    assert [claim(channel) is None for _ in range(3)] == [False, False, True]
    Delivery.objects.filter(state=DeliveryState.SENDING).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert claim(channel) is not None


@pytest.mark.parametrize("past", [timedelta(seconds=-1), timedelta(hours=31)], ids=["over", "the clock was set back"])
def test_one_that_rests_is_sent_nothing_until_it_has_rested(endpoint, other, channel, past):
    queue(endpoint)
    mine = queue(other)
    endpoint.rest(timedelta(minutes=5))
    assert claim(channel).key == mine.pk
    assert claim(channel) is None
    Bucket.objects.update(blocked_until=timezone.now() + past)
    assert claim(channel) is not None


def test_a_longer_rest_is_not_cut_short(endpoint):
    endpoint.rest(timedelta(hours=1))
    endpoint.rest(timedelta(seconds=30))
    (bucket,) = Bucket.objects.all()
    assert bucket.blocked_until - timezone.now() > timedelta(minutes=59)


def test_of_many_who_claim_at_once_two_get_what_is_for_one_endpoint(transactional_db, channel):
    recipient, found = uuid.uuid4(), SimpleQueue()
    waiting = [letter(recipient=recipient) for _ in range(8)]
    turn = threading.Barrier(6, timeout=20)

    def take(_):
        connection.ensure_connection()
        for _ in range(ROUNDS):
            turn.wait()
            found.put(claim(channel))
            if turn.wait() == 0:
                Delivery.objects.filter(recipient=recipient).update(state=DeliveryState.QUEUED, lease_until=None)

    try:
        together(6, take)
        claimed = [found.get_nowait() for _ in range(6 * ROUNDS)]
        assert sum(one is not None for one in claimed) == 2 * ROUNDS
    finally:
        Message.objects.filter(pk__in=[one.message_id for one in waiting]).delete()


def test_the_whole_way_a_failure_waits_and_is_repeated_under_the_same_id(endpoint, receiver, channel):
    delivery = queue(endpoint)
    receiver.mood = Mood.BROKEN
    assert deliver(channel) == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.failures, delivery.error) == (DeliveryState.QUEUED, 1, "HTTP 500")
    again(delivery)
    receiver.mood = Mood.WELL
    assert deliver(channel) == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.receipt) == (DeliveryState.SENT, 2, "HTTP 200")
    assert [one.id for one in receiver.heard] == [str(delivery.pk)] * 2
    assert len({one.body for one in receiver.heard}) == 1


def test_a_trial_goes_the_whole_way_and_names_no_ticket(endpoint, receiver, channel):
    Endpoint.objects.update(types=["ticket.reply"])
    trial = send_test_message(endpoint)
    assert deliver(channel) == 1
    (heard,) = receiver.heard
    assert (heard.id, heard.genuine) == (str(trial.pk), True)
    assert heard.event["type"] == "webhook.test"
    assert heard.event["data"] == {"endpoint": str(endpoint.pk)}


def test_after_the_tenth_failure_it_is_dead_and_can_be_sent_anew_under_its_id(endpoint, receiver, channel):
    delivery = queue(endpoint, failures=len(channel.delays))
    receiver.mood = Mood.BROKEN
    deliver(channel)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.failures) == (DeliveryState.DEAD, 10)
    receiver.mood = Mood.WELL
    assert replay([delivery.pk]) == 1
    deliver(channel)
    assert [one.id for one in receiver.heard] == [str(delivery.pk)] * 2


def test_what_was_under_way_when_it_was_switched_off_is_dropped_at_its_next_attempt(endpoint, receiver, channel):
    delivery = queue(endpoint)
    Endpoint.objects.update(active=False)
    assert deliver(channel) == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.error) == (DeliveryState.DROPPED, SWITCHED_OFF)
    assert receiver.heard == []
