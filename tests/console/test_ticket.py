import re

import pytest
from django.utils import timezone

from tickets.models import Ticket, TicketEvent

ROLES = (
    "dispatcher",
    "worker",
    "other_dispatcher",
    "chair",
    "desk_officer",
    "residents_committee_worker",
    "lift_dispatcher",
)


@pytest.fixture
def ticket(scene):
    """A ticket for which the project office has signed."""
    scene.now = timezone.now()
    return Ticket.objects.get(pk=scene.at_work("CL03"))


def form(browser, ticket, move=""):
    """The hidden fields of a form of the ticket's page."""
    page = browser.get(f"/console/t/{ticket.code}" + (f"/{move}" if move else "")).content.decode()
    return {name: re.search(rf'name="{name}" value="([^"]*)"', page)[1] for name in ("version", "key")}


def verbs(ticket):
    return list(TicketEvent.objects.filter(subject=ticket).order_by("seq").values_list("verb", flat=True))


@pytest.mark.parametrize(
    ("who", "queue", "seen"),
    [
        ("dispatcher", 200, 200),
        ("worker", 200, 200),
        ("manager", 200, 200),
        ("head_manager", 200, 200),
        ("other_dispatcher", 200, 404),
        ("lift_dispatcher", 200, 404),
        ("chair", 200, 200),
        ("other_chair", 200, 404),
        ("residents_committee_worker", 200, 200),
        ("desk_officer", 200, 200),
        ("street_lead", 200, 200),
        ("resident", 404, 404),
        ("outsider", 404, 404),
    ],
)
def test_every_page_is_for_whom_it_is(console, ticket, who, queue, seen):
    browser = console(who)
    assert browser.get("/console/queue").status_code == queue
    page = browser.get("/console/queue?tab=all").content.decode()
    assert (ticket.code in page) == (who in ("dispatcher", "worker", "manager"))
    answer = browser.get(f"/console/t/{ticket.code}")
    assert answer.status_code == seen
    assert browser.get("/console/t/000000000").status_code == 404
    if seen == 404:
        before = verbs(ticket)
        assert (
            browser.post(f"/console/t/{ticket.code}/progress", {"text": "x", "version": ticket.version}).status_code
            == 404
        )
        assert verbs(ticket) == before


def test_a_form_without_a_script_makes_its_move_and_comes_back_to_the_ticket(console, ticket):
    browser = console("dispatcher")
    answer = browser.post(f"/console/t/{ticket.code}/contact", {"result": "reached", **form(browser, ticket)})
    assert (answer.status_code, answer["Location"]) == (302, f"/console/t/{ticket.code}")
    assert verbs(ticket)[-1] == "contact"


def test_the_same_form_sent_twice_makes_one_move(console, ticket):
    browser = console("dispatcher")
    sent = {"text": "车在路上", **form(browser, ticket, "progress")}
    for _ in range(2):
        assert browser.post(f"/console/t/{ticket.code}/progress", sent).status_code == 302
    assert verbs(ticket).count("progress") == 1
    assert browser.post(f"/console/t/{ticket.code}/progress", {**sent, "text": "另一句"}).status_code == 422
    assert verbs(ticket).count("progress") == 1


def test_a_form_of_an_older_version_changes_nothing(console, ticket):
    browser = console("dispatcher")
    sent = {"result": "reached", **form(browser, ticket)}
    answer = browser.post(f"/console/t/{ticket.code}/contact", {**sent, "version": int(sent["version"]) - 1})
    assert answer.status_code == 409
    assert "已被他人更新" in answer.content.decode()
    assert verbs(ticket)[-1] == "sign"
    assert browser.post(f"/console/t/{ticket.code}/contact", {**sent, "version": "x"}).status_code == 409
    assert verbs(ticket)[-1] == "sign"


def test_what_is_missing_is_named_and_changes_nothing(console, ticket):
    browser = console("dispatcher")
    answer = browser.post(f"/console/t/{ticket.code}/progress", {"text": "  ", **form(browser, ticket, "progress")})
    assert answer.status_code == 422
    assert 'href="#progress-text"' in answer.content.decode()
    assert verbs(ticket)[-1] == "sign"


def test_the_contact_is_masked_until_it_is_revealed_with_a_reason(console, ticket, cast):
    browser, phone = console("dispatcher"), cast["resident"].phone
    assert phone not in browser.get(f"/console/t/{ticket.code}").content.decode()
    answer = browser.post(f"/console/t/{ticket.code}/reveal", {"reason": "", "version": ticket.version})
    assert answer.status_code == 422
    assert "reveal" not in verbs(ticket)
    browser.post(f"/console/t/{ticket.code}/reveal", {"reason": "上门前联系", "version": ticket.version})
    assert f"tel:{phone}" in browser.get(f"/console/t/{ticket.code}").content.decode()
    assert verbs(ticket)[-1] == "reveal"
    assert phone not in console("worker").get(f"/console/t/{ticket.code}").content.decode()


def test_moves_that_are_not_allowed_are_left_out(console, ticket):
    page = console("worker").get(f"/console/t/{ticket.code}").content.decode()
    offered = set(re.findall(rf"/console/t/{ticket.code}/(\w+)", page))
    assert {"contact", "progress", "ask", "return"} <= offered
    assert not offered & {"sign", "reply", "supervise", "redispatch", "confirm"}
    assert console("worker").post(f"/console/t/{ticket.code}/lapse", {}).status_code == 404
    assert console("worker").post(f"/console/t/{ticket.code}/nothing", {}).status_code == 404


def test_a_page_without_the_csrf_token_changes_nothing(cast, ticket):
    from django.test import Client

    browser = Client(enforce_csrf_checks=True)
    browser.force_login(cast["dispatcher"])
    answer = browser.post(f"/console/t/{ticket.code}/contact", {"result": "reached", "version": ticket.version})
    assert answer.status_code == 403
    assert verbs(ticket)[-1] == "sign"
