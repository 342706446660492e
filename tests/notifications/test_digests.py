"""Many messages for one person: a few by themselves, the rest as one summary."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils.text import format_lazy

from community.models import Person
from notifications import digests, tasks
from notifications.models import Delivery, Message, Preference, Profile, Wording
from notifications.topics import ChannelName, Digest, Topic
from tests.connections import together
from tests.notifications.letters import MORNING, NIGHT, NOON, STREET, letter, told
from tests.statements import statements
from web.words import bilingual

MINUTE = timedelta(minutes=1)
SOON = NOON + 10 * MINUTE


def shown(person):
    """The kinds in the person's inbox, the oldest first."""
    return list(Message.objects.filter(person=person, inbox=True).order_by("id").values_list("kind", flat=True))


def sent(person):
    """What is to go out to the person by e-mail: the titles, the oldest first."""
    mails = Delivery.objects.filter(recipient=person.pk, channel="email").order_by("id")
    return [one.content["title"] for one in mails]


@pytest.fixture
def dispatcher(cast):
    return cast["dispatcher"]


@pytest.mark.django_db
def test_of_fifty_messages_at_once_three_come_by_themselves_and_the_rest_as_one(cast, paper, dispatcher):
    told(*(letter(dispatcher, topic=Topic.WORK, code=f"XY-{number}") for number in range(50)))
    assert shown(dispatcher) == ["story"] * 3
    assert sent(dispatcher) == ["工单 XY-0", "工单 XY-1", "工单 XY-2"]
    assert digests.gather(SOON - MINUTE) == 0
    assert digests.gather(SOON) == 47
    assert shown(dispatcher) == ["story"] * 3 + ["digest"]
    assert sent(dispatcher)[3:] == ["47 条新消息"]
    summary = Message.objects.get(kind="digest")
    assert (summary.topic, summary.subject_id, summary.urgent) == ("work", None, False)
    assert summary.body.splitlines() == [f"工单 XY-{number}" for number in range(3, 50)]
    assert summary.gathered.count() == 47
    assert not Message.objects.exclude(ways__isnull=True).exists()


@pytest.mark.django_db
def test_what_comes_one_after_the_other_is_counted_too(paper, dispatcher):
    for minutes in range(12):
        told(letter(dispatcher), now=NOON + minutes * MINUTE)
    assert shown(dispatcher) == ["story"] * 3
    # All that is held comes together, ten minutes after the first of it.
    assert set(Message.objects.held().values_list("held_until", flat=True)) == {NOON + 13 * MINUTE}
    assert digests.gather(NOON + 13 * MINUTE) == 9
    # Still many; and then a while none.
    told(letter(dispatcher), now=NOON + 14 * MINUTE)
    assert Message.objects.held().count() == 1
    told(letter(dispatcher), now=NOON + 30 * MINUTE)
    assert Message.objects.held().count() == 1


@pytest.mark.django_db
def test_what_is_urgent_is_never_held(paper, dispatcher):
    Profile.objects.create(person=dispatcher, digest=Digest.DAILY)
    told(*(letter(dispatcher, urgent=True) for _ in range(20)), letter(dispatcher))
    assert shown(dispatcher) == ["story"] * 20
    assert Message.objects.held().count() == 1


@pytest.mark.django_db
def test_urgent_messages_make_no_others_wait(paper, dispatcher):
    told(*(letter(dispatcher, urgent=True) for _ in range(20)), letter(dispatcher))
    assert not Message.objects.held().exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("setting", "held", "until"),
    [
        (Digest.NEVER, 0, None),
        (Digest.AUTO, 2, NOON + 10 * MINUTE),
        (Digest.HOURLY, 5, NOON + 60 * MINUTE),
        (Digest.DAILY, 5, MORNING + 90 * MINUTE),
    ],
)
def test_how_often_is_each_persons_choice(paper, dispatcher, setting, held, until):
    Profile.objects.create(person=dispatcher, digest=setting)
    told(*(letter(dispatcher) for _ in range(5)))
    waiting = Message.objects.held().values_list("held_until", flat=True)
    assert (len(waiting), set(waiting)) == (held, {until} if until else set())


