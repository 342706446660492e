"""More than a robot may be sent: its limit is kept, nothing is lost, the urgent goes first, and the rest as a digest."""

import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from notifications.channels.channel import Envelope, RateLimit, Refused, TryLater
from notifications.channels.http import HttpClient
from notifications.channels.robots.wecom import Wecom
from notifications.delivery import rate_limits
from notifications.delivery.claim import claim
from notifications.delivery.outcomes import send
from notifications.delivery.recovery import recover, waiting
from notifications.delivery.replay import replay
from notifications.delivery.workers import deliver
from notifications.models import Bucket, Delivery, Message, Robot
from notifications.topics import ChannelName, DeliveryState, Topic
from tests.fakes.robots import Account, Robots, serving
from tests.notifications.post import STREET, again, committed, run_out
from tests.processes import wait_until

WECOM = ChannelName.WECOM
NUMBER, PERIOD = 4, 0.5
ONE, OTHER = "key-1", "key-2"


class Hasty(Wecom):
    """WeCom with a minute of half a second."""

    limits = (RateLimit(NUMBER, timedelta(seconds=PERIOD), margin=timedelta(seconds=0.05)),)
    lease = timedelta(seconds=5)


@pytest.fixture
def vendors():
    with serving(Robots(limits={"wecom": ((NUMBER, PERIOD),)}, accounts={ONE: Account(), OTHER: Account()})) as vendors:
        yield vendors


@pytest.fixture
def channel(vendors):
    with closing(HttpClient()) as client:
        yield Hasty(vendors.url, client)


def robot(token: str = ONE) -> Robot:
    return Robot.objects.create(street_id=STREET, organisation_id=uuid.uuid4(), name=token, vendor="wecom", token=token)


def news(robot: Robot, *titles: str, urgent: bool = False, unsure: bool = False) -> list[Delivery]:
    """Messages that are due for a robot."""
    messages = Message.objects.bulk_create([
        Message(
            street_id=STREET, key=uuid.uuid4(), recipient=robot.pk, kind="work", topic=Topic.WORK, title=title, body="",
            at=timezone.now(), urgent=urgent,
        )
        for title in titles
    ])  # fmt: skip
    return [
        Delivery.objects.create(
            street_id=STREET,
            message=message,
            channel=WECOM,
            recipient=robot.pk,
            content={"title": message.title, "body": "", "language": "zh-hans"},
            urgent=urgent,
            unsure=unsure,
        )
        for message in messages
    ]


def use_up(robot: Robot, channel: Wecom, *, but: int) -> None:
    """Take a robot's tokens."""
    name = Bucket.of(ChannelName.WECOM, robot.pk)
    for _ in range(NUMBER - but):
        with transaction.atomic():
            assert rate_limits.lock(name, channel.limits, channel.lease)
            rate_limits.take(name, channel.limits, channel.lease)


def states(deliveries: Sequence[Delivery]) -> list[str]:
    found = Delivery.objects.in_bulk([one.pk for one in deliveries])
    return [found[one.pk].state for one in deliveries]


def taken(channel: Wecom) -> Envelope:
    envelope = claim(channel)
    assert envelope is not None
    return envelope


def test_what_fits_goes_out_one_by_one_the_urgent_first(db, channel, vendors):
    target = robot()
    calm = news(target, "甲", "乙")
    urgent = news(target, "漏水", urgent=True)
    assert deliver(channel) == 3
    assert vendors.texts(ONE) == ["漏水", "甲", "乙"]
    assert [one.key for one in vendors.seen] == [str(one.pk) for one in (*urgent, *calm)]
    assert not Message.objects.filter(kind="digest").exists()


def test_ten_times_the_limit_at_once_is_the_urgent_alone_and_one_digest(db, channel, vendors):
    target = robot()
    calm = news(target, *(f"第{number}号" for number in range(10 * NUMBER - 2)))
    urgent = news(target, "漏水", "停梯", urgent=True)
    deliver(channel)
    assert [one.code for one in vendors.seen] == [0, 0, 0]
    *alone, digest = vendors.texts(ONE)
    assert alone == ["漏水", "停梯"]
    assert digest.split("\n") == [
        f"{10 * NUMBER - 2} 条新消息",
        *(f"第{number}号" for number in range(10 * NUMBER - 2)),
    ]
    assert states(urgent) == [DeliveryState.SENT] * 2
    assert set(states(calm)) == {DeliveryState.GATHERED}
    (sent,) = Delivery.objects.filter(message__kind="digest")
    assert (sent.state, str(sent.pk)) == (DeliveryState.SENT, vendors.seen[-1].key)
    assert {one.gathered_into_id for one in Delivery.objects.filter(pk__in=[one.pk for one in calm])} == {sent.pk}


