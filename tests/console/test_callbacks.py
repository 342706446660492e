"""The call-back desk: who has it, what it shows, and what it records."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from community.models import Organisation, Street
from tests.people import seat
from tests.statements import cost
from tests.tickets.paths import rows
from tickets.models import Ticket, TicketClock, TicketEvent
from tickets.states import State

MOST_STATEMENTS = 12
FACTS = {"valid": "true", "contacted": "true", "resolved": "true", "satisfied": "5"}


@pytest.fixture
def due(scene):
    """`due("closed", 3)` is a ticket in that state whose call-back was due so many hours ago."""

    def made(state: str, hours: float = 1, **report: object) -> Ticket:
        scene.now = timezone.now() - timedelta(hours=5)
        key = scene.reach(state, **report)
        clock = TicketClock.objects.filter(subject=key, name="callback")
        assert clock.update(due_at=timezone.now() - timedelta(hours=hours)) == 1
        return Ticket.objects.get(pk=key)

    return made


def form(browser, code) -> dict[str, str]:
    """The hidden fields of the call's form."""
    html = browser.get(f"/console/callbacks/{code}").content.decode()
    part = html[html.index('id="form-callback"') :]
    return {name: re.search(rf'name="{name}" value="([^"]*)"', part)[1] for name in ("version", "key")}


def send(browser, ticket, **given):
    """Send the form of the call, as htmx does."""
    filled = {**form(browser, ticket.code), **FACTS, **given}
    return browser.post(f"/console/callbacks/{ticket.code}", filled, headers={"HX-Request": "true"})


def verbs(ticket) -> list[str]:
    return list(TicketEvent.objects.filter(subject=ticket).order_by("seq").values_list("verb", flat=True))


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
def test_the_desk_is_the_streets(console, due, who, status):
    ticket, browser = due("closed"), console(who)
    assert browser.get("/console/callbacks").status_code == status
    assert browser.get(f"/console/callbacks/{ticket.code}").status_code == status
    if status == 404:
        before = rows()
        answer = browser.post(f"/console/callbacks/{ticket.code}", {**FACTS, "version": ticket.version})
        assert answer.status_code == 404
        assert rows() == before


def test_who_works_for_another_street_and_lives_here_sees_the_face_of_a_ticket_and_no_call(console, due, cast):
    ticket = due("replied", text="电话19900000001，3号楼")
    other = Street.objects.create(code="other", name="另一街道")
    seat(cast["neighbour"], Organisation.objects.create(street=other, code="s", kind="section", name="另一街道科室"))
    browser = console("neighbour")
    assert browser.get(f"/console/t/{ticket.code}").status_code == 200
    assert browser.get("/console/callbacks").status_code == 200
    assert browser.get(f"/console/callbacks/{ticket.code}").status_code == 404
    before = rows()
    answer = browser.post(f"/console/callbacks/{ticket.code}", {**FACTS, "version": ticket.version})
    assert answer.status_code == 404
    assert rows() == before


def test_it_shows_both_sides_and_the_counts_in_few_statements(console, due):
    due("closed", 2, title="楼道灯不亮", text="一到晚上就看不见。")
    due("replied", -0.5)
    browser = console("desk_officer")
    html = browser.get("/console/callbacks").content.decode()
    for words in ("楼道灯不亮", "一到晚上就看不见。", "已整改", "有效回访", "是否联系"):
        assert words in html
    assert re.search(r"<b>1</b>已逾期", html)
    assert re.search(r"<b>1</b>今天到期", html)
    for code in Ticket.objects.values_list("code", flat=True):
        for path in ("/console/callbacks", f"/console/callbacks?after={code}", f"/console/callbacks/{code}"):
            assert cost(browser, path) <= MOST_STATEMENTS
    assert re.search(r'#count-callbacks"[^>]*>2<', browser.get("/console/counts").content.decode())


def test_it_takes_no_more_statements_for_a_ticket_with_an_officer_and_other_matters(console, due, scene, cast):
    ticket, browser = due("replied"), console("desk_officer")
    before = cost(browser, "/console/callbacks")
    scene.do("desk_officer", ticket.pk, "file_another", category="CL03", text="垃圾也没人清")
    scene.do("desk_officer", ticket.pk, "appoint", officer=str(cast["desk_officer"].pk))
    assert cost(browser, "/console/callbacks") <= before


def test_what_is_recorded_is_the_engines_call_back_and_the_next_one_comes(console, due):
    first, second = due("closed", 3, title="先到期的"), due("replied", 2, title="后到期的")
    browser = console("desk_officer")
    assert "先到期的" in browser.get("/console/callbacks").content.decode()
    filled = {**form(browser, first.code), **FACTS, "words": "修好了，谢谢"}
    for _ in range(2):
        answer = browser.post(f"/console/callbacks/{first.code}", filled, headers={"HX-Request": "true"})
        assert answer.status_code == 200
        assert "后到期的" in answer.content.decode()
    (event,) = TicketEvent.objects.filter(subject=first, verb="callback")
    facts = {name: event.data[name] for name in FACTS}
    assert facts == {"valid": True, "contacted": True, "resolved": True, "satisfied": 5}
    assert event.words.body == {"words": "修好了，谢谢"}
    assert send(browser, second).status_code == 200
    assert "没有要回访的" in browser.get("/console/callbacks").content.decode()


