"""Subscription messages: one token for all workers, each grant for one message, and what WeChat's answers mean."""

import uuid
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from community.models import Person
from notifications.channels.channel import Refused, TryLater, Unsure, Unwanted
from notifications.channels.http import HttpClient
from notifications.channels.wechat import grants
from notifications.channels.wechat import token as wechat_token
from notifications.channels.wechat.channel import WechatChannel, WechatConfig, from_settings
from notifications.channels.wechat.token import TokenKeeper
from notifications.delivery.claim import claim
from notifications.delivery.outcomes import send
from notifications.delivery.workers import deliver
from notifications.models import AccessToken, Delivery, Grant, SpentGrant, Wording
from notifications.topics import ChannelName, DeliveryState
from notifications.wordings.facts import Phrase
from notifications.wordings.writer import Catalogue, Writer
from tests.connections import together
from tests.fakes.wechat import APP_ID, APP_SECRET
from tests.fakes.wechat_news import TEMPLATE, serving
from tests.notifications.post import Wire, again, committed, letter
from web.words import bilingual

FIELDS = {
    "thing1": "电梯故障",
    "character_string2": "7K2M",
    "time3": "2026年11月25日 18:00",
    "phrase4": "已办结",
}
CONTENT = {"title": "请您确认", "body": "…", "language": "zh-hans", "template": TEMPLATE, "fields": FIELDS}
PAGE = "pages/ticket/index"


@pytest.fixture
def fake():
    with serving() as server:
        yield server


@pytest.fixture
def channel(fake, monkeypatch):
    monkeypatch.setattr(wechat_token, "GLANCE", 0.01)
    made = WechatChannel(WechatConfig(fake.url, APP_ID, APP_SECRET, page=PAGE))
    with closing(made._client):
        yield made


@pytest.fixture
def keeper(fake, monkeypatch):
    monkeypatch.setattr(wechat_token, "GLANCE", 0.01)
    with closing(HttpClient()) as client:
        yield TokenKeeper(client, fake.url, APP_ID, APP_SECRET)


@pytest.fixture
def reader(cast):
    return cast["resident"]


def allow(fake, person, times=1, *, openid="openid-1", template=TEMPLATE, taps="accept"):
    """The person taps yes, which WeChat counts, and so do we."""
    for _ in range(times):
        grants.report(person.pk, openid, {template: taps})
        fake.allowed[openid, template] = fake.allowed.get((openid, template), 0) + 1


def post(person, *, content=CONTENT, **columns):
    """A message for the person that is due by WeChat."""
    return letter(ChannelName.WECHAT, person=person.pk, content=content, **columns)


def claimed(delivery, channel):
    """The delivery, being sent."""
    envelope = claim(channel)
    assert envelope.key == delivery.pk
    return envelope


def queue(delivery):
    """Let it be claimed anew, as when its sender has died."""
    Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.QUEUED, lease_until=None)


def remaining(openid="openid-1"):
    return Grant.objects.get(openid=openid, template=TEMPLATE).remaining


def age(**columns):
    """Make the token as if that much time had passed."""
    AccessToken.objects.update(**{name: F(name) - value for name, value in columns.items()})


# The access token


def test_a_token_is_fetched_once_and_kept_encrypted(db, fake, keeper):
    assert {keeper.token().value for _ in range(3)} == {"token-1"}
    assert fake.fetches == [False]
    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM notifications_accesstoken")
        assert "token-1" not in cursor.fetchone()[0]


def test_a_token_is_renewed_before_its_end(db, fake, keeper):
    keeper.token()
    age(expires_at=timedelta(seconds=7200 - 250))
    assert keeper.token().value == "token-1"
    assert len(fake.fetches) == 1
    # WeChat gives the next one in the last five minutes, and we ask in the last four.
    age(expires_at=timedelta(seconds=20))
    fake.tokens.ends -= 7200 - 230
    assert keeper.token().value == "token-2"
    assert len(fake.fetches) == 2


