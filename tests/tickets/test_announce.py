"""What happens to tickets is told once, from the event, to those concerned, in words that hold nobody's own."""

import re
import tomllib
from collections import Counter, defaultdict
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from casework import duties, notifying
from casework.tasks import TASKS
from community.models import Membership, Organisation, Person
from config.celery import app
from notifications.channels.http import HttpClient
from notifications.channels.robots.wecom import Wecom
from notifications.delivery import claim as claim_module
from notifications.delivery.workers import deliver
from notifications.models import Delivery, Message, Robot
from notifications.wordings.wechat_fields import fit
from notifications.wordings.writer import fields_of, filled, placeholders
from tests.fakes.robots import Account, Robots, serving
from tickets import announce
from tickets.kind import TICKETS
from tickets.models import Follower, Photo, Ticket, TicketClock, TicketEvent, TicketFiring, TicketOutbox
from tickets.models.ticket import OTHERS
from tickets.news import RESIDENTS, Side
from tickets.notes import NEWS, message_kinds, notes
from tickets.sides import OutboxEvent
from tickets.states import State
from workflow.moment import at
from workflow.moves import Visibility, moves

MESSAGES = Path(announce.__file__).parent / "data" / "messages.toml"


@pytest.fixture
def told(scene):
    """`told()` tells what waits and answers who of the cast got which kinds, in their order."""
    people = {person.pk: key for key, person in scene.cast.items()}

    def tell() -> dict[str, list[str]]:
        known = set(Message.objects.values_list("pk", flat=True))
        announce.tell_outbox()
        found = defaultdict(list)
        for message in Message.objects.exclude(pk__in=known).filter(person__isnull=False).order_by("at", "id"):
            found[people.get(message.person_id, str(message.person_id))].append(message.kind)
        return dict(found)

    return tell


def test_every_move_says_to_whom_it_is_news():
    assert set(NEWS) == {*OTHERS, *moves(Ticket)}
    assert [name for name, move in moves(Ticket).items() if move.news is None] == []


def test_residents_hear_of_no_internal_event():
    internal = {name for name, move in moves(Ticket).items() if move.visibility == Visibility.INTERNAL}
    for name in internal - {"remind"}:
        assert not {note.side for note in NEWS[name]} & set(RESIDENTS), name


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_kind_is_worded_with_facts_that_there_are(language):
    document = tomllib.loads(MESSAGES.read_text())
    assert set(document) - {"*"} == message_kinds()
    for kind, languages in document.items():
        words = languages[language]
        for text in (words.get("title", ""), words.get("body", "")):
            assert set(placeholders(text)) <= set(announce.FACTS), kind
        if language == "zh-hans" and kind != "*":
            assert len(words["title"]) <= 20, kind
            assert not re.search(r"[,;!?]", words["body"]), f"{kind} has Western punctuation"
        if kind != "*":
            assert kind.endswith((".resident", ".reporter", ".follower")) or "${yours}" not in words["body"]


@pytest.mark.django_db
def test_a_report_is_received_and_whoever_holds_it_gets_work(scene, told):
    scene.file("CL03")
    heard = told()
    assert heard["resident"] == ["received.resident"]
    assert heard["dispatcher"] == ["work.handler"]
    assert "neighbour" not in heard
    assert "outsider" not in heard


@pytest.mark.django_db
def test_a_message_says_what_where_who_and_by_when(scene, told):
    ticket = Ticket.objects.get(pk=scene.file("CL03"))
    told()
    message = Message.objects.get(person=scene.cast["resident"])
    assert (message.subject_id, message.seq, message.at) == (ticket.pk, 1, ticket.submitted_at)
    assert ticket.code in message.body
    assert ticket.place in message.body
    assert Organisation.objects.get(pk=ticket.holder_id).name in message.body
    due = timezone.localtime(ticket.due_at)
    assert f"{due.month}月{due.day}日" in message.body
    assert "$" not in message.title + message.body
    assert message.about == f"{ticket.place} · 垃圾满溢/清运不及时"


