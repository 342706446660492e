"""What posting writes: for whom, by which channels, when, and with how many statements."""

import threading
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction

from community.models import Person
from notifications.models import Delivery, Endpoint, Message, Preference, Profile, Robot
from notifications.post import FEW, Posted, Signal, post
from notifications.timing import OLD
from notifications.topics import ChannelName, Digest, Topic
from tests.notifications.letters import CATALOGUE, MORNING, NIGHT, NOON, STREET, letter, told
from tests.statements import statements

DESK = uuid.UUID("0192f0c0-0000-7000-8000-00000000b001")
ANOTHER = uuid.UUID("0192f0c0-0000-7000-8000-00000000b002")


def ways(person):
    """The channels that something is to go out by for the person, and what follows each."""
    return {
        one.channel: [following["channel"] for following in one.fallback]
        for one in Delivery.objects.filter(recipient=person.pk)
    }


@pytest.fixture
def crowd(db):
    """A thousand people."""
    return Person.objects.bulk_create(
        Person(phone=f"1380000{number:04}", name="居民", password="!") for number in range(1000)
    )


@pytest.fixture
def robots(db):
    """Two robots of one organisation, of which the second hears of new work alone, and one of another organisation."""
    return Robot.objects.bulk_create(
        Robot(street_id=STREET, organisation_id=organisation, name=name, vendor=vendor, token="t", topics=topics)
        for organisation, name, vendor, topics in (
            (DESK, "一群", "wecom", []),
            (DESK, "二群", "feishu", ["work"]),
            (ANOTHER, "三群", "dingtalk", []),
        )
    )


@pytest.fixture
def endpoint(db):
    """A system of the first organisation, which hears everything."""
    return Endpoint.objects.create(
        street_id=STREET, organisation_id=DESK, name="系统", url="https://example.com", secrets=""
    )


@pytest.mark.django_db
def test_a_message_and_its_deliveries_are_written_together(cast, paper):
    news = letter(cast["resident"])
    posted = told(news)
    message = Message.objects.get(person=cast["resident"])
    assert (message.key, message.recipient, message.inbox, message.held_until) == (
        news.key, cast["resident"].pk, True, None,
    )  # fmt: skip
    assert posted == Posted(1, {ChannelName.EMAIL, ChannelName.WECHAT})
    assert {(one.message_id, one.content["title"]) for one in Delivery.objects.all()} == {(message.pk, "工单 XY-1")}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("topic", "urgent", "expected"),
    [
        (Topic.ASKED, False, {"email": [], "wechat": ["sms"]}),
        (Topic.WORK, False, {"email": [], "wechat": []}),
        (Topic.WORK, True, {"email": [], "wechat": ["sms"]}),
        (Topic.PROGRESS, True, {"email": [], "wechat": []}),
        (Topic.REMINDER, True, {"email": [], "wechat": []}),
        (Topic.OVERSIGHT, False, {"email": [], "wechat": []}),
    ],
)
def test_by_default_a_text_message_goes_only_where_it_is_worth_its_money(cast, paper, topic, urgent, expected):
    told(letter(cast["resident"], topic=topic, urgent=urgent))
    assert ways(cast["resident"]) == expected


@pytest.mark.django_db
def test_one_push_goes_out_by_the_first_channel_that_reaches_its_person(cast, paper):
    paper[ChannelName.WECHAT].unreachable.add(cast["neighbour"].pk)
    for name in (ChannelName.WECHAT, ChannelName.SMS, ChannelName.EMAIL):
        paper[name].unreachable.add(cast["chair"].pk)
    told(letter(cast["resident"], cast["neighbour"], cast["chair"], topic=Topic.ASKED))
    assert ways(cast["resident"]) == {"email": [], "wechat": ["sms"]}
    assert ways(cast["neighbour"]) == {"email": [], "sms": []}
    assert ways(cast["chair"]) == {}
    assert Message.objects.filter(inbox=True).count() == 3
    push = Delivery.objects.get(recipient=cast["resident"].pk, channel="wechat")
    assert push.fallback[0]["content"]["template"] == "SMS_1"


@pytest.mark.django_db
def test_each_reads_their_own_language_once(cast, paper):
    cast["neighbour"].language = "en"
    told(letter(cast["resident"], cast["neighbour"], cast["resident"]))
    titles = dict(Message.objects.values_list("person", "title"))
    assert titles == {cast["resident"].pk: "工单 XY-1", cast["neighbour"].pk: "Ticket XY-1"}
    templates = Delivery.objects.filter(channel="wechat").values_list("recipient", "content__template")
    assert dict(templates) == {cast["resident"].pk: "wx-1", cast["neighbour"].pk: "wx-2"}


@pytest.mark.django_db
def test_whoever_is_gone_or_disabled_is_told_nothing_and_stops_nobody(cast, paper):
    Person.objects.filter(pk=cast["neighbour"].pk).update(is_active=False)
    nobody = get_user_model()(pk=uuid.uuid4(), language="zh-hans")
    told(letter(nobody, cast["neighbour"], cast["resident"]))
    assert list(Message.objects.values_list("recipient", flat=True)) == [cast["resident"].pk]
    assert set(Delivery.objects.values_list("recipient", flat=True)) == {cast["resident"].pk}