@pytest.mark.django_db
def test_one_that_was_held_alone_is_sent_as_itself(paper, dispatcher):
    Preference.objects.create(person=dispatcher, topic="progress", channel="sms", wanted=True)
    told(*(letter(dispatcher, code=f"XY-{number}") for number in range(4)))
    (before,) = Message.objects.held()
    told(letter(dispatcher, urgent=True, code="XY-9"))
    assert digests.gather(SOON) == 1
    after = Message.objects.get(key=before.key)
    assert (after.kind, after.inbox, after.held_until, after.ways) == ("story", True, None, None)
    # It stands in the inbox where it came, not where it would have stood.
    assert Message.objects.filter(person=dispatcher, inbox=True).order_by("-id").first() == after
    ways = {one.channel: one for one in after.deliveries.all()}
    assert set(ways) == {"email", "wechat"}
    assert ways["wechat"].content["template"] == "wx-1"
    assert [one["channel"] for one in ways["wechat"].fallback] == ["sms"]
    assert digests.gather(SOON) == 0


@pytest.mark.django_db
def test_a_choice_made_meanwhile_counts(paper, dispatcher):
    told(*(letter(dispatcher, code=f"XY-{number}") for number in range(4)))
    Preference.objects.create(person=dispatcher, topic="progress", channel="email", wanted=False)
    paper[ChannelName.WECHAT].unreachable.add(dispatcher.pk)
    before = Delivery.objects.count()
    digests.gather(SOON)
    assert Delivery.objects.count() == before
    assert shown(dispatcher) == ["story"] * 4


@pytest.fixture
def hourly(dispatcher):
    """`hourly(("progress", "email", False), …)`: the dispatcher has one summary an hour, and said this."""

    def choose(*said):
        Profile.objects.create(person=dispatcher, digest=Digest.HOURLY)
        for topic, channel, wanted in said:
            Preference.objects.create(person=dispatcher, topic=topic, channel=channel, wanted=wanted)

    return choose


def gathered(*letters):
    """The summary that these become, and its deliveries by channel."""
    told(*letters)
    assert digests.gather(NOON + 60 * MINUTE) == len(letters)
    summary = Message.objects.filter(kind="digest").order_by("-id").first()
    return summary, {one.channel: one for one in Delivery.objects.filter(message=summary)}


@pytest.mark.django_db
def test_a_summary_of_what_nobody_wants_goes_nowhere(paper, dispatcher, hourly):
    hourly(*(("progress", channel, False) for channel in ("email", "inbox", "wechat")))
    summary, ways = gathered(letter(dispatcher), letter(dispatcher))
    assert (summary.inbox, ways) == (False, {})


@pytest.mark.django_db
def test_by_each_channel_a_summary_tells_what_would_have_gone_that_way_and_in_the_inbox_all(
    paper, dispatcher, hourly, settings
):
    settings.WECHAT_TEMPLATE = "wx-news"
    hourly(("progress", "email", False), ("progress", "inbox", False), ("reminder", "wechat", False))
    summary, ways = gathered(
        letter(dispatcher, code="XY-1"),
        letter(dispatcher, code="XY-2", topic=Topic.REMINDER),
        letter(dispatcher, code="XY-3"),
        letter(dispatcher, code="XY-4"),
        letter(dispatcher, code="XY-5", topic=Topic.REMINDER),
    )
    assert summary.inbox
    assert summary.body.splitlines() == [f"工单 XY-{number}" for number in range(1, 6)]
    assert set(ways) == {"email", "wechat"}
    assert ways["email"].content["title"] == "2 条新消息"
    assert ways["email"].content["body"].splitlines() == ["工单 XY-2", "工单 XY-5"]
    assert ways["wechat"].content["fields"]["thing2"] == "3 条新消息"


@pytest.mark.django_db
def test_what_alone_would_have_gone_that_way_goes_as_itself(paper, dispatcher, hourly):
    hourly(("progress", "email", False))
    summary, ways = gathered(letter(dispatcher), letter(dispatcher, code="XY-2", topic=Topic.REMINDER))
    assert summary.title == "2 条新消息"
    assert (ways["email"].content["title"], ways["email"].content["body"]) == ("工单 XY-2", "XY-2 有新的进展。")