def test_the_last_token_carries_a_digest_with_the_urgent_on_top(db, channel, vendors):
    target = robot()
    use_up(target, channel, but=1)
    calm = news(target, "甲")
    urgent = news(target, "漏水", "停梯", urgent=True)
    assert deliver(channel) == 1
    assert vendors.texts(ONE) == ["3 条新消息\n【紧急】漏水\n【紧急】停梯\n甲"]
    assert states([*calm, *urgent]) == [DeliveryState.GATHERED] * 3
    assert Delivery.objects.get(message__kind="digest").urgent


def test_a_digest_names_the_number_of_each_and_counts_what_is_too_long(db, channel, vendors):
    target = robot()
    for one in news(target, *(["新派单，请签收"] * 200)):
        Message.objects.filter(pk=one.message_id).update(code=f"XYL-{one.pk.hex[-6:]}")
    deliver(channel)
    (text,) = vendors.texts(ONE)
    title, *lines, more = text.split("\n")
    assert title == "200 条新消息"
    assert len(lines) > 30
    assert all(line.startswith("XYL-") and line.endswith(" 新派单，请签收") for line in lines)
    assert more == f"另有 {200 - len(lines)} 条"
    assert len(text.encode()) <= channel.room
    assert Delivery.objects.filter(state=DeliveryState.GATHERED).count() == 200


def test_what_may_have_arrived_is_never_gathered_and_keeps_its_key(db, channel, vendors):
    target = robot()
    use_up(target, channel, but=2)
    (unsure,) = news(target, "甲", unsure=True)
    calm = news(target, "乙", "丙", "丁")
    assert deliver(channel) == 2
    assert vendors.texts(ONE) == ["甲", "3 条新消息\n乙\n丙\n丁"]
    assert vendors.seen[0].key == str(unsure.pk)
    assert states([unsure, *calm]) == [DeliveryState.SENT] + [DeliveryState.GATHERED] * 3


def test_with_one_token_left_what_may_have_arrived_waits_for_the_next(db, channel, vendors):
    target = robot()
    use_up(target, channel, but=1)
    (unsure,) = news(target, "甲", unsure=True)
    news(target, "乙", "丙")
    assert deliver(channel) == 1
    assert vendors.texts(ONE) == ["2 条新消息\n乙\n丙"]
    assert states([unsure]) == [DeliveryState.QUEUED]


def test_a_digest_that_waits_is_sent_itself_and_in_no_other(db, channel, vendors):
    target = robot()
    vendors.trouble = lambda: -1
    news(target, *"一二三四五六")
    assert deliver(channel) == 1
    digest = Delivery.objects.get(message__kind="digest")
    assert digest.state == DeliveryState.QUEUED
    vendors.trouble = lambda: 0
    again(digest)
    news(target, *"七八九十")
    deliver(channel)
    assert sorted(one.count("\n") for one in vendors.texts(ONE)) == [4, 6]
    assert [one.key for one in vendors.seen].count(str(digest.pk)) == 2
    assert not Delivery.objects.filter(state=DeliveryState.QUEUED).exists()


def test_a_robot_without_a_token_keeps_no_other_waiting_and_nobody_is_sent_to_it(db, channel, vendors):
    full, free = robot(ONE), robot(OTHER)
    use_up(full, channel, but=0)
    kept = news(full, "漏水", urgent=True)
    sent = news(free, "甲")
    assert waiting({WECOM: channel}) == [WECOM]
    assert deliver(channel) == 1
    assert states([*kept, *sent]) == [DeliveryState.QUEUED, DeliveryState.SENT]
    assert waiting({WECOM: channel}) == []
    assert claim(channel) is None
    Bucket.objects.all().delete()
    assert waiting({WECOM: channel}) == [WECOM]
    assert deliver(channel) == 1


def test_a_robot_does_not_wait_for_what_was_written_before_the_clock_was_set_back(db, channel, vendors):
    target = robot()
    use_up(target, channel, but=0)
    news(target, "甲")
    assert waiting({WECOM: channel}) == []
    hours = timedelta(hours=31)
    bucket = Bucket.objects.get()
    bucket.taken, bucket.blocked_until = [one + hours for one in bucket.taken], timezone.now() + hours
    bucket.save(update_fields=["taken", "blocked_until"])
    assert waiting({WECOM: channel}) == [WECOM]
    assert deliver(channel) == 1


def test_a_robot_that_had_too_much_is_let_be_and_nothing_is_lost(db, channel, vendors):
    target = robot()
    vendors.trouble = lambda: 45009
    (first, second) = news(target, "甲", "乙")
    assert deliver(channel) == 1
    assert waiting({WECOM: channel}) == []
    first.refresh_from_db()
    assert (first.state, first.failures) == (DeliveryState.QUEUED, 0)
    vendors.trouble = lambda: 0
    Bucket.objects.update(blocked_until=None)
    again(first)
    deliver(channel)
    assert sorted(vendors.texts(ONE)) == ["乙", "甲"]
    assert states([first, second]) == [DeliveryState.SENT] * 2