def test_the_old_token_serves_while_another_fetches_or_nobody_can(db, fake, keeper):
    keeper.token()
    age(expires_at=timedelta(seconds=7200 - 200))
    AccessToken.objects.update(claimed_until=Now() + timedelta(seconds=20))
    assert keeper.token().value == "token-1"
    AccessToken.objects.update(claimed_until=None)
    fake.token_fault = lambda: {"errcode": -1, "errmsg": "system error"}
    assert keeper.token().value == "token-1"
    assert len(fake.fetches) == 2
    # The failure is said to all, and nobody asks again at once.
    assert keeper.token().value == "token-1"
    assert len(fake.fetches) == 2


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"errcode": -1, "errmsg": "system error"}, "errcode -1"),
        ({"errcode": 40164, "errmsg": "invalid ip"}, "whitelist"),
        ({"errcode": 40125, "errmsg": "invalid appsecret"}, "WECHAT_APP_SECRET"),
        ({}, "errcode None"),
        ({"access_token": 7, "expires_in": "x"}, "errcode None"),
    ],
)
def test_where_there_is_no_token_it_is_said_why_and_asked_again_later(db, fake, keeper, fault, words):
    fake.token_fault = lambda: fault
    for _ in range(2):
        with pytest.raises(TryLater, match=words) as caught:
            keeper.token()
        assert APP_SECRET not in caught.value.reason
    assert len(fake.fetches) == 1
    fake.token_fault = lambda: None
    age(claimed_until=timedelta(seconds=10))
    assert keeper.token().value == "token-1"
    assert AccessToken.objects.get().error == ""


def test_a_fetcher_that_dies_is_followed_by_another(db, fake, keeper, monkeypatch):
    monkeypatch.setattr(wechat_token, "PATIENCE", 0.05)
    AccessToken.objects.create(app_id=APP_ID, claimed_until=Now() + timedelta(seconds=20))
    with pytest.raises(TryLater, match="still being fetched"):
        keeper.token()
    assert fake.fetches == []
    age(claimed_until=timedelta(seconds=30))
    assert keeper.token().value == "token-1"


def test_a_token_encrypted_with_a_lost_key_is_fetched_anew(db, fake, keeper):
    keeper.token()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE notifications_accesstoken SET token = 'gAAAA-of-another-key'")
    assert keeper.token().value == "token-1"
    assert len(fake.fetches) == 2


def test_a_refused_token_is_replaced_once_for_all(db, fake, keeper):
    refused = keeper.token()
    fake.tokens.change(before="")
    assert keeper.after(refused).value == "token-2"
    # A worker that comes with the old one takes the new one, and fetches nothing.
    assert keeper.after(refused).value == "token-2"
    assert fake.fetches == [False, False]


def test_where_wechat_insists_on_a_refused_token_it_is_made_to_change_it_now_and_then(db, fake, keeper):
    refused = keeper.token()
    forced = keeper.after(refused)
    assert (refused.value, forced.value) == ("token-1", "token-2")
    assert fake.fetches == [False, False, True]
    with pytest.raises(TryLater, match="refuses the access token that it gives"):
        keeper.after(forced)
    assert fake.fetches == [False, False, True, False]
    age(forced_at=timedelta(minutes=81), claimed_until=timedelta(seconds=10))
    fake.tokens.forced.clear()
    assert keeper.after(forced).value == "token-3"


@pytest.mark.parametrize("spoiled", [False, True])
def test_of_twenty_at_once_one_fetches(transactional_db, fake, keeper, spoiled):
    """Whether there is none yet, or all have been refused the same."""
    held = keeper.token() if spoiled else None
    fake.fetches.clear()
    fake.tokens.change(before="")
    fake.token_takes = 0.2

    try:
        tokens = together(20, lambda _: keeper.after(held) if held else keeper.token())
        assert len({token.value for token in tokens}) == 1
        assert fake.fetches == [False]
    finally:
        AccessToken.objects.all().delete()


# A message


def test_a_message_goes_to_the_account_that_allowed_it_and_uses_that_up(db, fake, channel, reader):
    allow(fake, reader)
    delivery = post(reader)
    assert deliver(channel) == 1
    (asked,) = fake.sent
    assert (asked.key, asked.openid, asked.template, asked.data) == (str(delivery.pk), "openid-1", TEMPLATE, FIELDS)
    assert (asked.page, asked.state, asked.lang) == (PAGE, "formal", "zh_CN")
    delivery.refresh_from_db()
    assert (delivery.state, delivery.receipt, remaining()) == (DeliveryState.SENT, "1", 0)
    assert channel.reachable([reader.pk], CONTENT) == set()


def test_an_english_reader_gets_the_english_card_of_what_it_is_about(db, fake, channel, reader):
    allow(fake, reader)
    delivery = post(reader, content={**CONTENT, "language": "en"})
    about = uuid.uuid4()
    type(delivery.message).objects.filter(pk=delivery.message_id).update(subject_id=about)
    deliver(channel)
    (asked,) = fake.sent
    assert (asked.lang, asked.page) == ("en_US", f"{PAGE}?id={about}")