@pytest.mark.django_db
@pytest.mark.parametrize("declined", [True, False])
def test_a_text_message_with_more_to_tell_than_wechat_is_sent_beside_it(paper, dispatcher, hourly, settings, declined):
    settings.WECHAT_TEMPLATE, settings.SMS_TEMPLATE = "wx-news", "SMS_news"
    hourly(*([("asked", "wechat", False)] if declined else []))
    told_of = [letter(dispatcher, topic=topic) for topic in (Topic.PROGRESS, Topic.PROGRESS, Topic.ASKED, Topic.ASKED)]
    _, ways = gathered(*told_of)
    assert ways["wechat"].content["fields"]["thing2"] == ("2 条新消息" if declined else "4 条新消息")
    following = ways["wechat"].fallback
    sms = ways["sms"].content if declined else following[0]["content"]
    assert (len(following), "sms" in ways) == ((0, True) if declined else (1, False))
    assert sms["fields"]["news"] == "2 条新消息"


@pytest.mark.django_db
def test_a_summary_says_the_number_of_what_a_title_does_not_name(paper, dispatcher):
    Wording.objects.create(street_id=STREET, kind="story", title="新派单，请签收", body="请签收。")
    told(*(letter(dispatcher, code=f"XY-{number}") for number in range(5)))
    digests.gather(SOON)
    assert Message.objects.get(kind="digest").body.splitlines() == ["XY-3 新派单，请签收", "XY-4 新派单，请签收"]


@pytest.mark.django_db
def test_a_summary_says_where_and_what_each_is_in_its_readers_language(paper, dispatcher):
    dispatcher.language = "en"
    matter = bilingual("漏水", "A leak")
    told(*(replace(letter(dispatcher), about=format_lazy("{} · {}", "学院路14号院", matter)) for _ in range(5)))
    digests.gather(SOON)
    summary = Message.objects.get(kind="digest")
    assert (summary.about, summary.body.splitlines()) == ("", ["Ticket XY-1 · 学院路14号院 · A leak"] * 2)
    assert set(Message.objects.exclude(kind="digest").values_list("about", flat=True)) == {"学院路14号院 · A leak"}


@pytest.mark.django_db
def test_a_summary_about_one_ticket_leads_there_in_its_readers_language(paper, dispatcher):
    dispatcher.language = "en"
    news = replace(letter(dispatcher), about="学院路14号院")
    Profile.objects.create(person=dispatcher, digest=Digest.HOURLY)
    told(*(replace(news, key=uuid.uuid4(), seq=number) for number in range(22)))
    digests.gather(NOON + 60 * MINUTE)
    summary = Message.objects.get(kind="digest")
    about = (summary.subject_id, summary.code, summary.about, summary.title, summary.language)
    assert about == (news.subject_id, "XY-1", "学院路14号院", "22 new messages", "en")
    assert summary.body.splitlines() == ["Ticket XY-1 · 学院路14号院"] * 22


@pytest.mark.django_db
def test_a_street_words_its_summaries_itself(paper, dispatcher):
    Wording.objects.create(street_id=STREET, kind="digest", title="${count} 件事", body="请看：\n${lines}")
    told(*(letter(dispatcher) for _ in range(5)))
    digests.gather(SOON)
    assert (sent(dispatcher)[-1], Message.objects.get(kind="digest").body[:3]) == ("2 件事", "请看：")


@pytest.mark.django_db
def test_a_summary_goes_by_wechat_in_the_template_of_news_and_else_by_sms(paper, dispatcher, settings):
    settings.WECHAT_TEMPLATE, settings.SMS_TEMPLATE = "wx-news", "SMS_news"
    told(*(letter(dispatcher, topic=Topic.ASKED) for _ in range(50)))
    digests.gather(SOON)
    push = Delivery.objects.get(message__kind="digest", channel="wechat")
    assert (push.content["template"], push.content["fields"]) == (
        "wx-news",
        {
            "character_string1": "-",
            "thing2": "47 条新消息",
            "thing3": "-",
            "phrase4": "见详情",
            "thing5": "47 条新消息",
        },
    )
    (following,) = push.fallback
    assert (following["channel"], following["content"]["template"]) == ("sms", "SMS_news")
    assert following["content"]["fields"] == {"code": "多件", "news": "47 条新消息"}


@pytest.mark.django_db
def test_a_summary_made_at_night_is_shown_and_not_pushed(paper, dispatcher):
    told(*(letter(dispatcher) for _ in range(9)), now=NIGHT)
    digests.gather(NIGHT + 10 * MINUTE)
    assert shown(dispatcher)[-1] == "digest"
    assert {one.available_at for one in Delivery.objects.filter(message__kind="digest")} == {MORNING}


