"""Whoever is told of a ticket can look at it: the head office, the owner of an account, whoever did the work; and no further."""

import json
from itertools import chain

import pytest
from django.utils import timezone

from community.actors import by_person
from community.models import Membership, Organisation
from notifications import digests
from notifications.models import Delivery, Message
from notifications.timing import LATELY
from tests.tickets.paths import INPUTS, Scene
from tests.tickets.story import assert_whole, seen, timeline
from tests.tickets.test_clocks import live, swept
from tickets import announce
from tickets.access import sees
from tickets.models import Ticket, TicketEvent
from tickets.queries import visible_ticket
from tickets.states import State

pytestmark = pytest.mark.django_db

S = State
TEXT = "楼道灯坏了。"


def _section() -> Organisation:
    return Organisation.objects.get(code="section-city")


def assert_the_told_can_look(outlets, since) -> int:
    """Every person, and somebody of every organisation, that a message of a ticket has gone to since can read the ticket."""
    announce.tell_outbox()
    digests.gather(timezone.now() + LATELY)
    told = 0
    for recipient, subject in Message.objects.exclude(pk__in=since).values_list("recipient", "subject_id").distinct():
        if subject is None:
            continue
        party = outlets.get(recipient)
        people = (
            [recipient]
            if party is None
            else Membership.objects.filter(organisation=party, ends_on=None).values_list("person", flat=True)
        )
        # Each person is asked for by a statement or two, and the first mostly can.
        found = (by_person(person) for person in people)
        if (first := next(found, None)) is not None:
            assert any(_can_look(subject, caller) for caller in chain([first], found) if caller), (recipient, party)
            told += 1
    return told


def _can_look(subject, caller) -> bool:
    try:
        return bool(sees(visible_ticket(subject, caller.actor), caller.actor))
    except Ticket.DoesNotExist:
        return False


@pytest.mark.parametrize("deadline", ["handle", "sign"])
def test_whoever_a_rung_tells_can_look(today: Scene, outlets, deadline):
    ticket = today.reach(S.DISPATCHED if deadline == "sign" else S.IN_PROGRESS)
    while deadline in live(ticket) and Ticket.objects.get(pk=ticket).level < 2:
        swept(today, live(ticket)[deadline].fire_at - today.now)
    named = TicketEvent.objects.filter(subject=ticket, data__audience__contains=["supervisor"])
    assert named.exists()
    assert assert_the_told_can_look(outlets, set())
    assert Delivery.objects.exists()


def test_a_head_office_reads_what_its_offices_work_on_and_does_nothing_there(api):
    ticket = api("resident").file("RP04", text=TEXT, spot="3号楼2单元")
    head = api("head_manager")
    document = seen(head, ticket)
    assert (document["text"], document["contact"], document["relations"]) == (TEXT, None, ["head_office"])
    assert document["assignments"]
    assert document["clocks"]
    assert timeline(head, ticket) == ["submit"]
    assert api("head_manager").moves(ticket) == []
    for name in ("sign", "reveal"):
        assert head.move(ticket, name, 403, **INPUTS.get(name, {}))["code"] == "not_permitted"
    assert seen(api("guard"), ticket) is None
    assert_whole(ticket, "dispatched")


def test_a_company_reads_its_closed_work_its_rating_and_thanks_without_the_contact(api):
    resident, dispatcher = api("resident"), api("dispatcher")
    ticket = resident.file("RP04", text=TEXT)
    dispatcher.move(ticket, "sign")
    dispatcher.move(ticket, "reveal", reason="联系。")
    dispatcher.move(ticket, "contact", result="reached")
    dispatcher.move(ticket, "reply", result="灯已更换。", photos=[dispatcher.photo()])
    resident.move(ticket, "confirm", resolved=True, rating=5, words="很快")
    resident.move(ticket, "thank", words="谢谢师傅", consent=False)
    for reader in (dispatcher, api("worker"), api("head_manager")):
        document = seen(reader, ticket)
        assert (document["text"], document["rating"], document["resolved"]) == (TEXT, 5, True)
        assert document["contact"] is None
        assert document["photos"]
        assert resident.person.phone not in json.dumps(document)
        lines = {one["verb"]: one for one in reader.get(f"tickets/{ticket['id']}/events")["results"]}
        assert lines["thank"]["words"] == {"words": "谢谢师傅"}
        assert "reveal" not in lines
        assert reader.moves(ticket) == []
    assert seen(api("other_dispatcher"), ticket) is None
    # Taken up again and given to another, it is their work no longer.
    api("property_officer").move(ticket, "reopen", reason="又坏了")
    api("property_officer").move(ticket, "redispatch", holder=str(_section().pk), reason="另派")
    assert seen(dispatcher, ticket)["text"] is None