@pytest.mark.django_db
def test_everybody_reads_in_their_own_language(scene, told):
    Person.objects.filter(pk=scene.cast["resident"].pk).update(language="en")
    scene.file("CL03")
    told()
    assert Message.objects.get(person=scene.cast["resident"]).title == "We have your report"
    assert Message.objects.get(person=scene.cast["dispatcher"]).title == "新派单，请签收"


@pytest.mark.django_db
def test_nobody_is_told_what_they_did_themselves(scene, told):
    ticket = scene.file("CL03")
    told()
    scene.do("dispatcher", ticket, "sign")
    heard = told()
    assert heard["resident"] == ["signed.resident"]
    assert "dispatcher" not in heard


@pytest.mark.django_db
def test_followers_hear_what_the_reporter_hears_in_words_of_their_own(scene, told):
    ticket = scene.file()
    scene.do("tenant", ticket, "cosign")
    told()
    scene.do("chair", ticket, "dispatch", holder="po-a01")
    heard = told()
    assert heard["resident"] == heard["tenant"] == ["dispatched.resident"]
    assert "您反映的" in Message.objects.filter(person=scene.cast["resident"]).latest("id").body
    assert "you cosigned" in Message.objects.filter(person=scene.cast["tenant"]).latest("id").body


@pytest.mark.django_db
def test_whoever_cosigns_after_an_event_does_not_hear_of_it(scene, told):
    ticket = scene.file()
    scene.do("chair", ticket, "dispatch", holder="po-a01")
    scene.do("tenant", ticket, "cosign")
    assert "tenant" not in told()


@pytest.mark.django_db
def test_those_whose_ticket_was_merged_hear_what_happens_to_the_master(scene, told):
    master = scene.file(who="neighbour")
    mine = scene.file()
    scene.do("chair", mine, "merge", into=str(master))
    heard = told()
    assert heard["resident"] == ["received.resident", "merged.resident"]
    code = Ticket.objects.get(pk=master).code
    assert code in Message.objects.get(person=scene.cast["resident"], kind="merged.resident").body
    scene.do("chair", master, "dispatch", holder="po-a01")
    assert told()["resident"] == ["dispatched.resident"]
    assert code in Message.objects.get(person=scene.cast["resident"], kind="dispatched.resident").body


@pytest.mark.django_db
def test_whoever_loses_a_ticket_hears_it(scene, told):
    ticket = scene.file()
    scene.do("chair", ticket, "dispatch", holder="po-a01")
    told()
    scene.do("desk_officer", ticket, "redispatch", holder="co-linjianli", reason="更合适")
    heard = told()
    assert heard["dispatcher"] == ["taken.former"]
    assert heard["resident"] == ["dispatched.resident"]


@pytest.mark.django_db
def test_two_changes_within_a_second_are_two_messages_each_about_its_own(scene, told):
    ticket = scene.file("CL03")
    told()
    scene.now += timedelta(minutes=1)
    at = scene.now
    scene.do("dispatcher", ticket, "sign", at=at)
    scene.do("dispatcher", ticket, "contact", at=at + timedelta(milliseconds=300), result="reached")
    scene.do("dispatcher", ticket, "progress", at=at + timedelta(milliseconds=600), text="已到货")
    assert told()["resident"] == ["signed.resident", "progress.resident"]
    first, second = Message.objects.filter(person=scene.cast["resident"]).order_by("-at")[:2][::-1]
    assert (first.seq, second.seq) == (2, 4)
    assert (second.at - first.at) < timedelta(seconds=1)
    assert "已接单" in first.body


@pytest.mark.django_db
def test_what_is_said_is_what_was_so_and_not_what_became_of_it(scene, told):
    ticket = scene.file()
    scene.do("chair", ticket, "dispatch", holder="po-a01")
    scene.do("desk_officer", ticket, "redispatch", holder="co-linjianli", reason="更合适")
    told()
    first, second = Message.objects.filter(person=scene.cast["resident"], kind="dispatched.resident").order_by("at")
    names = dict(Organisation.objects.values_list("code", "name"))
    assert names["po-a01"] in first.body
    assert names["co-linjianli"] not in first.body
    assert names["co-linjianli"] in second.body


