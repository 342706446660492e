"""Who works on a ticket, who may give it to whom, who takes reports down for callers, and how a caller's tickets are found."""

from datetime import timedelta

import pytest
from django.utils import timezone

from community.models import Membership, Organisation
from tests.tickets.story import assert_whole, history, row, seen, timeline
from tests.tickets.test_statements import request_statements
from tickets.models import Assignment, Ticket, TicketEvent

pytestmark = pytest.mark.django_db


def lead(ticket):
    """The open lead of the ticket."""
    return Assignment.objects.get(ticket=ticket["id"], role="lead", open=True)


def test_whoever_signs_works_on_it_unless_another_is_named(api):
    dispatcher, worker = api("dispatcher"), api("worker")
    own, given, stood_in = (api("resident").file("CL07") for _ in range(3))
    dispatcher.move(own, "sign")
    dispatcher.move(given, "sign", worker=str(worker.person.pk))
    api("property_officer").move(stood_in, "sign", on_behalf_of="holder")
    assert [lead(one).worker_id for one in (own, given, stood_in)] == [dispatcher.person.pk, worker.person.pk, None]
    assert history(own)[-1].data["worker"] == str(dispatcher.person.pk)


def test_a_ticket_passes_to_a_colleague_who_is_told_and_so_is_whoever_had_it(api, cast):
    dispatcher, worker, resident = api("dispatcher"), api("worker"), api("resident")
    ticket = resident.file("CL07")
    dispatcher.move(ticket, "sign")
    dispatcher.move(ticket, "assign", worker=str(worker.person.pk), note="你离得近")
    assert lead(ticket).worker_id == worker.person.pk
    assert_whole(ticket, "in_progress")
    event = history(ticket)[-1]
    assert (event.verb, event.data["worker"], event.words.body) == (
        "assign",
        str(worker.person.pk),
        {"note": "你离得近"},
    )
    assert "assign" in timeline(resident, ticket)
    shown = resident.get(f"tickets/{ticket['id']}/events", limit=100)["results"][-1]
    assert "worker" not in shown["data"]
    # By name for the resident, by id as well for staff.
    assert [one["worker"] for one in seen(resident, ticket)["assignments"]] == [
        {"id": None, "name": worker.person.name}
    ]
    (part,) = seen(dispatcher, ticket)["assignments"]
    assert part["worker"] == {"id": str(worker.person.pk), "name": worker.person.name}


@pytest.mark.parametrize(
    ("who", "worker", "status", "code"),
    [
        ("dispatcher", "resident", 400, "unknown_worker"),
        ("dispatcher", "other_dispatcher", 400, "unknown_worker"),
        ("dispatcher", "dispatcher", 400, "works_on_it"),
        ("resident", "worker", 403, "not_permitted"),
        ("property_officer", "worker", 403, "not_permitted"),
    ],
)
def test_nobody_else_gets_it_and_nobody_else_gives_it(api, who, worker, status, code):
    ticket = api("resident").file("CL07")
    api("dispatcher").move(ticket, "sign")
    problem = api(who).move(ticket, "assign", status, worker=str(api(worker).person.pk))
    assert code in (problem["code"], *(one["code"] for one in problem.get("errors", ())))
    assert lead(ticket).worker_id == api("dispatcher").person.pk
    assert history(ticket)[-1].verb == "sign"


def test_a_ticket_that_is_not_worked_on_is_assigned_to_nobody(api):
    ticket = api("resident").file("CL07")
    worker = str(api("worker").person.pk)
    assert api("dispatcher").move(ticket, "assign", 409, worker=worker)["code"] == "illegal_move"
    assert lead(ticket).worker_id is None


def test_those_who_dispatch_see_who_works_there_and_on_how_much(api, organisation):
    office = organisation("天岳恒学院路14号院项目部")
    dispatcher, worker = api("dispatcher"), api("worker")
    for _ in range(2):
        dispatcher.move(api("resident").file("CL07"), "sign", worker=str(worker.person.pk))
    seat = Membership.objects.filter(organisation=office, person=worker.person)
    with request_statements() as few:
        found = {one["name"]: one for one in dispatcher.get(f"organisations/{office}/members", limit=100)["results"]}
    assert found[worker.person.name]["open"] == 2
    assert found[worker.person.name]["role"] == "worker"
    assert found[worker.person.name]["on_duty"] is True
    assert found[dispatcher.person.name]["open"] == 0
    assert "phone" not in found[worker.person.name]
    seat.update(starts_on=timezone.localdate() + timedelta(days=3))
    with request_statements() as again:
        found = {one["name"]: one for one in api("property_officer").get(f"organisations/{office}/members")["results"]}
    assert found[worker.person.name]["on_duty"] is False
    assert len(few) <= 3
    assert len(again) <= 4
    seat.update(starts_on="2021-01-01", ends_on=timezone.localdate() - timedelta(days=1))
    assert worker.person.name not in {
        one["name"] for one in dispatcher.get(f"organisations/{office}/members")["results"]
    }
    for who in ("worker", "resident", "other_dispatcher", "chair", "outsider"):
        assert api(who).get(f"organisations/{office}/members", 403)["code"] == "not_permitted"
    assert dispatcher.get(f"organisations/{office}/members?role=worker", 400)["errors"][0]["field"] == "role"


