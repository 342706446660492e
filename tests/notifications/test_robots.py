"""Group robots: each vendor's own form and signature, and what each of its answers means."""

import json
import logging
import time
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import quote, urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from notifications.channels.channel import Envelope, Refused, TryLater, Unsure, Unwanted
from notifications.channels.http import TOTAL, HttpClient
from notifications.channels.robots import VENDORS, dingtalk, feishu
from notifications.channels.robots.refusals import RobotRefusal
from notifications.channels.robots.robot import text_of
from notifications.delivery import rate_limits
from notifications.delivery.remedies import remedies
from notifications.delivery.workers import deliver
from notifications.models import Bucket, Delivery, Robot
from notifications.topics import ROBOTS, ChannelName, DeliveryState
from tests.fakes.receiver import Reply, receiving
from tests.fakes.robots import Account, Robots, serving
from tests.notifications.post import STREET, claimed, letter

each_vendor = pytest.mark.parametrize("vendor", VENDORS)
SECRET = "SEC-that-must-not-be-logged"
TOKEN = "key-that-must-not-be-logged"


@pytest.fixture
def vendors():
    with serving(Robots(accounts={TOKEN: Account()})) as vendors:
        yield vendors


@pytest.fixture
def channel(vendors, vendor):
    with closing(HttpClient()) as client:
        yield VENDORS[vendor](vendors.url, client)


@pytest.fixture
def robot(db, vendor):
    return Robot.objects.create(
        street_id=STREET, organisation_id=uuid.uuid4(), name="值班群", vendor=vendor, token=TOKEN, secret=SECRET
    )


def envelope(robot: Robot, title: str = "新派单", body: str = "XYL-1 电梯") -> Envelope:
    return claimed(robot, content={"title": title, "body": body, "language": "zh-hans"})


def blocked(robot: Robot) -> timedelta | None:
    """For how long the robot is still left alone."""
    bucket = Bucket.objects.filter(name=Bucket.of(ChannelName(robot.vendor), robot.pk)).first()
    return bucket.blocked_until - datetime.now(UTC) if bucket and bucket.blocked_until else None


@each_vendor
def test_a_message_arrives_as_one_text_under_its_key_with_a_signature_that_holds(channel, robot, vendors):
    vendors.accounts[TOKEN] = Account(secret=SECRET)
    sent = envelope(robot)
    assert channel.send(sent) == ""
    (seen,) = vendors.seen
    assert (seen.vendor, seen.code, seen.key, seen.text) == (robot.vendor, 0, str(sent.key), "新派单\nXYL-1 电梯")
    assert blocked(robot) is None


@pytest.mark.parametrize("vendor", ["dingtalk", "feishu"])
def test_a_robot_without_a_secret_signs_nothing(channel, robot):
    robot.secret = ""
    post = channel.post(robot, "电梯")
    assert "sign" not in post.url
    assert "sign" not in post.body


def test_dingtalk_signs_the_time_and_the_secret_with_the_secret():
    """By openssl: printf '1577262236757\\nthis is secret' | openssl dgst -sha256 -hmac 'this is secret' -binary | base64."""
    assert dingtalk.signature(1577262236757, "this is secret") == "hmPWwU+7lVdm3ZZz0r9tSfx0L4Q26jWOZr9+Gs6EZQM="


def test_feishu_signs_nothing_with_the_time_and_the_secret():
    """By openssl: printf '' | openssl dgst -sha256 -mac HMAC -macopt hexkey:(1599360473\\ndemo) -binary | base64."""
    assert feishu.signature(1599360473, "demo") == "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="


@pytest.mark.parametrize("vendor", ["dingtalk"])
def test_dingtalks_signature_travels_in_the_address_encoded(channel, robot):
    before = int(time.time() * 1000)
    address = urlsplit(channel.post(robot, "电梯").url)
    query = dict(one.split("=") for one in address.query.split("&"))
    assert address.path == "/robot/send"
    assert query["access_token"] == TOKEN
    assert before <= int(query["timestamp"]) <= time.time() * 1000 + 1
    assert query["sign"] == quote(dingtalk.signature(int(query["timestamp"]), SECRET), safe="")


@pytest.mark.parametrize("vendor", ["feishu"])
def test_feishus_signature_travels_in_the_body(channel, robot):
    before = int(time.time())
    post = channel.post(robot, "电梯")
    assert post.url.endswith(f"/open-apis/bot/v2/hook/{TOKEN}")
    at = post.body["timestamp"]
    assert before <= int(at) <= time.time()
    assert post.body == {
        "timestamp": at,
        "sign": feishu.signature(int(at), SECRET),
        "msg_type": "text",
        "content": {"text": "电梯"},
    }