def test_reachable_is_who_allows_this_template_in_one_statement(db, cast, channel, fake, django_assert_num_queries):
    allow(fake, cast["resident"])
    allow(fake, cast["neighbour"], openid="openid-2", template="another")
    people = [cast[who].pk for who in ("resident", "neighbour", "worker")]
    with django_assert_num_queries(1):
        assert channel.reachable(people, CONTENT) == {cast["resident"].pk}


def test_the_account_that_last_allowed_one_is_used_then_the_other(db, fake, channel, reader):
    allow(fake, reader, openid="openid-old")
    allow(fake, reader, openid="openid-new")
    for _ in range(3):
        post(reader)
    deliver(channel)
    assert [one.openid for one in fake.sent] == ["openid-new", "openid-old"]
    assert Delivery.objects.filter(state=DeliveryState.DROPPED).count() == 1


def test_a_standing_grant_is_never_used_up(db, fake, channel, reader, settings):
    settings.WECHAT_STANDING_TEMPLATES = [TEMPLATE]
    allow(fake, reader)
    fake.allowed["openid-1", TEMPLATE] = 9
    for _ in range(3):
        post(reader)
    deliver(channel)
    assert len(fake.sent) == 3
    grant = Grant.objects.get()
    assert (grant.standing, grant.remaining, SpentGrant.objects.count()) == (True, 0, 0)


@pytest.mark.parametrize("standing", [False, True])
def test_who_has_refused_is_told_another_way_and_not_asked_again(
    db, fake, channel, reader, receiver, settings, standing
):
    settings.WECHAT_STANDING_TEMPLATES = [TEMPLATE] if standing else []
    allow(fake, reader, 3)
    fake.allowed.clear()
    following = {"channel": "sms", "content": {"title": "请您确认", "body": "…"}}
    delivery = post(reader, fallback=[following])
    deliver(channel)
    delivery.refresh_from_db()
    assert (delivery.state, "43101" in delivery.error) == (DeliveryState.DROPPED, True)
    assert (Grant.objects.get().standing, remaining()) == (False, 0)
    with closing(HttpClient()) as client:
        sms = Wire(receiver.url, name=ChannelName.SMS)
        sms.client = client
        assert deliver(sms) == 1
    (fallback,) = Delivery.objects.filter(message=delivery.message, channel=ChannelName.SMS)
    assert (fallback.state, receiver.keys) == (DeliveryState.SENT, [str(fallback.pk)])
    # The next one does not even ask.
    post(reader)
    deliver(channel)
    assert len(fake.asked) == 1


def test_without_a_fallback_what_is_not_wanted_ends(db, fake, channel, reader):
    delivery = post(reader)
    deliver(channel)
    delivery.refresh_from_db()
    assert (delivery.state, fake.asked) == (DeliveryState.DROPPED, [])
    assert Delivery.objects.filter(message=delivery.message).count() == 1


def test_where_one_account_has_none_left_the_other_is_used(db, fake, channel, reader):
    allow(fake, reader, openid="openid-old")
    allow(fake, reader, openid="openid-new")
    del fake.allowed["openid-new", TEMPLATE]
    delivery = post(reader)
    deliver(channel)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.failures) == (DeliveryState.SENT, 0)
    assert [(one.openid, one.errcode) for one in fake.asked] == [("openid-new", 43101), ("openid-old", 0)]
    assert (remaining("openid-new"), remaining("openid-old")) == (0, 0)


def test_what_was_allowed_while_wechat_refused_still_counts(db, fake, channel, reader):
    allow(fake, reader)
    envelope = claimed(post(reader), channel)
    taken = grants.take(envelope.key, envelope.attempt, reader.pk, TEMPLATE)
    allow(fake, reader)
    grants.end(taken)
    assert remaining() == 1


@pytest.mark.parametrize(
    ("content", "outcome", "words"),
    [
        ({"template": "unknown"}, Refused, "WECHAT_TEMPLATE names another app's.*40037"),
        ({"fields": {**FIELDS, "thing1": "电" * 21}}, Refused, "field thing1 .*47003"),
        ({"fields": {**FIELDS, "phrase4": "done"}}, Refused, "field phrase4 .*47003"),
        ({"fields": {"thing1": "电梯"}}, Refused, "field character_string2 .*47003"),
    ],
)
def test_what_wechat_will_never_take_is_refused_in_words_for_the_office(
    db, fake, channel, reader, content, outcome, words
):
    content = {**CONTENT, **content}
    allow(fake, reader, template=content["template"])
    with pytest.raises(outcome, match=words):
        channel.send(claimed(post(reader, content=content), channel))
    # Nothing went, so nothing is used up.
    assert Grant.objects.get().remaining == 1
    assert not SpentGrant.objects.exists()