@pytest.mark.django_db
def test_reminders_name_the_clock_and_go_to_whom_the_ladder_names(scene, told):
    ticket = Ticket.objects.get(pk=scene.file("CL03"))
    told()
    event = TicketEvent.objects.get(subject=ticket)
    event.verb = "remind"
    event.data = {
        "audience": ["handler", "supervisor", "street_lead"],
        "fired": {"clock": "sign", "holder": str(ticket.holder_id)},
    }
    letters = announce.rehearse(event)
    assert {one.kind for one in letters} == {"reminder.staff"}
    assert {str(one.topic) for one in letters} == {"reminder"}
    assert str(letters[0].facts["clock"]) == "签收"
    assert "到期" in str(letters[0].facts["remaining"])
    people = {one.person_id for letter in letters for one in letter.people}
    assert scene.cast["dispatcher"].pk in people
    assert scene.cast["street_lead"].pk in people
    assert scene.cast["resident"].pk not in people


@pytest.mark.django_db
def test_what_was_overtaken_while_nobody_swept_is_told_as_one_summary(scene, told):
    ticket = scene.at_work("CL03")
    told()
    with at(scene.now + timedelta(days=12)):
        duties.sweep(TICKETS)
    fired = TicketFiring.objects.filter(clock__subject=ticket)
    assert fired.count() > 8
    known = set(Message.objects.values_list("pk", flat=True))
    heard = told()
    assert heard["dispatcher"] == heard["street_lead"] == ["missed.staff"]
    assert all(len(kinds) == 1 for kinds in heard.values()), heard
    summary = Message.objects.exclude(pk__in=known).get(person=scene.cast["dispatcher"])
    assert "办结已于" in summary.body
    assert "先行联系已于" in summary.body
    assert "L3" in summary.body
    # Each rung has its event, as before.
    assert TicketEvent.objects.filter(subject=ticket, data__has_key="fired").count() == fired.count()


def robot_of(code: str) -> Robot:
    """The group robot of an organisation."""
    office = Organisation.objects.get(code=code)
    return Robot.objects.create(
        street_id=office.street_id, organisation_id=office.pk, name="群", vendor="wecom", token="token"
    )


@pytest.mark.django_db
@pytest.mark.parametrize("batch", [1, 2, 7, 13, 200])
def test_a_ticket_is_summed_up_once_whatever_the_batches_of_the_outbox(scene, told, monkeypatch, batch):
    monkeypatch.setattr(notifying, "BATCH", batch)
    monkeypatch.setattr(notifying, "MOST_BATCHES", 1000)
    scene.now = timezone.now() - timedelta(days=12, hours=1)
    tickets = [scene.at_work("CL03", who=who) for who in ("resident", "tenant")]
    told()
    robot = robot_of("po-a01")
    with at(timezone.now()):
        duties.sweep(TICKETS)
    fired = TicketFiring.objects.filter(clock__subject__in=tickets)
    assert fired.count() > 16
    known = set(Message.objects.values_list("pk", flat=True))
    heard = told()
    assert heard["dispatcher"] == heard["street_lead"] == ["missed.staff"] * 2
    assert not TicketOutbox.objects.exists()
    fresh = Message.objects.exclude(pk__in=known)
    # One for each of those concerned and each ticket, and of the robots' the same.
    assert max(Counter(fresh.filter(person__isnull=False).values_list("person", "subject_id")).values()) == 1
    assert sorted(fresh.filter(recipient=robot.pk).values_list("kind", "subject_id")) == sorted(
        ("missed.staff", one) for one in tickets
    )
    assert fresh.filter(recipient=robot.pk).count() == Delivery.objects.filter(recipient=robot.pk).count() == 2