@pytest.mark.parametrize(
    ("vendor", "account", "fault"),
    [
        ("wecom", None, RobotRefusal.KEY),
        ("wecom", Account(stopped=True), RobotRefusal.STOPPED),
        ("dingtalk", None, RobotRefusal.KEY),
        ("dingtalk", Account(stopped=True), RobotRefusal.STOPPED),
        ("dingtalk", Account(secret="another"), RobotRefusal.SIGNATURE),
        ("dingtalk", Account(keyword="报警"), RobotRefusal.SIGNATURE),
        ("dingtalk", Account(admits=False), RobotRefusal.SIGNATURE),
        ("feishu", None, RobotRefusal.KEY),
        ("feishu", Account(secret="another"), RobotRefusal.SECRET),
        ("feishu", Account(admits=False), RobotRefusal.ADDRESS),
        ("feishu", Account(keyword="报警"), RobotRefusal.KEYWORD),
    ],
)
def test_what_no_repeat_mends_is_refused_with_what_to_do(channel, robot, vendors, vendor, account, fault):
    vendors.accounts = {TOKEN: account} if account else {}
    with pytest.raises(Refused) as refusal:
        channel.send(envelope(robot))
    dead = Delivery(channel=vendor, state=DeliveryState.DEAD, error=refusal.value.reason)
    assert remedies(dead) == [fault.label]
    assert str(vendors.seen[0].code) in refusal.value.reason
    assert blocked(robot) is None


@pytest.mark.parametrize(
    ("vendor", "code", "seconds"),
    [
        *(("wecom", code, 62) for code in (45009, 45033)),
        *(("dingtalk", code, 600) for code in (90018, 90030, 130101, 302033, 410100)),
        *(("feishu", code, 15) for code in (11232, 99991400)),
    ],
)
def test_too_many_blocks_the_robot_and_is_no_failure(channel, robot, vendors, code, seconds):
    vendors.trouble = lambda: code
    with pytest.raises(TryLater) as outcome:
        channel.send(envelope(robot))
    assert not outcome.value.counts
    at_least, at_most = timedelta(seconds=seconds - 1), timedelta(seconds=seconds * 1.2)
    assert at_least < outcome.value.after <= at_most
    assert at_least < blocked(robot) <= at_most


@pytest.mark.parametrize(
    ("vendor", "reply", "outcome"),
    [
        ("feishu", Reply(400, b'{"code":9499,"msg":"too many request","data":{}}'), TryLater),
        ("feishu", Reply(400, b'{"code":9499,"msg":"Bad Request","data":{}}'), Refused),
        ("feishu", Reply(429, b'{"code":99991400,"msg":"request trigger frequency limit"}'), TryLater),
        ("feishu", Reply(429, b'{"code":1,"msg":"?"}'), TryLater),
        ("feishu", Reply(429, b"<html>"), TryLater),
        ("dingtalk", Reply(200, b'{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"9"}'), TryLater),
    ],
)
def test_a_limit_is_known_by_more_than_its_number(db, robot, vendor, reply, outcome):
    with receiving(lambda request: reply) as server, closing(HttpClient()) as client, pytest.raises(outcome) as found:
        VENDORS[vendor](server.url, client).send(envelope(robot))
    assert (outcome is TryLater) == (blocked(robot) is not None)
    assert outcome is Refused or not found.value.counts


@each_vendor
@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(200, b'{"errcode":-1,"code":-1}'), TryLater),
        (Reply(200, b'{"errcode":987654,"code":987654}'), TryLater),
        (Reply(500, b"<html>"), TryLater),
        (Reply(503, b'{"errcode":0,"code":0}'), TryLater),
        (Reply(502, b"<html>"), Unsure),
        (Reply(200, b"<html>"), Unsure),
        (Reply(200, b"{}"), Unsure),
        (Reply(200, b'{"errcode":"0","code":"0"}'), Unsure),
        pytest.param(Reply(hang=True), Unsure, marks=pytest.mark.silent),
        (Reply(close=True), Unsure),
        (Reply(403, b"<html>"), Refused),
    ],
)
def test_other_answers_are_failures_of_their_kind(robot, vendor, reply, outcome, patience):
    with receiving(lambda request: reply) as server, closing(HttpClient(**patience)) as client:
        with pytest.raises(outcome) as found:
            VENDORS[vendor](server.url, client).send(envelope(robot))
        assert type(found.value) is outcome or outcome is Refused
        assert getattr(found.value, "counts", True)
        assert len(server.seen) == 1
    assert blocked(robot) is None


@each_vendor
def test_nothing_secret_is_in_an_error_or_a_log(robot, vendor, caplog):
    caplog.set_level(logging.DEBUG)
    with closing(HttpClient()) as client:
        for base_url in ("http://127.0.0.1:9", "http://127.0.0.1:99999", "https://"):
            with pytest.raises((TryLater, Refused)) as found:
                VENDORS[vendor](base_url, client).send(envelope(robot))
            said = f"{found.value} {found.value.reason} {caplog.text}"
            assert TOKEN not in said
            assert SECRET not in said