def test_a_page_that_is_not_released_is_named(db, fake, channel, reader):
    allow(fake, reader)
    fake.pages = set()
    with pytest.raises(Refused, match=f"no page {PAGE}: see WECHAT_PAGE"):
        channel.send(claimed(post(reader), channel))
    assert remaining() == 1


def test_an_account_that_wechat_does_not_know_is_forgotten(db, fake, channel, reader):
    allow(fake, reader, openid="of-another-app")
    allow(fake, reader, openid="of-another-app", template="another")
    with pytest.raises(Unwanted, match="40003"):
        channel.send(claimed(post(reader), channel))
    assert not Grant.objects.exists()


@pytest.mark.parametrize(("fault", "words"), [("busy", "-1"), ("limited", "45009"), ("error", "HTTP 500")])
def test_what_wechat_takes_later_uses_nothing_up(db, fake, channel, reader, fault, words):
    allow(fake, reader)
    delivery = post(reader)
    fake.fault = lambda message: fault
    with pytest.raises(TryLater, match=words):
        channel.send(claimed(delivery, channel))
    assert (remaining(), SpentGrant.objects.count()) == (1, 0)
    queue(delivery)
    fake.fault = lambda message: ""
    deliver(channel)
    assert (len(fake.sent), remaining()) == (1, 0)


@pytest.mark.parametrize("fault", ["lost", "hang"])
def test_a_lost_answer_is_asked_for_again_and_takes_no_second_grant(db, fake, channel, reader, fault):
    allow(fake, reader, 2)
    delivery = post(reader)
    fake.fault = lambda message: fault
    deliver(channel)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.unsure, remaining()) == (DeliveryState.QUEUED, True, 1)
    fake.fault = lambda message: ""
    again(delivery)
    deliver(channel)
    delivery.refresh_from_db()
    assert (delivery.state, remaining()) == (DeliveryState.SENT, 1)
    assert {one.key for one in fake.asked} == {str(delivery.pk)}
    assert len(fake.sent) == (2 if fault == "lost" else 1)


def test_what_may_have_arrived_stays_used_up_when_the_repeat_certainly_does_not(db, fake, channel, reader):
    allow(fake, reader)
    delivery = post(reader)
    for fault in ("lost", "busy"):
        fake.fault = lambda message, fault=fault: fault
        deliver(channel)
        again(delivery)
    assert remaining() == 0
    # Its own message used up what there was: that is how WeChat says so.
    fake.fault = lambda message: ""
    deliver(channel)
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.DROPPED
    assert [one.errcode for one in fake.asked] == [0, -1, 43101]


def test_a_worker_that_died_with_a_grant_has_taken_one_for_all_attempts(db, fake, channel, reader):
    allow(fake, reader, 2)
    delivery = post(reader)
    dead = claimed(delivery, channel)
    assert grants.take(dead.key, dead.attempt, reader.pk, TEMPLATE)
    queue(delivery)
    deliver(channel)
    assert (len(fake.sent), remaining()) == (1, 1)


def test_a_zombie_takes_no_grant_and_gives_none_back(db, fake, channel, reader):
    allow(fake, reader, 2)
    delivery = post(reader)
    zombie = claimed(delivery, channel)
    taken = grants.take(zombie.key, zombie.attempt, reader.pk, TEMPLATE)
    queue(delivery)
    later = claimed(delivery, channel)
    assert grants.take(zombie.key, zombie.attempt, reader.pk, TEMPLATE) is None
    send(channel, later)
    grants.give_back(taken)
    assert (len(fake.sent), remaining()) == (1, 1)


def test_what_a_person_takes_back_meanwhile_is_not_given_back(db, fake, channel, reader):
    allow(fake, reader)
    envelope = claimed(post(reader), channel)
    taken = grants.take(envelope.key, envelope.attempt, reader.pk, TEMPLATE)
    grants.report(reader.pk, "openid-1", {TEMPLATE: "reject"})
    grants.give_back(taken)
    assert remaining() == 0


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b"{}", b'{"errcode": "0"}'])
def test_an_answer_that_is_none_leaves_it_open(db, fake, channel, reader, receiver, answer):
    allow(fake, reader)
    channel.config = WechatConfig(receiver.url, APP_ID, APP_SECRET)
    receiver.reply = lambda request: type(receiver.reply(request))(body=answer)
    envelope = claimed(post(reader), channel)
    with pytest.raises(Unsure):
        channel.send(envelope)
    assert remaining() == 0