@pytest.mark.django_db
def test_a_night_of_many_tickets_is_one_message_for_a_robot(scene, monkeypatch):
    monkeypatch.setattr("notifications.delivery.claim.QUIET_UNTIL", claim_module.QUIET_FROM)
    scene.now = timezone.now() - timedelta(days=12, hours=1)
    robot = robot_of("po-a01")
    tickets = [scene.at_work("CL03") for _ in range(25)]
    announce.tell_outbox()
    Delivery.objects.all().delete()
    with at(timezone.now()):
        duties.sweep(TICKETS)
    rungs = TicketEvent.objects.filter(subject__in=tickets, data__has_key="fired").count()
    assert rungs > 252
    announce.tell_outbox()
    waiting = Delivery.objects.filter(recipient=robot.pk)
    assert waiting.count() == len(tickets)
    # What waits until the night is over leaves as one, for it is more than the robot may be sent.
    waiting.update(available_at=timezone.now())
    with serving(Robots(accounts={"token": Account()})) as vendors, closing(HttpClient()) as client:
        deliver(Wecom(vendors.url, client))
        texts = vendors.texts("token")
    assert len(texts) == 1
    assert len(texts[0].split("\n")) == 1 + len(tickets)


@pytest.mark.django_db
def test_rungs_that_come_one_by_one_are_told_one_by_one(scene, told):
    ticket = scene.at_work("CL03")
    told()
    heard = []
    for _ in range(3):
        moment = TicketClock.objects.filter(subject=ticket, fire_at__isnull=False).order_by("fire_at")[0].fire_at
        with at(moment):
            duties.sweep(TICKETS)
        heard += told().get("dispatcher", [])
    assert len(heard) == 3
    assert "missed.staff" not in heard


@pytest.mark.django_db
def test_a_resident_who_was_asked_is_reminded_once_after_a_long_silence(scene, told):
    ticket = scene.follow(scene.file("SV04"), [("dispatcher", "sign", {}), ("dispatcher", "contact", {"result": "reached"}),
                                               ("dispatcher", "reply", {"result": "已整改"})])  # fmt: skip
    told()
    with at(scene.now + timedelta(days=6)):
        duties.sweep(TICKETS)
    assert TicketFiring.objects.filter(clock__subject=ticket, clock__name="confirm").count() == 1
    assert told()["resident"] == ["reminder.reporter"]


@pytest.mark.django_db
def test_what_is_too_much_for_the_database_at_once_is_told_event_by_event(scene, told):
    for _ in range(8):
        scene.file("CL03")
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.03); RETURN NEW; END';"
            "CREATE TRIGGER slowly BEFORE INSERT ON notifications_message FOR EACH ROW EXECUTE FUNCTION slowly();"
            "SET LOCAL statement_timeout = '250ms'"
        )
    assert len(told()["resident"]) == 8
    assert not TicketOutbox.objects.exists()


@pytest.mark.django_db
def test_a_rehearsal_writes_nothing(scene, told):
    scene.reach(State.IN_PROGRESS)
    told()
    before = Message.objects.count(), Delivery.objects.count(), TicketOutbox.objects.count()
    for event in TicketEvent.objects.all():
        announce.rehearse(event)
    assert before == (Message.objects.count(), Delivery.objects.count(), TicketOutbox.objects.count())


def test_wechat_s_fields_keep_their_limits():
    shapes = tomllib.loads(MESSAGES.read_text())["*"]["zh-hans"]
    facts = dict.fromkeys([*announce.FACTS, "title", "body"], "很长的字" * 20)
    for name, words in fields_of(shapes["wechat"]["body"]).items():
        kept = fit(name, filled(words, facts))
        assert len(kept) <= {"thing": 20, "character_string": 32, "phrase": 5}[name.rstrip("0123456789")]


@pytest.mark.django_db
def test_every_ladder_s_audience_is_a_side():
    for verb in ("remind", "raise_level", "supervise", "urge"):
        for side in (
            "handler",
            "supervisor",
            "coordinator",
            "residents_committee",
            "desk",
            "street_lead",
            "owner",
            "helper",
        ):
            assert notes(verb, (side,))[0].side == Side(side)