@each_vendor
def test_a_robot_that_is_switched_off_or_gone_is_sent_nothing(channel, robot, vendors):
    Robot.objects.update(active=False)
    assert channel.reachable([robot.pk], {}) == set()
    with pytest.raises(Unwanted):
        channel.send(envelope(robot))
    robot.delete()
    robot.pk = uuid.uuid4()
    with pytest.raises(Unwanted):
        channel.send(envelope(robot))
    assert vendors.seen == []


@each_vendor
def test_a_robot_whose_key_can_no_longer_be_read_is_to_be_entered_anew(channel, robot, vendors):
    Robot.objects.update(token="")
    with pytest.raises(Refused) as refusal:
        channel.send(envelope(robot))
    assert refusal.value.reason.startswith(RobotRefusal.KEY.value)
    assert vendors.seen == []


@each_vendor
def test_robots_of_this_vendor_that_are_on_are_reachable(channel, robot, vendor):
    other = Robot.objects.create(
        street_id=STREET,
        organisation_id=robot.organisation_id,
        name="另一群",
        token="t",
        vendor=next(one for one in VENDORS if one != vendor),
    )
    assert channel.reachable([robot.pk, other.pk, uuid.uuid4()], {}) == {robot.pk}


@each_vendor
def test_a_text_is_cut_between_characters_to_what_the_vendor_takes(channel, robot, vendors):
    for extra in range(4):
        channel.send(envelope(robot, title="x" * extra, body="楼" * 20_000))
    assert [one.code for one in vendors.seen] == [0] * 4
    for seen in vendors.seen:
        assert channel.room - 3 < len(seen.text.encode()) <= channel.room
        assert seen.text.rstrip("楼…").strip("x\n") == ""
        assert seen.text.endswith("楼…")


def test_a_text_that_just_fits_is_whole_and_mentions_nobody():
    content = {"title": "<@all>", "body": '<at user_id="all">所有人</at>'}
    whole = text_of(content, 1000)
    assert "<" not in whole
    size = len(whole.encode())
    assert text_of(content, size) == whole
    assert len(text_of(content, size - 1).encode()) <= size - 1


@each_vendor
def test_one_message_goes_the_whole_way(channel, robot, vendors, vendor):
    delivery = letter(ChannelName(vendor), recipient=robot.pk)
    Delivery.objects.update(content={"title": "新派单", "body": "XYL-1"})
    assert deliver(channel) == 1
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.SENT
    assert vendors.texts(TOKEN) == ["新派单\nXYL-1"]
    assert vendors.seen[0].key == str(delivery.pk)
    with transaction.atomic():
        assert (
            rate_limits.lock(Bucket.of(ChannelName(vendor), robot.pk), channel.limits, channel.lease)
            == channel.limits[-1].number - 1
        )


@each_vendor
def test_a_lease_outlasts_an_exchange_and_a_resolver_with_three_silent_servers(channel):
    assert channel.lease >= timedelta(seconds=TOTAL + 3 * 2 * 5)


def test_the_channels_are_set_up_by_their_addresses(settings):
    assert set(VENDORS) == set(ROBOTS)
    for name, vendor in VENDORS.items():
        setattr(settings, f"{name.upper()}_BASE_URL", "http://127.0.0.1:1/")
        assert vendor.from_settings().base_url == "http://127.0.0.1:1"
        setattr(settings, f"{name.upper()}_BASE_URL", "qyapi.weixin.qq.com")
        with pytest.raises(ImproperlyConfigured, match=f"{name.upper()}_BASE_URL"):
            vendor.from_settings()


def test_the_fake_counts_as_the_vendors_do():
    """What the tests of limits lean on."""
    fake = Robots(accounts={"t": Account()})
    body = json.dumps(
        {"msgtype": "text", "text": {"content": "x"}, "msg_type": "text", "content": {"text": "x"}}
    ).encode()

    def calls(path: str, number: int) -> list[int]:
        request = SimpleNamespace(path=path, headers={}, body=body)
        answers = [json.loads(fake.reply(request).body) for _ in range(number)]
        return [one.get("errcode", one.get("code")) for one in answers]

    assert calls("/cgi-bin/webhook/send?key=t", 22) == [0] * 20 + [45009] * 2
    fake._calls.clear()
    assert calls("/robot/send?access_token=t", 22) == [0] * 20 + [130101] * 2
    fake._calls.clear()
    assert calls("/robot/send?access_token=t", 1) == [130101]
    fake._calls.clear()
    assert calls("/open-apis/bot/v2/hook/t", 6) == [0] * 5 + [11232]
