"""The list of call-backs, and what a ticket that has ended tells of its time."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from community.models import Organisation
from tests.tickets.paths import CONTACTED
from tests.tickets.test_clocks import HOUR, live, moment
from tickets.models import Ticket
from workflow import calendars
from workflow.models.calendars import CalendarVersion, CalendarYear
from workflow.moment import at

pytestmark = pytest.mark.django_db


def listed(caller, moment, which="all"):
    """The rows of the list as of that moment, by the ticket's id."""
    with at(moment):
        return {one["id"]: one for one in caller.get(f"callbacks?status={which}")["results"]}


def test_what_was_closed_early_stands_on_the_list_until_somebody_calls(scene, api):
    ticket, officer = scene.reach("closed"), api("desk_officer")
    due = live(ticket)["callback"].due_at
    (row,) = listed(officer, due - HOUR).values()
    assert (row["id"], row["state"], row["overdue"], row["possible"]) == (str(ticket), "closed", False, True)
    assert row["remaining_seconds"] == 3600
    assert list(listed(officer, due - HOUR, "due")) == [str(ticket)]
    assert listed(officer, due - HOUR, "overdue") == {}
    late = listed(officer, due + HOUR, "overdue")[str(ticket)]
    assert (late["overdue"], late["remaining_seconds"]) == (True, -3600)
    assert listed(officer, due + HOUR, "due") == {}
    scene.do("desk_officer", ticket, "callback", valid=True, contacted=True, resolved=True, satisfied=5, at=due)
    assert listed(officer, due + HOUR) == {}


def test_what_was_answered_at_once_stands_on_the_list_too(scene, api):
    ticket, officer = scene.file("SV01", type="consult"), api("desk_officer")
    scene.do("desk_officer", ticket, "answer_now", answer="周一至周五可以办理")
    due = live(ticket)["callback"].due_at
    assert [*listed(officer, due - HOUR, "due")] == [*listed(officer, due + HOUR, "overdue")] == [str(ticket)]


def test_the_first_due_comes_first_and_pages_follow_one_another(scene, api):
    later = scene.reach("replied")
    scene.now -= timedelta(days=20)
    scene.known.clear()
    sooner = scene.reach("replied")
    officer = api("desk_officer")
    with at(moment("2025-06-03T09:00")):
        first = officer.get("callbacks", limit=1)
        second = officer.get("callbacks", limit=1, cursor=first["next_cursor"])
    assert [one["id"] for one in first["results"] + second["results"]] == [str(sooner), str(later)]


def test_the_list_is_the_street_s_alone_and_says_what_it_takes(scene, api):
    scene.reach("closed")
    for who in ("resident", "dispatcher", "chair"):
        assert api(who).client.get("/api/v1/callbacks").status_code == 403
    refused = api("desk_officer").client.get("/api/v1/callbacks", {"status": "later"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "status")


def test_whoever_is_accused_reads_no_line_of_it(scene, api, cast):
    ticket, officer = scene.reach("closed"), api("desk_officer")
    section = Organisation.objects.get(memberships__person=cast["desk_officer"])
    Ticket.objects.filter(pk=ticket).update(accused=[section.pk])
    assert listed(officer, scene.now) == {}


# What is left of a ticket's time when it has ended.


def test_a_ticket_that_has_ended_tells_what_was_used_and_why_it_stood_still(scene, api):
    scene.now = moment("2025-06-03T09:00")
    ticket = scene.at_work("CL03")
    asked = moment("2025-06-03T10:00")
    scene.do("dispatcher", ticket, "ask", question="哪个垃圾桶？", at=asked)
    scene.do("resident", ticket, "answer", answer="东门", at=asked + HOUR)
    scene.follow(ticket, [CONTACTED])
    replied = moment("2025-06-03T13:00")
    scene.do("dispatcher", ticket, "reply", result="已清运", photos=[scene.photo("dispatcher")], at=replied)
    scene.do("resident", ticket, "confirm", resolved=True, rating=5)
    for who in ("resident", "desk_officer"):
        with at(scene.now):
            clocks = {one["name"]: one for one in api(who).get(f"tickets/{ticket}")["clocks"]}
        handle = clocks["handle"]
        assert (handle["state"], handle["used_seconds"], handle["over_seconds"]) == ("stopped", 3 * 3600, 0)
        (pause,) = handle["pauses"]
        assert [datetime.fromisoformat(pause[end]) for end in ("since", "until")] == [asked, asked + HOUR]
        assert (pause["reason"], pause["reason_label"]) == ("question", "等待补充")
        assert handle["words"] == "办结时限已停止，未超时"
        assert ("overall" in clocks) == (who == "desk_officer")
        assert "sign" in clocks
    with at(scene.now):
        assert api("neighbour").client.get(f"/api/v1/tickets/{ticket}").json().get("clocks") is None


def test_a_pause_that_lasts_has_no_end_and_the_estimate_is_shown(scene, api):
    scene.now = moment("2025-06-03T09:00")
    ticket = scene.at_work("CL03")
    scene.do("dispatcher", ticket, "ask", question="哪个垃圾桶？", at=scene.now + HOUR)
    with at(scene.now + 5 * HOUR):
        handle = {one["name"]: one for one in api("resident").get(f"tickets/{ticket}")["clocks"]}["handle"]
    assert handle["pauses"][0]["until"] is None
    assert handle["estimated"] is False
    assert handle["used_seconds"] == 61 * 60


def test_a_deadline_in_a_year_without_a_notice_is_marked_on_the_ticket(scene, api):
    calendars.forget()
    draft = CalendarVersion.objects.order_by("-number").first().copy_as_draft()
    CalendarYear.objects.filter(version=draft, year=2025).update(estimated=True)
    draft.publish(at=timezone.now())
    calendars.forget()
    ticket = scene.file("SV01")
    with at(scene.now):
        clocks = {one["name"]: one for one in api("desk_officer").get(f"tickets/{ticket}")["clocks"]}
    assert clocks["coordinate"]["estimated"] is True
    calendars.forget()
