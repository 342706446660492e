import re
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.statements import cost
from tickets.models import Ticket, TicketEvent
from tickets.states import State

MOST_STATEMENTS = 12


@pytest.fixture
def today(scene):
    """The scene within the last hours."""
    scene.now = timezone.now() - timedelta(hours=5)
    return scene


@pytest.fixture
def returned(today):
    """A ticket that the project office asks to return."""
    ticket = today.file("CL05", title="装修垃圾堆在人行道上", text="堆了一周，没人清。")
    today.do("dispatcher", ticket, "return", reason="由街道执法队清理，不在合同之内。")
    today.do("resident", ticket, "comment", text="今天又多了一车。")
    return Ticket.objects.get(pk=ticket)


@pytest.fixture
def extended(today):
    """A ticket for which the project office asks for more days."""
    ticket = today.at_work("SV01", title="车库渗水")
    today.do("dispatcher", ticket, "contact", result="reached")
    today.do("dispatcher", ticket, "request_extension", days=2, reason="防水材料周四到货")
    return Ticket.objects.get(pk=ticket)


def sent(browser, code) -> dict[str, str]:
    """The hidden fields of the form of this ticket on the desk."""
    html = browser.get("/console/reviews").content.decode()
    part = html[html.index(f'id="review-{code}"') :]
    return {name: re.search(rf'name="{name}" value="([^"]*)"', part)[1] for name in ("version", "key")}


def latest(ticket) -> str:
    return str(TicketEvent.objects.filter(subject=ticket).latest("seq").verb)


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("desk_officer", 200),
        ("street_lead", 200),
        ("dispatcher", 404),
        ("worker", 404),
        ("manager", 404),
        ("chair", 404),
        ("residents_committee_worker", 404),
        ("lift_dispatcher", 404),
        ("resident", 404),
        ("outsider", 404),
    ],
)
def test_the_desk_and_the_register_are_the_streets(console, returned, who, status):
    browser = console(who)
    assert browser.get("/console/reviews").status_code == status
    assert browser.get("/console/account").status_code == status
    if status == 404:
        answer = browser.post(f"/console/reviews/{returned.code}", {"decision": "uphold", "version": returned.version})
        assert answer.status_code == 404
        assert Ticket.objects.get(pk=returned.pk).state == State.RETURNING


def test_both_sides_words_stand_beside_each_other(console, returned, extended):
    html = console("desk_officer").get("/console/reviews").content.decode()
    for words in (
        "由街道执法队清理",
        "堆了一周，没人清。",
        "今天又多了一车。",
        "防水材料周四到货",
        "同意退回",
        "指定承办",
        "同意延期",
    ):
        assert words in html
    assert cost(console("desk_officer"), "/console/reviews") <= MOST_STATEMENTS


@pytest.mark.parametrize(
    ("asked", "decision", "state"),
    [
        ("returned", "uphold", State.SUBMITTED),
        ("returned", "designate", State.DISPATCHED),
        ("extended", "grant_extension", State.IN_PROGRESS),
        ("extended", "refuse_extension", State.IN_PROGRESS),
    ],
)
def test_each_answer_is_a_move_with_its_reason(console, request, asked, decision, state):
    ticket, browser = request.getfixturevalue(asked), console("desk_officer")
    form = {**sent(browser, ticket.code), "decision": decision, "reason": "核实过合同"}
    for _ in range(2):
        assert browser.post(f"/console/reviews/{ticket.code}", form).status_code == 302
    assert Ticket.objects.get(pk=ticket.pk).state == state
    events = TicketEvent.objects.filter(subject=ticket, verb=decision)
    assert [one.words.body for one in events] == [{"reason": "核实过合同"}]
    assert ticket.code not in browser.get("/console/reviews").content.decode()


def test_what_was_decided_meanwhile_is_refused_and_changes_nothing(console, today, returned):
    browser = console("desk_officer")
    form = {**sent(browser, returned.code), "decision": "uphold", "reason": "不归他们"}
    today.do("street_lead", returned.pk, "designate")
    answer = browser.post(f"/console/reviews/{returned.code}", form)
    assert answer.status_code == 409
    assert latest(returned) == "designate"
    headers = {"HX-Request": "true"}
    answer = browser.post(f"/console/reviews/{returned.code}", {**form, "key": "another"}, headers=headers)
    assert answer.status_code == 409
    assert latest(returned) == "designate"


def test_only_these_four_decisions_are_taken_here(console, returned):
    browser = console("desk_officer")
    for decision in ("", "reject", "terminate", "nothing"):
        form = {**sent(browser, returned.code), "decision": decision}
        assert browser.post(f"/console/reviews/{returned.code}", form).status_code == 404
    assert browser.post("/console/reviews/000000000", {"decision": "uphold"}).status_code == 404
    assert latest(returned) == "comment"


def test_words_too_long_come_back_with_the_reason(console, returned):
    browser = console("desk_officer")
    form = {**sent(browser, returned.code), "decision": "uphold", "reason": "长" * 3000}
    answer = browser.post(f"/console/reviews/{returned.code}", form)
    assert answer.status_code == 422
    assert "长长长" in answer.content.decode()
    assert latest(returned) == "comment"


def test_stored_scripts_stay_text_on_the_desk(console, today):
    bad = "<script>alert(1)</script>"
    ticket = today.file("CL05", title=bad, text=bad, spot=bad)
    today.do("dispatcher", ticket, "return", reason=bad)
    another = today.reach(State.ON_ACCOUNT, title=bad, spot=bad)
    assert Ticket.objects.get(pk=another).state == State.ON_ACCOUNT
    browser = console("desk_officer")
    for path in ("reviews", "account"):
        html = browser.get(f"/console/{path}").content.decode()
        assert "&lt;script&gt;alert" in html
        assert "<script>alert" not in html


def test_the_register_has_owner_plan_date_and_next_report(console, today):
    ticket = Ticket.objects.get(pk=today.reach(State.ON_ACCOUNT, title="要修规划道路"))
    html = console("desk_officer").get("/console/account").content.decode()
    for words in ("要修规划道路", ticket.code, "待规划建设", ticket.account_owner.name, str(ticket.account_plan_on)):
        assert words in html
    assert cost(console("desk_officer"), "/console/account") <= MOST_STATEMENTS


def test_the_register_shows_the_moments_of_contracts(console, today):
    from community import timers

    timers.fire_due()
    html = console("desk_officer").get("/console/account").content.decode()
    assert "合同节点" in html


def test_the_navigation_counts_what_waits(console, returned, extended):
    counts = console("desk_officer").get("/console/counts").content.decode()
    assert re.search(r'#count-reviews"[^>]*>2<', counts)