def signal(at=NOON):
    """That something happened then, for the desk's systems."""
    return Signal(uuid.uuid4(), STREET, "story", at, [DESK], {}, "story", uuid.uuid4(), 1)


@pytest.mark.django_db
def test_an_event_that_was_posted_is_not_posted_again(cast, paper, robots, endpoint):
    news = letter(cast["resident"], organisations=[DESK])
    happened = replace(signal(), key=news.key)
    assert post([news, news], [happened, happened], CATALOGUE, now=NOON).messages == 3
    before = set(Message.objects.values_list("pk")), set(Delivery.objects.values_list("pk"))
    assert post([news], [happened], CATALOGUE, now=NOON) == Posted(0, set())
    assert (set(Message.objects.values_list("pk")), set(Delivery.objects.values_list("pk"))) == before


# Quiet hours.


@pytest.mark.django_db
def test_at_night_only_what_is_urgent_leaves_the_house(cast, paper, robots):
    told(letter(cast["resident"], organisations=[ANOTHER]), now=NIGHT)
    told(letter(cast["neighbour"], organisations=[ANOTHER], urgent=True), now=NIGHT)
    assert Message.objects.filter(inbox=True).count() == 2
    due = {one.recipient: one.available_at for one in Delivery.objects.filter(channel__in=["email", "wechat"])}
    assert due == {cast["resident"].pk: MORNING, cast["neighbour"].pk: NIGHT}
    chats = Delivery.objects.filter(channel="dingtalk").order_by("available_at").values_list("available_at", flat=True)
    assert list(chats) == [NIGHT, MORNING]


@pytest.mark.django_db
def test_quiet_hours_are_each_persons_own(cast, paper):
    Profile.objects.create(person=cast["resident"], quiet_from="11:30", quiet_until="13:00")
    Profile.objects.create(person=cast["neighbour"], quiet_from="00:00", quiet_until="00:00")
    people = cast["resident"], cast["neighbour"], cast["chair"]
    for moment in (NOON, NIGHT):
        told(letter(*people), now=moment)
    due = {person.pk: [] for person in people}
    for one in Delivery.objects.filter(channel="email").order_by("available_at"):
        due[one.recipient].append(one.available_at)
    assert due == {
        cast["resident"].pk: [NOON + timedelta(hours=1), NIGHT],
        cast["neighbour"].pk: [NOON, NIGHT],
        cast["chair"].pk: [NOON, MORNING],
    }


@pytest.mark.django_db
def test_what_waits_for_the_morning_needs_no_nudge(cast, paper):
    assert told(letter(cast["resident"]), now=NIGHT).channels == set()


# What is long past.

LONG_AGO = NOON - OLD - timedelta(seconds=1)


@pytest.mark.django_db
@pytest.mark.parametrize("digest", Digest)
@pytest.mark.parametrize("urgent", [False, True])
def test_what_is_long_past_goes_to_inboxes_alone(cast, paper, robots, digest, urgent):
    Profile.objects.create(person=cast["resident"], digest=digest)
    long_past = [
        letter(cast["resident"], topic=topic, urgent=urgent, at=LONG_AGO, organisations=[DESK]) for topic in Topic
    ]
    assert told(*long_past) == Posted(len(Topic), set())
    assert not Delivery.objects.exists()
    written = set(Message.objects.values_list("recipient", "inbox", "held_until", "ways"))
    assert written == {(cast["resident"].pk, True, None, None)}


@pytest.mark.django_db
def test_what_is_as_old_as_it_may_be_goes_out_like_anything_else(cast, paper, robots):
    told(letter(cast["resident"], at=NOON - OLD, organisations=[ANOTHER]))
    assert set(Delivery.objects.values_list("channel", flat=True)) == {"email", "wechat", "dingtalk"}


@pytest.mark.django_db
def test_who_has_declined_the_inbox_is_not_shown_what_is_long_past(cast, paper):
    Preference.objects.create(person=cast["resident"], topic="progress", channel="inbox", wanted=False)
    told(letter(cast["resident"], at=LONG_AGO))
    assert not Message.objects.get().inbox


@pytest.mark.django_db
def test_systems_hear_of_what_is_long_past_and_when_it_was(paper, endpoint):
    assert post([], [signal(LONG_AGO)], CATALOGUE, now=NOON) == Posted(1, {ChannelName.WEBHOOK})
    content = Delivery.objects.get(recipient=endpoint.pk).content
    assert content["timestamp"] == LONG_AGO.isoformat()


@pytest.mark.django_db
@pytest.mark.parametrize("together", [True, False])
def test_what_is_long_past_holds_up_no_news(cast, paper, together):
    old, new = [letter(cast["resident"], at=LONG_AGO) for _ in range(FEW + 1)], [letter(cast["resident"])]
    for batch in [[*old, *new]] if together else [old, new]:
        told(*batch)
    assert not Message.objects.held().exists()
    assert ways(cast["resident"]) == {"email": [], "wechat": []}


