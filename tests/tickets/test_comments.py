"""Words and photos that residents add to an open ticket: limited, told to whoever works on it, and read as other words of theirs are."""

from datetime import timedelta

import pytest

from notifications.models import Message
from tests.tickets.paths import rows
from tests.tickets.story import assert_clocks_are_as_the_events_say, assert_whole, seen, shown, timeline
from tickets import announce
from tickets.models import Photo, Ticket, TicketClock
from tickets.redaction import redacted
from tickets.states import OPEN

pytestmark = pytest.mark.django_db
PHONE = "13811112222"


def entry(reader, ticket, verb="comment"):
    """The latest event of the ticket with this verb, as the reader is shown it."""
    return [one for one in reader.get(f"tickets/{ticket['id']}/events", limit=100)["results"] if one["verb"] == verb][
        -1
    ]


@pytest.mark.parametrize("state", OPEN)
def test_reporter_and_cosigner_may_comment_wherever_the_ticket_is_open_and_no_clock_moves(scene, state):
    ticket = scene.reach(state)
    before = list(TicketClock.objects.filter(subject=ticket).order_by("pk").values())
    version = Ticket.objects.get(pk=ticket).version
    for who in ("resident", "tenant"):
        if state == "submitted" or who == "resident" or "comment" in scene.offered(who, ticket):
            scene.do(who, ticket, "comment", text="又漏水了")
    assert list(TicketClock.objects.filter(subject=ticket).order_by("pk").values()) == before
    assert Ticket.objects.get(pk=ticket).version == version
    assert_clocks_are_as_the_events_say(ticket)


def test_each_comments_three_times_a_day_and_ten_times_in_all_and_takes_nothing_from_the_others(scene):
    ticket = scene.file()
    scene.do("tenant", ticket, "cosign")
    midnight = scene.now.replace(hour=0, minute=0)
    for day, times in enumerate((3, 3, 3, 1)):
        scene.now = midnight + timedelta(days=day)
        for _ in range(times):
            scene.do("tenant", ticket, "comment", text="还是这样")
        last = midnight + timedelta(days=day + 1, microseconds=-1)
        assert scene.refused("tenant", ticket, "comment", at=last, text="还是这样") == "commented_enough"
    scene.now = midnight + timedelta(days=9)
    assert scene.refused("tenant", ticket, "comment", text="还是这样") == "commented_enough"
    assert "comment" not in scene.offered("tenant", ticket)
    scene.do("resident", ticket, "comment", text="还是这样")


@pytest.mark.parametrize("who", ["neighbour", "outsider", "dispatcher", "chair", "desk_officer"])
def test_whoever_is_none_of_its_residents_does_not_comment(scene, who):
    ticket = scene.reach("in_progress")
    assert scene.refused(who, ticket, "comment", text="看看") == "not_permitted"
    assert "comment" not in (scene.offered(who, ticket) if who != "outsider" else [])


@pytest.mark.parametrize("state", ["closed", "rejected", "merged", "terminated"])
def test_what_has_ended_takes_no_comment(scene, state):
    assert scene.refused("resident", scene.reach(state), "comment", text="再说一句") == "illegal_move"


def test_whoever_was_asked_answers_and_the_others_may_comment_meanwhile(scene):
    ticket = scene.reach("in_progress")
    scene.do("dispatcher", ticket, "ask", question="是哪个单元？")
    assert scene.refused("resident", ticket, "comment", text="二单元") == "answer_instead"
    scene.do("tenant", ticket, "comment", text="二单元")
    assert Ticket.objects.get(pk=ticket).question_open
    scene.do("resident", ticket, "answer", answer="二单元")
    scene.do("resident", ticket, "comment", text="靠电梯一侧")


