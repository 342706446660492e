"""The inbox, as its owner reads it over HTTP."""

import json
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from notifications import digests
from notifications.models import Message
from notifications.topics import OF_STAFF, Topic
from tests.notifications.letters import letter, told
from tests.statements import more_like, plan, statements

pytestmark = pytest.mark.django_db
AUTHENTICATION = 1


@pytest.fixture
def inbox(at_api):
    """`inbox("resident")` is the client of that person."""
    return at_api


@pytest.fixture
def resident(inbox):
    return inbox("resident")


def read(client, path="", status=200, **query):
    answer = client.get(f"/api/v1/notifications{path}", query)
    assert answer.status_code == status, answer.content
    return answer.json()


def mark(client, path, body=None, status=200):
    answer = client.post(f"/api/v1/notifications/{path}", body or {}, format="json")
    assert answer.status_code == status, answer.content
    return answer.json()


def one_by_one(*letters):
    """Post them as if there were an hour between them, so that none is held."""
    for hours, one in enumerate(letters):
        told(one, now=timezone.now() - timedelta(hours=len(letters) - hours))


def fill(person, count):
    """`count` messages in the person's inbox."""
    rows = told(letter(person, urgent=True)) and Message.objects.get(person=person)
    others = Message.objects.create(
        street_id=rows.street_id,
        key=uuid.uuid4(),
        recipient=person.pk,
        person=person,
        kind="story",
        topic=Topic.PROGRESS,
        title="工单",
        body="",
        at=rows.at,
        inbox=True,
    )
    more_like(others, [uuid.uuid4() for _ in range(count - 2)], key="other")


def test_a_row_tells_what_happened_in_the_language_of_its_reader(cast, inbox):
    cast["neighbour"].language = "en"
    news = letter(cast["resident"], cast["neighbour"], topic=Topic.ASKED, urgent=True)
    told(news)
    (row,) = read(inbox("resident"))["results"]
    assert row.pop("id")
    assert row == {
        "kind": "story",
        "topic": "asked",
        "topic_label": "需要我答复",
        "title": "工单 XY-1",
        "body": "XY-1 有新的进展。",
        "language": "zh-hans",
        "urgent": True,
        "at": "2026-03-02T04:00:00+00:00",
        "read_at": None,
        "subject_id": str(news.subject_id),
        "code": "XY-1",
        "about": "",
        "seq": 1,
        "parts_count": 0,
        "parts": [],
    }
    (theirs,) = read(inbox("neighbour"))["results"]
    assert (theirs["title"], theirs["language"]) == ("Ticket XY-1", "en")


def test_the_newest_stands_first_page_after_page(cast, resident):
    one_by_one(*(letter(cast["resident"], code=f"XY-{number}") for number in range(5)))
    titles, cursor = [], None
    while cursor != "":
        page = read(resident, limit=2, **({"cursor": cursor} if cursor else {}))
        titles += [one["title"] for one in page["results"]]
        cursor = page["next_cursor"] or ""
    assert titles == [f"工单 XY-{number}" for number in (4, 3, 2, 1, 0)]


def of_every_topic(person, street):
    one_by_one(*(replace(letter(person, topic=topic, code=topic), street_id=street.pk) for topic in Topic))


def test_unread_and_topic_narrow_the_list(cast, inbox, street):
    of_every_topic(cast["dispatcher"], street)
    dispatcher = inbox("dispatcher")
    newest = read(dispatcher)["results"][0]
    mark(dispatcher, f"{newest['id']}/read")
    assert newest["id"] not in {one["id"] for one in read(dispatcher, unread="true")["results"]}
    assert len(read(dispatcher, unread="true")["results"]) == len(Topic) - 1
    assert [one["topic"] for one in read(dispatcher, topic="reminder")["results"]] == ["reminder"]
    assert read(dispatcher, status=400, topic="gossip")["errors"][0]["field"] == "topic"
    assert read(dispatcher, status=400, unread="maybe")["errors"][0]["field"] == "unread"


def test_whoever_has_left_reads_no_more_what_they_were_told_at_work(cast, inbox, street):
    of_every_topic(cast["dispatcher"], street)
    dispatcher = inbox("dispatcher")
    everything = read(dispatcher)["results"]
    cast["dispatcher"].memberships.update(ends_on=timezone.localdate() - timedelta(days=1))
    assert {one["topic"] for one in read(dispatcher)["results"]} == {"asked", "progress"}
    assert read(dispatcher, "/unread")["count"] == 2
    for one in everything:
        if one["topic"] in OF_STAFF:
            read(dispatcher, f"/{one['id']}", 404)
            mark(dispatcher, f"{one['id']}/read", status=404)
    mark(dispatcher, "read-all")
    assert Message.objects.filter(person=cast["dispatcher"], read_at=None).count() == len(OF_STAFF)
    # Whoever comes back reads on.
    cast["dispatcher"].memberships.update(ends_on=None)
    assert len(read(dispatcher)["results"]) == len(Topic)


def test_what_was_told_at_work_in_another_street_is_not_read_either(cast, inbox):
    told(letter(cast["dispatcher"], topic=Topic.WORK))
    assert read(inbox("dispatcher"))["results"] == []


def test_reading_is_counted_once(cast, resident):
    one_by_one(letter(cast["resident"]), letter(cast["resident"], urgent=True))
    assert read(resident, "/unread") == {"count": 2, "urgent": 1}
    urgent, calm = read(resident)["results"]
    assert mark(resident, f"{urgent['id']}/read") == {"count": 1, "urgent": 0}
    first = read(resident, f"/{urgent['id']}")["read_at"]
    assert first
    assert mark(resident, f"{urgent['id']}/read") == {"count": 1, "urgent": 0}
    assert read(resident, f"/{urgent['id']}")["read_at"] == first
    assert read(resident, f"/{calm['id']}")["read_at"] is None