@pytest.mark.django_db
def test_the_tasks_are_known_and_on_the_schedule(scene):
    scene.file("CL03")
    app.loader.import_default_modules()
    for name in ("tickets.tell_outbox", "tickets.purge_photos"):
        entry = app.conf.beat_schedule[name]
        assert entry["task"] in app.tasks
        assert entry["options"]["expires"] <= entry["schedule"]
    TASKS["tickets.tell_outbox"]()
    assert not TicketOutbox.objects.exists()


def test_photos_that_nobody_attached_are_purged(api):
    photo = api("resident").photo("report")
    TASKS["tickets.purge_photos"]()
    assert Photo.objects.filter(pk=photo).exists()
    Photo.objects.filter(pk=photo).update(created_at=datetime.now(UTC) - timedelta(hours=25))
    TASKS["tickets.purge_photos"]()
    assert not Photo.objects.filter(pk=photo).exists()


def asked(audience: list[str], clock: str, event: TicketEvent) -> list:
    """The letters of a reminder about the event's ticket, to those whom a ladder names."""
    event.verb, event.data = "remind", {"audience": audience, "fired": {"clock": clock}}
    return announce.rehearse(event)


@pytest.mark.django_db
def test_the_street_s_section_is_reminded_where_the_street_coordinates(scene, told):
    street = Ticket.objects.get(pk=scene.file("PK01")).street_id
    ticket = Ticket.objects.get(pk=scene.file("TR01", compound_id=None, street_id=street))
    assert ticket.coordinator_id == ticket.desk_id
    (letter,) = asked(["coordinator"], "coordinate", TicketEvent.objects.get(subject=ticket))
    assert letter.organisations == [ticket.desk_id]
    assert scene.cast["desk_officer"].pk in {one.person_id for one in letter.people}


@pytest.mark.django_db
def test_what_a_committee_coordinates_is_no_work_of_the_street_s(scene, told):
    scene.file("PK01")
    heard = told()
    assert heard["chair"] == ["work.coordinator"]
    assert not {"work.desk"} & {kind for kinds_of_one in heard.values() for kind in kinds_of_one}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("report", "before", "urged"),
    [
        ({"category": "CL03"}, [], "dispatcher"),
        ({"category": "PK01"}, [], "chair"),
        ({"category": "PK01"}, [("desk_officer", "take_over", {})], "property_officer"),
        ({"type": "consult"}, [], "desk_officer"),
    ],
)
def test_an_urge_is_heard_by_whoever_it_lies_with(scene, told, report, before, urged):
    ticket = scene.follow(scene.file(**report), before)
    told()
    scene.do("resident", ticket, "urge")
    heard = told()
    assert heard[urged] == ["urged.staff"]
    assert {"dispatcher", "chair", "property_officer", "desk_officer", "resident"} & set(heard) == {urged}


@pytest.mark.django_db
def test_a_bounce_is_heard_by_the_street_by_whoever_lost_it_and_by_their_head_office(scene, told):
    ticket = Ticket.objects.get(pk=scene.file("CL03"))
    told()
    head = Organisation.objects.get(pk=ticket.holder_id).parent_id
    scene.do("clock", ticket.pk, "bounce")
    heard = told()
    assert heard["resident"] == ["rearranging.resident"]
    assert heard["dispatcher"] == ["taken.former"]
    assert heard["property_officer"] == ["bounced.desk"]
    told_head = Message.objects.filter(kind="bounced.supervisor").values("person")
    assert set(Membership.objects.filter(person__in=told_head).values_list("organisation", flat=True)) == {head}
    body = Message.objects.get(person=scene.cast["resident"], kind="rearranging.resident").body
    assert "正在为您重新安排承办单位" in body


@pytest.mark.django_db
def test_a_worker_hears_of_a_ticket_for_as_long_as_they_are_with_its_lead(scene, told):
    ticket, worker = scene.file("CL03"), scene.cast["worker"]
    scene.do("dispatcher", ticket, "sign", worker=str(worker.pk))
    assert told()["worker"] == ["signed.worker"]
    scene.do("resident", ticket, "urge")
    Membership.objects.filter(person=worker).delete()
    heard = told()
    assert heard["dispatcher"] == ["urged.staff"]
    assert "worker" not in heard