@pytest.mark.django_db
def test_very_many_become_several_summaries(paper, dispatcher):
    told(*(letter(dispatcher) for _ in range(digests.MOST + 5)))
    assert digests.gather(SOON) == digests.MOST
    assert digests.gather(SOON) == 2
    assert not Message.objects.held().exists()
    assert shown(dispatcher) == ["story"] * 3 + ["digest"] * 2


@pytest.mark.django_db
def test_what_is_held_after_somebody_else_has_gathered_waits_for_its_own_moment(paper, dispatcher):
    told(*(letter(dispatcher) for _ in range(6)))
    looks = iter(["first"])

    def overtaken(execute, sql, params, many, context):
        found = execute(sql, params, many, context)
        if next(looks, None):
            assert digests.gather(SOON) == 3
            told(*(letter(dispatcher) for _ in range(5)), now=SOON)
        return found

    with connection.execute_wrapper(overtaken):
        assert digests.gather(SOON) == 0
    assert set(Message.objects.held().values_list("held_until", flat=True)) == {SOON + 10 * MINUTE}


@pytest.fixture
def spoiled(paper, cast):
    """What is held for the dispatcher cannot be gathered; the worker has something held, too."""
    told(*(letter(cast["dispatcher"], cast["worker"]) for _ in range(6)))
    broken, *others = Message.objects.held().filter(person=cast["dispatcher"])
    Message.objects.filter(pk__in=[one.pk for one in others]).delete()
    Message.objects.filter(pk=broken.pk).update(ways=["no", "ways"])
    return Message.objects.held().filter(pk=broken.pk)


@pytest.mark.django_db
def test_one_persons_fault_keeps_nobody_else_waiting(spoiled, cast, caplog):
    assert digests.gather(SOON) == 3
    assert shown(cast["worker"])[-1] == "digest"
    assert Message.objects.held().get() == spoiled.get()
    assert "a digest could not be made" in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize("sooner", [True, False], ids=["before the other", "after the other"])
def test_whoever_has_waited_longest_is_first_and_a_fault_waits_a_minute(spoiled, cast, monkeypatch, sooner):
    monkeypatch.setattr(digests, "BATCH", 1)
    spoiled.update(held_until=SOON - MINUTE if sooner else SOON + MINUTE)
    late = SOON + MINUTE
    assert [digests.gather(late), digests.gather(late)] == ([0, 3] if sooner else [3, 0])
    assert shown(cast["worker"])[-1] == "digest"
    put_off = spoiled.get().held_until - late
    assert MINUTE * 0.8 <= put_off <= MINUTE * 1.2
    spoiled.update(ways=[])
    assert digests.gather(late + 2 * MINUTE) == 1


@pytest.mark.django_db
def test_the_sweep_gathers_and_costs_one_statement_while_nothing_is_held(paper, dispatcher):
    told(*(letter(dispatcher) for _ in range(5)))
    with statements() as made:
        assert digests.gather(SOON - MINUTE) == 0
    assert len(made) == 1
    Message.objects.held().update(held_until=datetime.now(UTC))
    tasks.sweep()
    assert shown(dispatcher)[-1] == "digest"


@pytest.mark.django_db
def test_what_is_due_is_found_by_its_index(paper, cast):
    told(*(letter(*cast.values()) for _ in range(40)))
    with statements() as made:
        digests.gather(NOON)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notifications_message")
        cursor.execute(f"EXPLAIN {made[0]}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "message_held" in plan
    assert "Seq Scan" not in plan


def test_many_who_gather_at_once_make_one_summary_each(transactional_db, django_db_blocker, paper):
    """While one holds a person's turn, the others gather for those who are left."""
    with django_db_blocker.unblock():
        people = Person.objects.bulk_create(
            Person(phone=f"1380001{number:04}", name="居民", password="!") for number in range(8)
        )
        try:
            told(*(letter(*people) for _ in range(9)))
            with transaction.atomic():
                Person.objects.select_for_update().get(pk=people[0].pk)
                assert sum(together(4, lambda _: digests.gather(SOON))) == 6 * 7
            assert digests.gather(SOON) == 6
            assert [shown(person) for person in people] == [["story"] * 3 + ["digest"]] * 8
            assert digests.gather(SOON) == 0
        finally:
            for person in people:
                person.delete()
