"""Delivering without a broker, and looking after what failed for good."""

import signal
import subprocess
import threading
import uuid
from collections import Counter
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.management import CommandError
from django.utils import timezone

from community.models import Person
from notifications.models import Delivery, Endpoint
from notifications.topics import ChannelName, DeliveryState
from tests.commands import printed
from tests.fakes.receiver import Reply, Request, receiving
from tests.fakes.webhooks import SECRET
from tests.notifications.post import STREET, committed, letter
from tests.processes import running, wait_until

EMAIL, SMS = ChannelName.EMAIL, ChannelName.SMS


def dead(channel: ChannelName = EMAIL, *, hours: float = 1, **columns: object) -> Delivery:
    """One that failed for good so many hours ago."""
    columns = {"error": "They refuse it.", "attempts": 3, "failures": 3, **columns}
    finished_at = timezone.now() - timedelta(hours=hours)
    return letter(channel, state=DeliveryState.DEAD, finished_at=finished_at, **columns)


def test_a_look_delivers_what_is_due_and_says_so(transactional_db):
    with committed():
        # Nobody has an address here, so that each is tried and sent nowhere.
        letters = [letter(EMAIL, person=Person.objects.values_list("pk", flat=True)[0]) for _ in range(2)]
        assert "2 deliveries tried by 1 channels." in printed("deliver")
        tried = Delivery.objects.filter(pk__in=[one.pk for one in letters]).values_list("attempts", flat=True)
        assert list(tried) == [1, 1]
        assert "0 deliveries tried" in printed("deliver")


@pytest.fixture
def system(transactional_db):
    """The system of an organisation that gives no answer until `system.answers` is set, as an endpoint of ours."""
    answers = threading.Event()

    def reply(request: Request) -> Reply:
        answers.wait(20)
        return Reply()

    with committed(), receiving(reply) as receiver:
        endpoint = Endpoint.objects.create(
            street_id=STREET, organisation_id=uuid.uuid4(), name="工单系统", url=receiver.url, secrets=SECRET
        )
        try:
            yield SimpleNamespace(answers=answers, receiver=receiver, endpoint=endpoint)
        finally:
            answers.set()
            endpoint.delete()


def postman():
    """A loop in a process of its own, which may send to this machine."""
    return running("manage.py", "deliver", "--loop", "--every", "0.1", WEBHOOK_ALLOWED_NETWORKS="127.0.0.1/32")