def test_where_nobody_else_is_there_a_worker_gives_the_work_out(api, organisation):
    office, worker = organisation("天岳恒学院路14号院项目部"), api("worker")
    others = Membership.objects.filter(organisation=office).exclude(role="worker")
    others.update(ends_on=timezone.localdate() + timedelta(days=30))
    worker.get(f"organisations/{office}/members", 403)
    others.update(ends_on=timezone.localdate() - timedelta(days=1))
    worker.get(f"organisations/{office}/members")


@pytest.mark.parametrize(
    ("who", "channel", "status"),
    [
        ("dispatcher", "phone", 201),
        ("dispatcher", "counter", 201),
        ("chair", "counter", 201),
        ("residents_committee_worker", "phone", 201),
        ("dispatcher", "hotline", 403),
        ("other_dispatcher", "phone", 403),
        ("other_chair", "counter", 403),
        ("resident", "phone", 403),
        ("traffic_liaison", "phone", 403),
    ],
)
def test_a_company_and_a_committee_file_for_a_caller_where_they_serve(api, compound, who, channel, status):
    before = Ticket.objects.count()
    home = str(compound("学院路14号院"))
    report = {"compound": home, "channel": channel, "contact_name": "李大爷", "contact_phone": "19912345678"}
    answer = api(who).file("CL07", status, **report)
    assert Ticket.objects.count() == before + (status == 201)
    if status == 201:
        made, event = row(answer), history(answer)[0]
        assert (made.taken_by_id, made.reporter_id, made.contact_name) == (api(who).person.pk, None, "李大爷")
        assert (event.on_behalf, event.actor_id) == ("reporter", api(who).person.pk)
        assert event.actor_organisation_id is not None


def test_what_is_against_oneself_is_for_the_street_to_take_down(api, compound):
    before = Ticket.objects.count()
    report = {"compound": str(compound("学院路14号院")), "channel": "phone", "contact_phone": "19912345678"}
    for about in ({"type": "report"}, {"type": "complaint", "secrecy": "confidential"}):
        problem = api("dispatcher").file("SV01", 400, **report, **about)
        assert problem["errors"][0]["code"] == "own_organisation"
    assert Ticket.objects.count() == before
    api("desk_officer").file("SV01", type="report", **report)


@pytest.fixture
def called(api, compound):
    """Three tickets of one number: open, confidential and anonymous; the last is never found."""
    desk, home = api("desk_officer"), str(compound("学院路14号院"))
    report = {"compound": home, "channel": "phone", "contact_name": "李大爷", "contact_phone": "19912345678"}
    made = [desk.file("CL07", secrecy=one, **report) for one in ("open", "confidential", "anonymous")]
    desk.file("CL07", **report | {"contact_phone": "19912345679"})
    return made


@pytest.mark.parametrize("spelled", ["19912345678", "１９９１２３４５６７８", "199 1234-5678"])
def test_a_caller_s_tickets_are_found_by_the_whole_number_on_record(api, called, spelled):
    officer, (first, second, anonymous) = api("desk_officer"), called
    with request_statements() as made:
        found = officer.post("callers", {"phone": spelled})
    assert [one["id"] for one in found] == [second["id"], first["id"]]
    assert len(made) <= 14
    for one in (first, second):
        event = history(one)[-1]
        assert (event.verb, event.actor_id, event.visibility) == ("look_up", officer.person.pk, "internal")
        assert_whole(one, row(one).state)
        assert row(one).version == 1
    assert history(anonymous)[-1].verb == "submit"
    shown = officer.get(f"tickets/{first['id']}/events")["results"][-1]
    assert shown["label"] == "来电查询"


@pytest.mark.parametrize(
    ("who", "phone", "status"),
    [
        ("desk_officer", "1991234567", 400),
        ("desk_officer", "19912345670", 200),
        ("desk_officer", "199%", 400),
        ("desk_officer", "", 400),
        ("dispatcher", "19912345678", 403),
        ("chair", "19912345678", 403),
        ("resident", "19912345678", 403),
    ],
)
def test_a_part_of_a_number_finds_nothing_and_others_may_not_look(api, called, who, phone, status):
    before = TicketEvent.objects.count()
    answer = api(who).post("callers", {"phone": phone}, status)
    assert status != 200 or answer == []
    assert TicketEvent.objects.count() == before


def test_whoever_sits_with_the_accused_does_not_find_it_by_number(api, compound):
    section = Organisation.objects.get(name="物业专班")
    report = {"compound": str(compound("学院路14号院")), "channel": "phone", "contact_phone": "19912345678"}
    ticket = api("desk_officer").file("SV01", type="report", accused=str(section.pk), **report)
    assert api("property_officer").post("callers", {"phone": "19912345678"}) == []
    assert [one["id"] for one in api("desk_officer").post("callers", {"phone": "19912345678"})] == [ticket["id"]]