def test_whoever_gave_a_ticket_back_reads_no_more_than_its_summary_after_the_end(api, organisation):
    ticket, officer = api("resident").file("CL03", text=TEXT), api("property_officer")
    officer.move(ticket, "redispatch", holder=organisation("城市管理办公室"), reason="改派。")
    city = api("city_officer")
    city.move(ticket, "sign")
    city.move(ticket, "contact", result="reached")
    city.move(ticket, "reply", result="已清运。", photos=[city.photo()])
    api("resident").move(ticket, "confirm", resolved=True, rating=5)
    document = seen(api("dispatcher"), ticket)
    assert (document["relations"], document["text"], document["rating"]) == (["past_holder"], None, None)


def test_the_owner_of_an_account_looks_and_reports(scene):
    owner = scene.codes["dept-housing"]
    ticket = scene.follow(
        scene.file("PK01"), [("desk_officer", "put_on_account", INPUTS["put_on_account"] | {"owner": "dept-housing"})]
    )
    assert Ticket.objects.get(pk=ticket).account_owner_id == owner
    liaison = "dept-housing-liaison"
    assert scene.offered(liaison, ticket) == ["progress"]
    due = live(ticket)["account"].due_at
    scene.do(liaison, ticket, "progress", text="已列入计划")
    scene.now = max(scene.now, due)
    scene.do("desk_officer", ticket, "resume")
    with pytest.raises(Ticket.DoesNotExist):
        scene.offered(liaison, ticket)


# Whoever coordinates.


def test_a_coordinator_reveals_whom_they_must_invite_while_they_coordinate(api):
    ticket, chair = api("resident").file("PK01"), api("chair")
    assert chair.move(ticket, "reveal", reason="邀请参加协调会。")
    assert seen(chair, ticket)["contact"]["phone"] == "19900000001"
    assert seen(api("member"), ticket)["contact"]["phone"] == "199****0001"
    ticket = chair.move(ticket, "dispatch", holder=str(_section().pk))
    assert seen(chair, ticket)["contact"]["phone"] == "199****0001"
    assert chair.move(ticket, "reveal", 403, reason="再看。")["code"] == "not_permitted"


def test_a_coordinator_asks_and_the_time_stands_still_until_the_answer(api):
    resident, chair = api("resident"), api("chair")
    ticket = resident.file("PK01")
    asked = chair.move(ticket, "ask", question="哪个车位？")
    states = {one["name"]: one["state"] for one in asked["clocks"]}
    assert (states["coordinate"], states["overall"], states["question"]) == ("paused", "paused", "running")
    answered = resident.move(ticket, "answer", answer="12号")
    states = {one["name"]: one["state"] for one in seen(chair, ticket)["clocks"]}
    assert (states["coordinate"], states["overall"]) == ("running", "running")
    assert "question" not in states
    assert answered["state"] == "coordinating"
    chair.move(ticket, "ask", question="长期停放吗？")
    assert chair.move(ticket, "ask", 409, question="？")["code"] == "question_open"
    api("property_officer").move(ticket, "take_over")
    assert seen(chair, ticket)["question_open"] is False
    assert_whole(ticket, "coordinating")


@pytest.mark.parametrize("away", ["dispatch", "put_on_account", "reply"])
def test_a_question_ends_where_coordination_does(scene, away):
    ticket = scene.file("PK01")
    scene.do("chair", ticket, "ask", question="哪个车位？")
    scene.do("desk_officer", ticket, away, **INPUTS[away])
    assert not Ticket.objects.get(pk=ticket).question_open
    assert "question" not in live(ticket)
    assert scene.refused("resident", ticket, "answer", answer="x") == "illegal_move" if away != "dispatch" else True
    assert_whole(ticket, str(Ticket.objects.get(pk=ticket).state))


def test_a_question_that_lapses_lets_coordination_go_on(scene):
    ticket = scene.file("PK01")
    scene.do("chair", ticket, "ask", question="哪个车位？")
    while "question" in live(ticket):
        swept(scene, live(ticket)["question"].fire_at - scene.now)
    assert live(ticket)["coordinate"].running_since is not None
    assert not Ticket.objects.get(pk=ticket).question_open


def test_a_coordinator_records_with_minutes_and_photos_and_reports_progress(api):
    resident, chair = api("resident"), api("chair")
    ticket = resident.file("PK01")
    photo = chair.photo("progress")
    chair.move(ticket, "record", met_with="业主、物业", agreed="划线", minutes="会议纪要全文", photos=[photo])
    chair.move(ticket, "progress", text="已约周五现场会", photos=[chair.photo("progress")])
    document = seen(resident, ticket)
    assert [one["kind"] for one in document["photos"]] == ["progress", "progress"]
    lines = {one["verb"]: one["words"] for one in resident.get(f"tickets/{ticket['id']}/events")["results"]}
    assert lines["record"] == {"met_with": "业主、物业", "agreed": "划线", "minutes": "会议纪要全文"}
    assert lines["progress"] == {"text": "已约周五现场会"}
    assert_whole(ticket, "coordinating")
