"""What the street does for itself: supervision lifted, levels lowered, an officer who answers for a ticket, and notes of its own."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from community.models import Organisation
from tests.tickets.paths import rows
from tickets import announce
from tickets.models import Ticket, TicketEvent, TicketOutbox
from tickets.sides import OutboxEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(api):
    """A ticket that the company of 学院路14号院 has to sign for."""
    return api("resident").file("CL03")


def test_supervision_is_lifted_with_a_reason_and_an_event(api, ticket):
    desk = api("desk_officer")
    desk.move(ticket, "supervise", kind="listed", reason="影响较大")
    before = rows()
    assert desk.move(ticket, "lift_supervision", 400)["errors"][0]["field"] == "reason"
    assert rows() == before
    desk.move(ticket, "lift_supervision", reason="已整改到位")
    assert desk.get(f"tickets/{ticket['id']}")["supervised"] == ""
    event = desk.get(f"tickets/{ticket['id']}/events")["results"][-1]
    assert (event["verb"], event["data"]["kind"], event["words"]) == (
        "lift_supervision",
        "listed",
        {"reason": "已整改到位"},
    )
    assert desk.move(ticket, "lift_supervision", 409, reason="再次")["code"] == "not_supervised"


def test_a_level_is_lowered_with_a_reason_and_an_event(api, ticket):
    desk = api("desk_officer")
    assert desk.move(ticket, "lower_level", 409, level=0, reason="无")["code"] == "not_raised"
    desk.move(ticket, "raise_level", level=3)
    before = rows()
    for level, code in ((3, "not_lower"), (4, "not_lower"), (5, "max_value"), (-1, "min_value")):
        assert desk.move(ticket, "lower_level", 400, level=level, reason="过高")["errors"][0]["code"] == code
    assert rows() == before
    assert desk.move(ticket, "lower_level", level=1, reason="由社区办理")["level"] == 1
    event = TicketEvent.objects.get(subject=ticket["id"], verb="lower_level")
    assert (event.data["level"], event.data["before"]) == (1, 3)
    assert desk.move(ticket, "raise_level", level=2)["level"] == 2


def test_those_who_work_on_it_hear_of_both(scene):
    ticket = scene.file("CL03")
    scene.do("desk_officer", ticket, "supervise", kind="listed", reason="影响较大")
    scene.do("desk_officer", ticket, "raise_level", level=2)
    TicketOutbox.objects.all().delete()
    scene.do("desk_officer", ticket, "lift_supervision", reason="已整改")
    scene.do("desk_officer", ticket, "lower_level", level=0, reason="已整改")
    told = TicketOutbox.objects.select_related("event").order_by("id")
    letters, _ = announce.letters_of([OutboxEvent.of(row) for row in told], scene.now)
    assert [one.kind for one in letters] == ["unsupervised.staff", "lowered.staff"]


def test_an_officer_answers_for_a_ticket_and_the_street_alone_sees_who(api, ticket, cast):
    officer = cast["property_officer"]
    desk = api("desk_officer")
    desk.move(ticket, "appoint", officer=str(officer.pk))
    assert desk.get(f"tickets/{ticket['id']}")["officer"] == {"id": str(officer.pk), "name": officer.name}
    for who in ("dispatcher", "resident", "neighbour"):
        assert api(who).get(f"tickets/{ticket['id']}")["officer"] is None
        assert "appoint" not in {one["verb"] for one in api(who).get(f"tickets/{ticket['id']}/events")["results"]}
    desk.move(ticket, "coordinate", reason="请物管会协调。")
    Ticket.objects.filter(pk=ticket["id"]).update(next_due_at=timezone.now() - timedelta(minutes=1))
    rows = {
        who: [one for one in api(who).get("overdue")["results"] if one["id"] == ticket["id"]]
        for who in ("desk_officer", "chair")
    }
    assert rows["desk_officer"][0]["officer"]["name"] == officer.name
    assert rows["chair"][0]["officer"] is None
    desk.move(ticket, "appoint", officer=None, reason="轮岗")
    assert desk.get(f"tickets/{ticket['id']}")["officer"] is None


@pytest.mark.parametrize("who", ["dispatcher", "resident", "chair", "nobody"])
def test_only_who_sits_in_the_office_answers_for_a_ticket(api, ticket, cast, who):
    before = rows()
    officer = str(uuid.uuid4() if who == "nobody" else cast[who].pk)
    refusal = api("desk_officer").move(ticket, "appoint", 400, officer=officer)
    assert [(one["field"], one["code"]) for one in refusal["errors"]] == [("officer", "unknown_officer")]
    assert rows() == before


def test_the_streets_notes_are_read_by_the_street_alone(api, ticket, paper):
    desk, text = api("desk_officer"), "下午例会再议，先不要对外讲"
    desk.move(ticket, "remark", text=text)
    assert desk.get(f"tickets/{ticket['id']}/events")["results"][-1]["words"] == {"text": text}
    for who in ("dispatcher", "resident", "neighbour", "residents_committee_worker"):
        assert "remark" not in str(api(who).get(f"tickets/{ticket['id']}/events"))
        assert text not in str(api(who).get(f"tickets/{ticket['id']}/events"))
        api(who).move(ticket, "remark", 403, text="我也写一条")
    row = TicketOutbox.objects.select_related("event").get(event__verb="remark")
    letters, (signal,) = announce.letters_of([OutboxEvent.of(row)], row.event.at)
    assert letters == []
    assert signal.organisations == [Organisation.objects.get(kind="street_office").pk]


def test_notes_can_be_left_on_what_has_ended(api, ticket):
    api("resident").move(ticket, "withdraw")
    api("desk_officer").move(ticket, "remark", text="已电话核实")
    now = Ticket.objects.get(pk=ticket["id"])
    assert (now.state, now.event_count) == ("withdrawn", 3)
