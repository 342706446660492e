"""What a WeChat account allows, as the mini-program asks and reports it."""

import uuid

import pytest
from rest_framework.test import APIClient

from community import signin
from community.models import Person, WechatAccount
from notifications.channels.wechat import grants
from notifications.models import Grant, Wording
from tests.conftest import client_of
from tests.connections import one_connection, together
from web.models import IdempotencyKey

ADDRESS = "/api/v1/notifications/wechat-grants"
TEMPLATE, OTHER = "template-of-the-news", "template-of-questions"


@pytest.fixture(autouse=True)
def asked_for(settings):
    settings.WECHAT_TEMPLATE = TEMPLATE


def mini_program(person, openid="openid-1"):
    """The person, signed in by a WeChat account."""
    account, _ = WechatAccount.objects.update_or_create(openid=openid, defaults={"person": person})
    return client_of(person, account)


@pytest.fixture
def mini(cast):
    return mini_program(cast["resident"])


def tap(client, results, **headers):
    return client.post(ADDRESS, {"results": results}, format="json", headers=headers)


def left(openid="openid-1"):
    return {one.template: one.remaining for one in Grant.objects.filter(openid=openid)}


def test_the_templates_to_ask_for_and_what_is_left(mini, street):
    for kind, template in (("ticket.asked", OTHER), ("ticket.closed", OTHER), ("ticket.sign", "")):
        Wording.objects.create(street_id=street.pk, kind=kind, channel="wechat", body="thing1: 。", template=template)
    Wording.objects.create(street_id=street.pk, kind="ticket.reply", channel="sms", body="code: 1", template="SMS_1")
    assert mini.get(ADDRESS).json() == {
        "templates": [
            {"template": TEMPLATE, "kinds": ["*", "ticket.sign"], "remaining": 0, "standing": False},
            {"template": OTHER, "kinds": ["ticket.asked", "ticket.closed"], "remaining": 0, "standing": False},
        ]
    }
    answer = tap(mini, {TEMPLATE: "accept", OTHER: "reject"})
    assert (answer.status_code, left()) == (200, {TEMPLATE: 1})
    assert [one["remaining"] for one in answer.json()["templates"]] == [1, 0]
    assert mini.get(ADDRESS).json() == answer.json()


@pytest.mark.parametrize("word", ["accept", "acceptWithAudio", "acceptWithAlert", "acceptWithForcePush"])
def test_every_yes_allows_one_message_more(mini, word):
    for number in (1, 2, 3):
        tap(mini, {TEMPLATE: word})
        assert left() == {TEMPLATE: number}


@pytest.mark.parametrize("word", ["reject", "ban"])
def test_a_no_takes_back_what_was_allowed(mini, word):
    tap(mini, {TEMPLATE: "accept"})
    tap(mini, {TEMPLATE: word})
    assert left() == {TEMPLATE: 0}


@pytest.mark.parametrize("word", ["filter", "somethingNew"])
def test_what_is_neither_yes_nor_no_changes_nothing(mini, word):
    tap(mini, {TEMPLATE: "accept"})
    assert tap(mini, {TEMPLATE: word}).status_code == 200
    assert left() == {TEMPLATE: 1}


def test_a_long_term_subscription_is_not_counted(mini, settings):
    settings.WECHAT_STANDING_TEMPLATES = [TEMPLATE]
    (row,) = tap(mini, {TEMPLATE: "accept"}).json()["templates"]
    assert (row["remaining"], row["standing"]) == (0, True)
    (row,) = tap(mini, {TEMPLATE: "reject"}).json()["templates"]
    assert (row["remaining"], row["standing"]) == (0, False)


def test_nobody_piles_up_more_than_a_thousand(mini, monkeypatch):
    monkeypatch.setattr(grants, "MOST", 2)
    for _ in range(3):
        tap(mini, {TEMPLATE: "accept"})
    assert left() == {TEMPLATE: 2}


def test_a_tap_reported_twice_with_one_key_counts_once(mini):
    first, second = (tap(mini, {TEMPLATE: "accept"}, **{"Idempotency-Key": "tap-1"}) for _ in range(2))
    assert second["Idempotent-Replayed"] == "true"
    assert (first.json(), left()) == (second.json(), {TEMPLATE: 1})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"results": {TEMPLATE: "accept", "unknown": "accept"}}, "results.unknown"),
        ({"results": {TEMPLATE: "accept", "\x00": "accept"}}, "results"),
        ({"results": {TEMPLATE: ""}}, f"results.{TEMPLATE}"),
        ({"results": {TEMPLATE: "a b"}}, f"results.{TEMPLATE}"),
        ({"results": {TEMPLATE: None}}, f"results.{TEMPLATE}"),
        ({"results": {}}, "results"),
        ({"results": [TEMPLATE]}, "results"),
        ({}, "results"),
    ],
)
def test_what_cannot_be_is_named_and_changes_nothing(mini, body, field):
    answer = mini.post(ADDRESS, body, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    assert left() == {}


def test_who_has_not_signed_in_by_wechat_is_told_so(cast, at_api):
    # Another account's token gives nothing, and neither does an account without any.
    WechatAccount.objects.create(person=cast["resident"], openid="openid-1")
    browser = APIClient()
    browser.force_login(cast["resident"])
    for device in (at_api("resident"), browser):
        for answer in (device.get(ADDRESS), tap(device, {TEMPLATE: "accept"})):
            assert (answer.status_code, answer.json()["code"]) == (409, "not_by_wechat")
    assert APIClient().get(ADDRESS).status_code == 401
    assert not Grant.objects.exists()


def test_signing_out_everywhere_forgets_what_was_allowed(mini, cast):
    tap(mini, {TEMPLATE: "accept"})
    tap(mini_program(cast["neighbour"], "openid-2"), {TEMPLATE: "accept"})
    signin.revoke(cast["resident"])
    assert (left(), left("openid-2")) == ({}, {TEMPLATE: 1})


def test_an_account_that_becomes_anothers_brings_nothing_along(mini, cast, log):
    tap(mini, {TEMPLATE: "accept"})

    def bind(who):
        signin.send_code(cast[who].phone, "192.0.2.1")
        code = log.read_text().split()[-1]
        signin.bind_wechat(signin.binding_ticket("openid-1"), cast[who].phone, code, "192.0.2.1", "")

    bind("resident")
    assert left() == {TEMPLATE: 1}
    bind("neighbour")
    assert left() == {}


def test_twenty_taps_at_once_are_twenty_messages(transactional_db):
    person = Person.objects.create(phone="13900008002", name="居民")

    def run(number):
        # A repeat of each, with its key.
        for _ in range(2):
            assert tap(client, {TEMPLATE: "accept"}, **{"Idempotency-Key": f"tap-{number}"}).status_code == 200

    try:
        client = mini_program(person, f"openid-{uuid.uuid4()}")
        with one_connection():
            together(20, run)
        assert Grant.objects.get(person=person).remaining == 20
    finally:
        IdempotencyKey.objects.filter(caller=person.pk).delete()
        person.delete()
