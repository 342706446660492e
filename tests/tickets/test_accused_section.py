"""Where the street's own task force serves a place, complaints about the service accuse the task force itself."""

import pytest

from community.models import Membership
from tickets.models import Ticket

COMPLAINT = {"type": "complaint", "secrecy": "confidential", "text": "托底服务收支从未公开。"}


@pytest.fixture
def against_the_task_force(api):
    """A confidential complaint where the task force is the backstop."""
    return api("resident_backstop").file("SV03", **COMPLAINT)


def test_it_is_the_duty_desk_s(api, organisation, against_the_task_force):
    ticket = Ticket.objects.get(pk=against_the_task_force["id"])
    assert str(ticket.coordinator_id) == str(ticket.desk_id) == organisation("市民诉求处置中心")
    assert ticket.state == "coordinating"


def test_it_does_not_exist_for_the_task_force(api, against_the_task_force):
    api("property_officer").get(f"tickets/{against_the_task_force['id']}", 404)


def test_the_duty_desk_can_bring_it_to_an_end(api, against_the_task_force):
    replied = api("desk_officer").move(against_the_task_force, "reply", result="已公示收支，并向业主说明。")
    assert replied["state"] == "replied"


def test_elsewhere_the_task_force_takes_complaints_about_the_company(api, organisation):
    ticket = api("resident").file("SV03", **COMPLAINT)
    assert str(Ticket.objects.get(pk=ticket["id"]).desk_id) == organisation("物业专班")


def test_the_street_office_answers_where_no_section_has_anybody(api, organisation):
    Membership.objects.filter(organisation__function__in=["desk", "property"]).update(ends_on="2021-01-01")
    ticket = api("resident").file("CL03", type="consult")
    assert str(Ticket.objects.get(pk=ticket["id"]).desk_id) == organisation("学院路街道办事处")