def test_a_dead_digest_is_sent_anew_under_its_key(db, channel, vendors):
    target = robot()
    vendors.accounts.clear()
    parts = news(target, *"一二三四五")
    deliver(channel)
    digest = Delivery.objects.get(message__kind="digest")
    assert digest.state == DeliveryState.DEAD
    assert replay([digest.pk, *(one.pk for one in parts)]) == 1
    vendors.accounts[ONE] = Account()
    deliver(channel)
    assert vendors.texts(ONE) == ["5 条新消息\n一\n二\n三\n四\n五"]
    assert {one.key for one in vendors.seen} == {str(digest.pk)}


def test_a_robot_says_nothing_of_the_day_at_night_and_keeps_its_token(db, channel, vendors, monkeypatch):
    now, hour = timezone.localtime(), timedelta(hours=1)
    monkeypatch.setattr("notifications.delivery.claim.QUIET_FROM", (now - hour).time())
    monkeypatch.setattr("notifications.delivery.claim.QUIET_UNTIL", (now + hour).time())
    (delivery,) = news(robot(), "甲")
    Message.objects.update(at=now - 2 * hour)
    assert deliver(channel) == 0
    delivery.refresh_from_db()
    assert (delivery.state, delivery.available_at, vendors.seen) == (DeliveryState.QUEUED, now + hour, [])
    assert Bucket.objects.get().taken[0] <= timezone.now()


def test_whoever_dies_with_a_digest_leaves_it_to_be_sent_again(db, channel, vendors):
    target = robot()
    news(target, *"一二三四五")
    dead = taken(channel)
    with transaction.atomic():
        assert rate_limits.lock(Bucket.of(ChannelName.WECOM, target.pk), channel.limits, channel.lease) == NUMBER - 1
    digest = Delivery.objects.get(message__kind="digest")
    assert dead.key == digest.pk
    run_out(digest)
    assert recover({WECOM: channel}) == 1
    again(digest)
    assert deliver(channel) == 1
    # The dead one comes back late: it repeats the key, and changes nothing.
    send(channel, dead)
    assert {one.key for one in vendors.seen} == {str(digest.pk)}
    assert Delivery.objects.filter(state=DeliveryState.SENT).count() == 1


@pytest.mark.parametrize("outcome", [TryLater("no"), Refused("no"), ValueError("no")])
def test_a_token_is_settled_whatever_the_sending_comes_to(db, channel, monkeypatch, outcome):
    def fail(envelope: Envelope) -> str:
        raise outcome

    target = robot()
    news(target, "甲")
    envelope = taken(channel)
    monkeypatch.setattr(channel, "send", fail)
    send(channel, envelope)
    (moment,) = Bucket.objects.get(name=Bucket.of(ChannelName.WECOM, target.pk)).taken
    assert moment < envelope.token - timedelta(seconds=2)


def test_ten_times_the_limit_for_a_while_by_several_workers_loses_and_repeats_nothing(transactional_db, vendors):
    """A stream for two robots, by four workers, with answers that take their time: the vendor counts for itself."""
    pauses = iter([0.0, 0.12, 0.0, 0.3, 0.05] * 200)
    vendors.slow = lambda: next(pauses)
    over = threading.Event()
    posted: list[Delivery] = []

    def work() -> None:
        with closing(HttpClient()) as client:
            channel = Hasty(vendors.url, client)
            while not over.is_set():
                if not deliver(channel, stop=over):
                    over.wait(0.03)
        connection.close()

    with committed():
        targets = {ONE: robot(ONE), OTHER: robot(OTHER)}
        workers = [threading.Thread(target=work) for _ in range(4)]
        try:
            for worker in workers:
                worker.start()
            for number in range(20):
                for token, target in targets.items():
                    posted += news(target, *(f"{token}-{number}-{one}。" for one in range(7)))
                    if number % 5 == 0:
                        posted += news(target, f"{token}-{number}-急。", urgent=True)
                time.sleep(0.05)
            waiting = Delivery.objects.filter(street_id=STREET, state__in=["queued", "sending"])
            wait_until(lambda: not waiting.exists(), 20)
        finally:
            over.set()
            for worker in workers:
                worker.join()
        assert {one.code for one in vendors.seen} == {0}
        keys = [one.key for one in vendors.seen]
        assert len(keys) == len(set(keys))
        for token in targets:
            read = "\n".join(vendors.texts(token))
            expected = [one.message.title for one in posted if one.message.title.startswith(token)]
            assert [title for title in expected if read.count(title) != 1] == []
        stored = Delivery.objects.select_related("gathered_into").in_bulk([one.pk for one in posted])
        ends = {(one.state, one.gathered_into and one.gathered_into.state) for one in stored.values()}
        assert ends == {("sent", None), ("gathered", "sent")}
        Robot.objects.filter(street_id=STREET).delete()
        Bucket.objects.all().delete()