# What was chosen.


@pytest.mark.django_db
def test_a_choice_counts_more_than_the_default(cast, paper):
    for topic, channel, wanted in (
        ("progress", "email", False),
        ("progress", "sms", True),
        ("work", "sms", False),
        ("progress", "inbox", False),
    ):
        Preference.objects.create(person=cast["resident"], topic=topic, channel=channel, wanted=wanted)
    told(letter(cast["resident"], cast["neighbour"]))
    assert ways(cast["resident"]) == {"wechat": ["sms"]}
    assert ways(cast["neighbour"]) == {"email": [], "wechat": []}
    assert dict(Message.objects.values_list("person", "inbox")) == {
        cast["resident"].pk: False,
        cast["neighbour"].pk: True,
    }
    Delivery.objects.all().delete()
    told(letter(cast["resident"], topic=Topic.WORK, urgent=True))
    assert ways(cast["resident"]) == {"email": [], "wechat": []}


@pytest.mark.django_db
@pytest.mark.parametrize("topic", [Topic.ASKED, Topic.WORK])
def test_whoever_must_act_is_told_in_the_inbox_whatever_was_stored(cast, paper, topic):
    Preference.objects.create(person=cast["resident"], topic=topic, channel="inbox", wanted=False)
    told(letter(cast["resident"], topic=topic))
    assert Message.objects.get(person=cast["resident"]).inbox


@pytest.mark.django_db
def test_a_robot_hears_its_own_organisations_topics(paper, robots):
    told(letter(organisations=[DESK]), letter(organisations=[DESK], topic=Topic.WORK))
    names = {robot.pk: robot.name for robot in robots}
    heard = [(names[one.recipient], one.topic) for one in Message.objects.order_by("id")]
    assert heard == [("一群", "progress"), ("一群", "work"), ("二群", "work")]
    assert set(Message.objects.values_list("inbox", "person")) == {(False, None)}
    Robot.objects.update(active=False)
    told(letter(organisations=[DESK]))
    assert Message.objects.count() == 3


# How much it costs.


def cost(*letters):
    with statements() as made:
        told(*letters)
    return len(made)


@pytest.mark.django_db
def test_two_hundred_letters_cost_as_many_statements_as_one(cast, paper, robots):
    people = cast["resident"], cast["neighbour"], cast["chair"]
    news = [letter(*people, organisations=[DESK, ANOTHER], topic=Topic.ASKED) for _ in range(201)]
    one = cost(news[0])
    assert cost(*news[1:]) == one <= 20
    assert Message.objects.filter(person__isnull=False).count() == 3 * 201
    assert cost(*(replace(one, key=uuid.uuid4(), at=LONG_AGO) for one in news)) <= one
    assert cost(*(replace(one, key=uuid.uuid4(), at=at) for one in news for at in (NOON, LONG_AGO))) == one


@pytest.mark.django_db
def test_a_thousand_people_cost_as_many_statements_as_one(paper, crowd):
    one = cost(letter(crowd[0], topic=Topic.ASKED))
    assert cost(letter(*crowd, topic=Topic.ASKED)) == one
    assert Message.objects.count() == 1001
    assert Delivery.objects.count() == 2002


@pytest.mark.django_db
def test_choices_of_a_thousand_people_cost_nothing_more(paper, crowd):
    one = cost(letter(crowd[0]))
    Profile.objects.bulk_create(Profile(person=person, digest=Digest.DAILY) for person in crowd[:500])
    Preference.objects.bulk_create(
        Preference(person=person, topic="progress", channel="email", wanted=False) for person in crowd[:500]
    )
    assert cost(letter(*crowd)) == one
    assert Message.objects.held().count() == 500


# Together.


def test_of_two_that_post_one_event_at_once_the_second_fails_and_says_nothing(transactional_db, django_db_blocker):
    with django_db_blocker.unblock():
        person = Person.objects.create(phone="13800009999", name="居民", password="!")
        news, outcomes = letter(person), []
        written, may_commit = threading.Event(), threading.Event()

        def first():
            with transaction.atomic():
                told(news)
                written.set()
                may_commit.wait(10)
            connection.close()

        def second():
            try:
                with transaction.atomic():
                    told(news)
            except IntegrityError as error:
                outcomes.append(error)
            connection.close()

        threads = [threading.Thread(target=first), threading.Thread(target=second)]
        try:
            threads[0].start()
            assert written.wait(10)
            threads[1].start()
            # The second waits for the first at the unique key.
            threads[1].join(0.3)
            assert threads[1].is_alive()
            may_commit.set()
            for thread in threads:
                thread.join(10)
            assert len(outcomes) == 1
            assert Message.objects.filter(key=news.key).count() == 1
            assert told(news) == Posted(0, set())
        finally:
            may_commit.set()
            person.delete()