def outcomes(letters):
    """How many of these stand in each state, after how many attempts."""
    found = Delivery.objects.filter(pk__in=[one.pk for one in letters])
    return Counter(found.values_list("state", "attempts"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_loop_that_is_told_to_stop_finishes_what_is_under_way_and_begins_nothing_more(system, number):
    letters = [letter(recipient=system.endpoint.pk) for _ in range(5)]
    with postman() as process:
        # As many as one receiver is sent at once.
        system.receiver.await_requests(2)
        process.send_signal(number)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        system.answers.set()
        assert process.wait(10) == 0
    assert len(system.receiver.keys) == 2
    assert outcomes(letters) == {("sent", 1): 2, ("queued", 0): 3}


def test_a_loop_looks_again_and_a_second_signal_ends_it_at_once(system):
    system.answers.set()
    with postman() as process:
        for _ in range(2):
            sent = [letter(recipient=system.endpoint.pk)]
            wait_until(lambda sent=sent: outcomes(sent) == {("sent", 1): 1})
        system.answers.clear()
        hanging = [letter(recipient=system.endpoint.pk)]
        system.receiver.await_requests(3)
        process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == -signal.SIGTERM
    assert outcomes(hanging) == {("sending", 1): 1}


def test_an_interval_of_nothing_is_refused(db):
    with pytest.raises(CommandError, match="more than 0"):
        printed("deliver", "--loop", "--every", "0")


def test_dead_letters_are_listed_without_anybody_s_name_and_nothing_changes(db, cast):
    resident = cast["resident"]
    one = dead(person=resident.pk)
    letter(EMAIL)
    listed = printed("dead_letters")
    assert str(one.pk) in listed
    assert f"…{resident.pk.hex[-8:]}" in listed
    assert "3 attempts  They refuse it." in listed
    assert "1 hour ago" in listed
    assert listed.endswith("1 dead letters.\n")
    assert not {resident.phone, resident.name} & set(listed.split())
    one.refresh_from_db()
    assert one.state == DeliveryState.DEAD


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (["--channel", "sms"], {"mail", "old"}),
        (["--since", "2h"], {"old"}),
        (["--street", "xueyuanlu"], {"mail", "old"}),
        (["--all"], set()),
    ],
)
def test_those_that_are_asked_for_are_replayed_under_their_keys(db, street, arguments, left):
    there = {"mail": dead(), "old": dead(hours=5), "sms": dead(SMS)}
    Delivery.objects.filter(pk=there["sms"].pk).update(street_id=street.pk)
    assert printed("dead_letters", "--replay", *arguments).endswith(f"{3 - len(left)} queued again.\n")
    still = set(Delivery.objects.dead().values_list("pk", flat=True))
    assert still == {there[name].pk for name in left}
    for name in there.keys() - left:
        there[name].refresh_from_db()
        assert (there[name].state, there[name].attempts, there[name].failures) == (DeliveryState.QUEUED, 3, 0)


def test_single_keys_are_replayed_however_many_are_listed(db):
    first, second, third = dead(), dead(), dead()
    assert printed("dead_letters", str(first.pk), str(second.pk), "--replay", "--limit", "0") == "2 queued again.\n"
    assert list(Delivery.objects.dead()) == [third]


def test_a_text_message_that_may_have_arrived_is_sent_anew_only_when_asked_for(db):
    unknown, _ = dead(SMS, unsure=True), dead(unsure=True)
    left_alone, queued = printed("dead_letters", "--replay", "--all").splitlines()[-2:]
    assert (left_alone[:15], queued) == ("1 text messages", "1 queued again.")
    assert list(Delivery.objects.dead()) == [unknown]
    assert printed("dead_letters", "--replay", "--all", "--unknown-too").endswith("\n1 queued again.\n")


def test_what_is_for_a_webhook_that_is_off_waits_until_it_is_on(db):
    endpoint = Endpoint.objects.create(
        street_id=STREET, organisation_id=uuid.uuid4(), name="客服系统", url="https://crm.example/hooks", active=False
    )
    off, gone = (dead(ChannelName.WEBHOOK, recipient=one) for one in (endpoint.pk, uuid.uuid4()))
    left_alone, queued = printed("dead_letters", "--replay", "--all").splitlines()[-2:]
    assert (left_alone, queued) == (
        "2 are for a webhook or robot that is switched off; switch it on first.",
        "0 queued again.",
    )
    Endpoint.objects.update(active=True)
    assert printed("dead_letters", "--replay", "--all").endswith("\n1 queued again.\n")
    assert list(Delivery.objects.dead()) == [gone]
    off.refresh_from_db()
    assert off.state == DeliveryState.QUEUED


@pytest.mark.parametrize(
    "arguments",
    [["--replay"], ["--replay", "--street", "nowhere"], ["--replay", "--since", "soon"], ["--replay", "--dry-run"]],
)
def test_what_does_not_say_which_changes_nothing(db, arguments):
    one = dead()
    with pytest.raises(CommandError):
        printed("dead_letters", *arguments)
    one.refresh_from_db()
    assert one.state == DeliveryState.DEAD


def test_a_key_of_nothing_dead_is_left_alone(db):
    waiting = letter(EMAIL)
    assert printed("dead_letters", str(waiting.pk), str(uuid.uuid4()), "--replay") == "0 queued again.\n"