def test_an_expired_token_is_replaced_and_the_message_goes(db, fake, channel, reader):
    allow(fake, reader)
    post(reader)
    channel._tokens.token()
    fake.tokens.change(before="")
    deliver(channel)
    assert ([one.errcode for one in fake.asked], fake.fetches, remaining()) == ([42001, 0], [False, False], 0)


def test_a_token_that_wechat_goes_on_refusing_uses_nothing_up(db, fake, channel, reader):
    allow(fake, reader)
    fake.tokens.good = lambda token: False
    with pytest.raises(TryLater, match="42001"):
        channel.send(claimed(post(reader), channel))
    assert (len(fake.asked), fake.fetches, remaining()) == (2, [False, False, True], 1)


def test_without_a_token_no_grant_is_taken(db, fake, channel, reader):
    allow(fake, reader)
    fake.token_fault = lambda: {"errcode": 40164, "errmsg": "invalid ip"}
    with pytest.raises(TryLater, match="whitelist"):
        channel.send(claimed(post(reader), channel))
    assert (fake.asked, remaining(), SpentGrant.objects.count()) == ([], 1, 0)


def test_twenty_messages_and_five_grants_are_five_messages(transactional_db, fake, channel):
    """By eight workers at once, and two of the answers are lost."""
    person = Person.objects.create(phone="13900008001", name="居民")
    numbers = count()
    fake.fault = lambda message: "lost" if next(numbers) < 2 else ""
    channel.slots = 20

    try:
        with committed():
            allow(fake, person, 5)
            letters = [post(person) for _ in range(20)]
            assert sum(together(8, lambda _: deliver(channel, seconds=10))) == 20
            assert (len(fake.asked), len(fake.sent), remaining()) == (5, 5, 0)
            states = Counter(
                Delivery.objects.filter(pk__in=[one.pk for one in letters]).values_list("state", flat=True)
            )
            assert states == {DeliveryState.SENT: 3, DeliveryState.QUEUED: 2, DeliveryState.DROPPED: 15}
            assert len({one.key for one in fake.sent}) == 5
    finally:
        AccessToken.objects.all().delete()
        person.delete()


# Its words


@pytest.mark.parametrize(
    ("due", "fields"),
    [
        (
            "2026-11-25T18:00:00+08:00",
            {"thing1": "电梯故障，三号楼二单元，物业已派人前往…", "time2": "2026年11月25日 18:00"},
        ),
        (
            datetime(2026, 12, 31, 16, tzinfo=UTC),
            {"thing1": "电梯故障，三号楼二单元，物业已派人前往…", "time2": "2026年12月31日 23:59"},
        ),
        (
            Phrase(bilingual("请于{}前", "by {}"), datetime(2027, 1, 1, 10, tzinfo=UTC)),
            {"thing1": "电梯故障，三号楼二单元，物业已派人前往…", "time2": "2027年1月1日 18:00"},
        ),
        ("", None),
    ],
)
def test_a_wording_is_made_to_fit_or_goes_another_way(db, street, settings, tmp_path, due, fields):
    settings.WECHAT_TEMPLATE = TEMPLATE
    (tmp_path / "messages.toml").write_text("")
    body = "thing1: ${matter}，${place}，物业已派人前往处理\ntime2: ${due}"
    draft = Wording(street_id=street.pk, kind="ticket.dispatch", channel="wechat", body=body)
    writer = Writer(Catalogue(tmp_path / "messages.toml"), {street.pk}, drafts=[draft])
    facts = {"matter": "电梯故障", "place": "三号楼二单元", "due": due}
    content = writer.content(street.pk, "ticket.dispatch", ChannelName.WECHAT, "zh-hans", facts)
    assert (content and content["fields"]) == fields
    assert content is None or content["template"] == TEMPLATE


# Its configuration


def test_it_is_there_where_both_halves_of_the_credentials_are(settings):
    settings.WECHAT_APP_ID, settings.WECHAT_APP_SECRET = "", ""
    assert from_settings() is None
    settings.WECHAT_APP_ID, settings.WECHAT_APP_SECRET = APP_ID, APP_SECRET
    made = from_settings()
    assert made.name == ChannelName.WECHAT
    assert APP_SECRET not in repr(made.config)


@pytest.mark.parametrize(
    ("name", "value"), [("WECHAT_APP_ID", ""), ("WECHAT_APP_SECRET", ""), ("WECHAT_STATE", "release")]
)
def test_a_bad_setting_is_named(settings, name, value):
    settings.WECHAT_APP_ID, settings.WECHAT_APP_SECRET = APP_ID, APP_SECRET
    setattr(settings, name, value)
    with pytest.raises(ImproperlyConfigured, match=name):
        from_settings()