def test_a_comment_of_nothing_is_refused_and_photos_alone_are_enough(api, filed):
    resident, before = api("resident"), rows()
    for body in ({}, {"photos": []}, {"text": "\u200b\u2060"}, {"text": "x" * 2001}):
        problem = resident.move(filed, "comment", 400, **body)
        assert problem["errors"][0]["field"] == "text"
    assert resident.move(filed, "comment", 400, text="看", photos=["8f0e1c5e-0000-4000-8000-000000000000"])["code"]
    assert rows() == before
    photo = resident.photo()
    resident.move(filed, "comment", photos=[photo])
    assert Photo.objects.get(pk=photo).kind == "report"
    assert shown(api("dispatcher"), photo)
    assert not shown(api("neighbour"), photo)
    assert_whole(filed, "dispatched")


def test_a_repeated_comment_is_one_comment(api, filed):
    resident, path = api("resident"), f"tickets/{filed['id']}/moves/comment"
    first = resident.post(path, {"text": "又来了"}, **{"Idempotency-Key": "k-1"})
    again = resident.post(path, {"text": "又来了"}, **{"Idempotency-Key": "k-1"})
    assert again["seq"] == first["seq"]
    assert timeline(resident, filed).count("comment") == 1


def test_words_are_read_as_written_by_staff_and_without_what_identifies_people_by_followers(api, filed):
    tenant, resident = api("tenant"), api("resident")
    tenant.move(filed, "cosign")
    resident.move(filed, "comment", text=f"师傅请打{PHONE}")
    for reader in ("resident", "dispatcher", "desk_officer"):
        assert entry(api(reader), filed)["words"] == {"text": f"师傅请打{PHONE}"}
    assert entry(tenant, filed)["words"] == {"text": redacted(f"师傅请打{PHONE}")}
    assert PHONE not in str(entry(tenant, filed))
    assert "comment" not in timeline(api("neighbour"), filed)
    resident.move(filed, "hide_words", hidden=True)
    assert entry(tenant, filed)["words"] == {}


def test_the_street_redacts_a_comment_and_comments_for_a_reporter_who_calls(api, filed):
    api("tenant").move(filed, "cosign")
    api("desk_officer").move(filed, "comment", text="来电：晚上也漏", on_behalf_of="reporter")
    told = entry(api("tenant"), filed)
    assert told["words"] == {"text": "来电：晚上也漏"}
    api("desk_officer").move(filed, "redact", events=[told["seq"]], reason="涉及隐私")
    assert entry(api("tenant"), filed)["words"] == {}
    assert entry(api("dispatcher"), filed)["words"] == {"text": "来电：晚上也漏"}


def test_a_comment_on_a_secret_complaint_reaches_the_street_and_never_the_accused(api, accusing):
    announce.tell_outbox()
    known = set(Message.objects.values_list("pk", flat=True))
    api("resident").move(accusing, "comment", text="又推人了")
    announce.tell_outbox()
    told = Message.objects.exclude(pk__in=known)
    assert {one.kind for one in told} == {"commented.staff"}
    assert not told.filter(person=api("dispatcher").person).exists()
    assert seen(api("dispatcher"), accusing) is None


@pytest.mark.parametrize(
    ("report", "before", "who"),
    [
        ({"category": "CL03"}, [], "dispatcher"),
        ({"category": "CL03"}, [("dispatcher", "sign", {"worker": "worker"})], "worker"),
        ({"category": "PK01"}, [], "chair"),
        ({"category": "PK01"}, [("desk_officer", "take_over", {})], "property_officer"),
        ({"type": "consult"}, [], "desk_officer"),
        ({"type": "consult"}, [("desk_officer", "reply", {"result": "可以"})], "desk_officer"),
    ],
)
def test_a_comment_is_told_to_whoever_it_lies_with(today, report, before, who):
    ticket = today.follow(today.file(**report), before)
    announce.tell_outbox()
    known = set(Message.objects.values_list("pk", flat=True))
    today.do("resident", ticket, "comment", text="又来了")
    announce.tell_outbox()
    told = Message.objects.exclude(pk__in=known)
    assert told.filter(person=today.cast[who], kind="commented.staff").exists()
    assert not told.filter(person=today.cast["resident"]).exists()
    assert not any("又来了" in one.title + one.body for one in told)