def test_a_strangers_message_and_none_are_the_same(cast, inbox):
    told(letter(cast["resident"]))
    theirs = Message.objects.get(person=cast["resident"])
    client = inbox("neighbour")
    for message in (theirs.pk, uuid.uuid4()):
        answers = [
            client.get(f"/api/v1/notifications/{message}"),
            client.post(f"/api/v1/notifications/{message}/read"),
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1
    theirs.refresh_from_db()
    assert theirs.read_at is None
    assert read(client)["results"] == []


def test_reading_all_leaves_what_came_meanwhile(cast, inbox, resident):
    one_by_one(*(letter(cast["resident"], cast["neighbour"]) for _ in range(3)))
    newest, seen, _ = read(resident)["results"]
    assert mark(resident, "read-all", {"up_to": seen["id"]}) == {"count": 1, "urgent": 0}
    assert [one["id"] for one in read(resident, unread="true")["results"]] == [newest["id"]]
    assert mark(resident, "read-all") == {"count": 0, "urgent": 0}
    assert read(inbox("neighbour"), "/unread")["count"] == 3


@pytest.mark.parametrize("asked", [{"up_to": "yesterday"}, {"upto": str(uuid.uuid4())}])
def test_reading_all_up_to_nonsense_reads_nothing(cast, resident, asked):
    told(letter(cast["resident"]))
    mark(resident, "read-all", asked, 400)
    assert read(resident, "/unread")["count"] == 1


def test_a_digest_shows_its_parts_and_reading_it_reads_them(cast, resident):
    now = timezone.now()
    told(*(letter(cast["resident"], at=now, code=f"XY-{number}") for number in range(40)), now=now)
    assert len(read(resident)["results"]) == 3
    digests.gather(now + timedelta(minutes=10))
    summary, *others = read(resident)["results"]
    assert (summary["kind"], summary["parts_count"], len(summary["parts"]), len(others)) == ("digest", 37, 20, 3)
    assert summary["parts"][0]["title"] == "工单 XY-39"
    whole = read(resident, f"/{summary['id']}")
    assert [part["title"] for part in whole["parts"]] == [f"工单 XY-{number}" for number in range(39, 2, -1)]
    assert mark(resident, f"{summary['id']}/read") == {"count": 3, "urgent": 0}
    part = read(resident, f"/{whole['parts'][5]['id']}")
    assert (part["body"], bool(part["read_at"])) == ("XY-34 有新的进展。", True)
    assert set(Message.objects.filter(gathered_into=summary["id"]).values_list("read_at", flat=True)) != {None}


def test_a_held_message_cannot_be_opened_yet(cast, resident):
    now = timezone.now()
    told(*(letter(cast["resident"], at=now) for _ in range(5)), now=now)
    held = Message.objects.held().filter(person=cast["resident"]).first()
    read(resident, f"/{held.pk}", 404)
    mark(resident, f"{held.pk}/read", status=404)
    held.refresh_from_db()
    assert held.read_at is None


@pytest.mark.parametrize("count", [10, 1000])
def test_the_inbox_costs_as_much_with_ten_messages_as_with_a_thousand(cast, resident, count):
    fill(cast["resident"], count)
    for path, most in (("", 4), ("/unread", 2), ("?unread=true", 4), ("?topic=progress&limit=100", 4)):
        with statements() as made:
            read(resident, path)
        assert len(made) - AUTHENTICATION <= most, made
    newest = read(resident)["results"][0]["id"]
    for path, most in ((f"{newest}/read", 3), ("read-all", 5)):
        with statements() as made:
            mark(resident, path)
        assert len(made) - AUTHENTICATION <= most, made


def test_list_and_count_are_read_by_their_indexes(cast, resident):
    for person in cast.values():
        fill(person, 100)
    unread = Message.objects.order_by("key").values("pk")[: 3 * len(cast)]
    Message.objects.exclude(pk__in=unread).update(read_at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notifications_message")
    for path, index in (
        ("", "message_inbox"),
        ("?topic=progress", "message_inbox"),
        ("?unread=true", "message_unread"),
        ("/unread", "message_unread"),
    ):
        with statements() as made:
            read(resident, path)
        sql = next(one for one in made if 'FROM "notifications_message"' in one)
        found = json.dumps(plan(sql))
        assert index in found, (path, found)
        assert "Seq Scan" not in found, (path, found)
        # A handful of unread ones may be sorted; a whole inbox is read in its index's order.
        assert "unread" in path or '"Sort"' not in found, (path, found)


def test_nobody_reads_an_inbox_without_signing_in():
    for path in ("", "/unread", "/settings", f"/{uuid.uuid4()}"):
        assert APIClient().get(f"/api/v1/notifications{path}").status_code == 401
    for path in ("read-all", f"{uuid.uuid4()}/read"):
        assert APIClient().post(f"/api/v1/notifications/{path}").status_code == 401


def test_what_was_told_to_somebody_goes_with_them(cast):
    told(*(letter(cast["outsider"]) for _ in range(6)))
    digests.gather(timezone.now())
    assert Message.objects.filter(person=cast["outsider"]).exists()
    cast["outsider"].delete()
    assert not Message.objects.filter(recipient=cast["outsider"].pk).exists()