@pytest.mark.parametrize(
    ("state", "move", "then"), [("replied", "dispute", "in_progress"), ("closed", "reopen", "in_progress")]
)
def test_what_is_not_solved_goes_back_with_the_residents_words(console, due, state, move, then):
    ticket = due(state)
    answer = send(console("desk_officer"), ticket, resolved="false", satisfied="1", words="还在漏", back=move)
    assert answer.status_code == 200
    assert verbs(ticket)[-2:] == ["callback", move]
    assert TicketEvent.objects.get(subject=ticket, verb=move).words.body == {"reason": "还在漏"}
    assert Ticket.objects.get(pk=ticket.pk).state == State(then)


def test_without_the_tick_or_with_a_satisfied_resident_it_stays(console, due):
    kept, solved = due("replied", 3), due("replied", 2)
    browser = console("desk_officer")
    send(browser, kept, resolved="false", satisfied="2", words="算了")
    send(browser, solved, back="dispute", words="好")
    for ticket in (kept, solved):
        assert verbs(ticket)[-1] == "callback"
        assert Ticket.objects.get(pk=ticket.pk).state == State.REPLIED


def test_going_back_without_words_and_facts_left_out_change_nothing(console, due):
    ticket, browser = due("replied"), console("desk_officer")
    before = rows()
    answer = send(browser, ticket, resolved="false", satisfied="1", back="dispute")
    assert answer.status_code == 422
    assert "要写居民怎么说" in answer.content.decode()
    answer = send(browser, ticket, satisfied="", words="灯亮了")
    assert answer.status_code == 422
    assert "灯亮了" in answer.content.decode()
    assert send(browser, ticket, resolved="false", words="再办", back="terminate").status_code == 404
    assert rows() == before


def test_a_lost_race_changes_nothing_and_keeps_the_words(console, due, scene):
    ticket, browser = due("closed"), console("desk_officer")
    filled = {**form(browser, ticket.code), **FACTS, "words": "老人说修好了"}
    scene.do("street_lead", ticket.pk, "callback", valid=True, contacted=True, resolved=True, satisfied=4)
    before = rows()
    answer = browser.post(f"/console/callbacks/{ticket.code}", filled, headers={"HX-Request": "true"})
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "每件工单只回访一次" in html
    assert "老人说修好了" in html
    assert rows() == before


def test_what_cannot_go_back_any_more_is_said_after_the_call_was_recorded(console, due):
    ticket, browser = due("closed"), console("desk_officer")
    filled = form(browser, ticket.code)
    Ticket.objects.filter(pk=ticket.pk).update(closed_at=timezone.now() - timedelta(days=400))
    sent = {**filled, **FACTS, "satisfied": "1", "words": "又坏了", "back": "reopen"}
    answer = browser.post(f"/console/callbacks/{ticket.code}", sent, headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert "回访已登记，但没有退回" in answer.content.decode()
    assert "又坏了" in answer.content.decode()
    assert verbs(ticket)[-1] == "callback"


def test_whoever_is_not_reached_is_noted_and_comes_again_at_the_end(console, due):
    first, second = due("closed", 3, title="没人接"), due("closed", 2, title="第二位")
    browser = console("desk_officer")
    sent = {**form(browser, first.code), "missed": "1", "words": "响了很久"}
    answer = browser.post(f"/console/callbacks/{first.code}", sent, headers={"HX-Request": "true"})
    assert "第二位" in answer.content.decode()
    assert TicketEvent.objects.filter(subject=first).latest("seq").words.body == {"text": "回访：没有打通。响了很久"}
    answer = send(browser, second)
    assert "没人接" in answer.content.decode()
    assert "响了很久" in answer.content.decode()
    assert verbs(first).count("callback") == 0


def test_the_number_is_revealed_on_record_while_the_ticket_is_open_and_not_afterwards(console, due, cast):
    ticket, closed = due("replied", 3), due("closed", 2)
    browser, number = console("desk_officer"), cast["resident"].phone
    html = browser.get(f"/console/callbacks/{ticket.code}").content.decode()
    assert number not in html
    sent = {**form(browser, ticket.code), "reveal": "1", "reason": "回访"}
    answer = browser.post(f"/console/callbacks/{ticket.code}", sent, headers={"HX-Request": "true"})
    assert number in answer.content.decode()
    assert verbs(ticket)[-1] == "reveal"
    html = browser.get(f"/console/callbacks/{closed.code}").content.decode()
    assert number not in html
    assert "号码不再显示" in html
    before = rows()
    answer = browser.post(f"/console/callbacks/{closed.code}", sent, headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert rows() == before


def test_those_of_other_days_are_called_where_one_asks_for_them(console, due):
    due("closed", -24 * 5, title="下周到期")
    browser = console("desk_officer")
    assert "下周到期" not in browser.get("/console/callbacks").content.decode()
    for after in ("", "&after=x", "&after=%00"):
        assert "下周到期" in browser.get(f"/console/callbacks?ahead=1{after}").content.decode()


def test_stored_scripts_stay_text_on_the_call_back_desk(console, due, scene):
    bad = "<script>alert(1)</script>"
    ticket = due("replied", title=bad, text=bad, spot=bad)
    scene.do("resident", ticket.pk, "dispute", reason=bad)
    html = console("desk_officer").get(f"/console/callbacks/{ticket.code}").content.decode()
    assert "&lt;script&gt;alert" in html
    assert "<script>alert" not in html