@pytest.mark.django_db
def test_the_officer_who_answers_for_a_ticket_hears_of_it_and_so_does_the_one_before(scene, told):
    ticket, officer, lead = scene.file("CL03"), scene.cast["property_officer"], scene.cast["street_lead"]
    told()
    scene.do("desk_officer", ticket, "appoint", officer=str(officer.pk))
    assert told() == {"property_officer": ["appointed.officer"]}
    message = Message.objects.get(kind="appointed.officer")
    assert (message.topic, message.inbox) == ("work", True)
    scene.do("desk_officer", ticket, "appoint", officer=str(lead.pk))
    assert told() == {"street_lead": ["appointed.officer"], "property_officer": ["appointed.former"]}
    scene.do("desk_officer", ticket, "appoint", officer=None, reason="轮岗")
    assert told() == {"street_lead": ["appointed.former"]}
    # Of what they did themselves nobody hears, nor does whoever has left the office since.
    scene.do("property_officer", ticket, "appoint", officer=str(officer.pk))
    assert told() == {}
    scene.do("desk_officer", ticket, "appoint", officer=str(lead.pk))
    Membership.objects.filter(person__in=[officer, lead]).delete()
    assert told() == {}


@pytest.mark.django_db
def test_whoever_is_given_a_ticket_hears_of_it_and_so_does_the_colleague_who_had_it(scene, told):
    ticket, worker, manager = scene.file("CL03"), scene.cast["worker"], scene.cast["manager"]
    scene.do("dispatcher", ticket, "sign", worker=str(worker.pk))
    told()
    scene.do("dispatcher", ticket, "assign", worker=str(manager.pk), note="换个人")
    assert told() == {"manager": ["signed.worker"], "worker": ["assigned.former"]}


@pytest.mark.django_db
def test_where_neither_the_committee_nor_the_section_has_anybody_the_street_office_hears(scene, told):
    ticket = Ticket.objects.get(pk=scene.file("PK01"))
    Membership.objects.filter(organisation__in=[ticket.coordinator_id, ticket.desk_id]).delete()
    told()
    heard = Message.objects.filter(kind="work.coordinator").values("person")
    kinds_of_theirs = Membership.objects.filter(person__in=heard).values_list("organisation__kind", flat=True)
    assert set(kinds_of_theirs) == {"street_office"}


@pytest.mark.django_db
def test_an_upheld_return_is_no_news_to_residents(scene, told):
    ticket = scene.file("CL03")
    scene.do("dispatcher", ticket, "return", reason="不归我们管")
    told()
    scene.do("property_officer", ticket, "uphold", reason="同意")
    heard = told()
    assert "resident" not in heard
    assert heard["dispatcher"] == ["taken.former"]


@pytest.mark.django_db
def test_an_old_event_is_rehearsed_as_it_was_when_the_ticket_has_long_ended(scene, told):
    ticket = scene.reach(State.TERMINATED)
    told()
    kinds_by_verb = {
        event.verb: {letter.kind for letter in announce.rehearse(event)}
        for event in TicketEvent.objects.filter(subject=ticket)
    }
    assert "terminated.resident" in kinds_by_verb["terminate"]
    for verb in {"dispatch", "redispatch"} & set(kinds_by_verb):
        assert {"dispatched.resident", "work.handler"} <= kinds_by_verb[verb]


@pytest.mark.django_db
def test_whoever_is_asked_to_succeed_a_reporter_hears_it_and_the_one_who_left_does_not(scene, told):
    ticket = scene.file("CL03")
    scene.do("neighbour", ticket, "cosign")
    told()
    scene.do("resident", ticket, "withdraw")
    heard = told()
    assert heard["neighbour"] == ["succession.successor"]
    assert "resident" not in heard
    # From a holiday on, the third working day is a Thursday.
    asked = Message.objects.get(kind="succession.successor")
    assert "请于6月5日 24:00前答复" in asked.body
    scene.do("neighbour", ticket, "succeed")
    heard = told()
    assert heard["dispatcher"] == ["succeeded.staff"]
    assert not {"neighbour", "resident"} & set(heard)


@pytest.mark.django_db
def test_a_two_hour_class_is_urgent_and_its_receipt_is_not(scene, told):
    scene.file("EL01")
    told()
    assert set(Message.objects.filter(topic="work").values_list("urgent", flat=True)) == {True}
    assert not Message.objects.get(kind="received.resident").urgent


@pytest.mark.django_db
def test_a_signal_is_for_the_street_and_those_on_the_ticket_and_for_the_street_alone_where_it_is_confined(scene):
    office = Organisation.objects.get(kind="street_office").pk
    plain, confined = Ticket.objects.get(pk=scene.file("CL03")), Ticket.objects.get(pk=scene.file(type="report"))
    rows = TicketOutbox.objects.select_related("event").order_by("id")
    _, signals = announce.letters_of([OutboxEvent.of(row) for row in rows], scene.now)
    heard = {one.subject_id: one for one in signals}
    first = heard[plain.pk]
    assert {office, plain.holder_id} <= set(first.organisations)
    assert heard[confined.pk].organisations == [office]
    assert (first.type, first.seq) == ("ticket.submit", 1)
    assert first.data == {
        "ticket": str(plain.pk),
        "code": plain.code,
        "seq": 1,
        "state": "dispatched",
        "url": f"{settings.SITE_URL}/api/v1/tickets/{plain.pk}",
    }


@pytest.mark.django_db
def test_a_street_office_that_was_dissolved_hears_no_signals(scene):
    office = Organisation.objects.get(kind="street_office")
    its = {"street_id": office.street_id, "kind": "street_office", "name": "原街道办事处"}
    Organisation.objects.create(code="was-office", dissolved_on=timezone.localdate(), **its)
    scene.file(type="report")
    row = TicketOutbox.objects.select_related("event").get()
    _, (signal,) = announce.letters_of([OutboxEvent.of(row)], timezone.now())
    assert signal.organisations == [office.pk]


@pytest.mark.django_db
def test_what_happened_before_a_chain_of_mergers_was_split_is_told_to_all_who_followed_then(scene, told):
    first, middle, last = scene.file(who="tenant"), scene.file(who="neighbour"), scene.file()
    scene.do("chair", first, "merge", into=str(middle))
    scene.do("chair", middle, "merge", into=str(last))
    told()
    scene.do("chair", last, "dispatch", holder="po-a01")
    # Both leave before anybody is told.
    scene.do("desk_officer", first, "split")
    scene.do("desk_officer", middle, "split")
    assert not Follower.objects.filter(ticket__in=[last, middle]).exists()
    heard = told()
    for who in ("resident", "neighbour", "tenant"):
        assert "dispatched.resident" in heard[who]
    scene.do("dispatcher", last, "sign")
    heard = told()
    assert "resident" in heard
    assert not heard.keys() & {"neighbour", "tenant"}


@pytest.mark.django_db
def test_whoever_is_disabled_hears_nothing_of_what_they_have_left_either(scene, told):
    mine, last = scene.file(who="neighbour"), scene.file()
    scene.do("chair", mine, "merge", into=str(last))
    told()
    scene.do("chair", last, "dispatch", holder="po-a01")
    scene.do("desk_officer", mine, "split")
    scene.cast["neighbour"].is_active = False
    scene.cast["neighbour"].save(update_fields=["is_active"])
    assert "neighbour" not in told()


@pytest.mark.django_db
def test_mails_of_several_tickets_can_be_told_apart_by_their_subjects(today, outlets):
    tickets = [today.file("CL03"), today.file("PK01"), today.file("SV01")]
    announce.tell_outbox()
    mine = Delivery.objects.filter(
        channel="email", recipient=today.cast["resident"].pk, message__kind="received.resident"
    )
    heads = dict(mine.values_list("message__subject_id", "content__subject"))
    assert heads.keys() == set(tickets)
    for ticket in Ticket.objects.select_related("category").filter(pk__in=tickets):
        assert heads[ticket.pk] == f"您的诉求已受理 · {ticket.code} {ticket.place} · {ticket.category.name_zh}"
