"""The intake desk: who has it, what is filed, and what stands beside the form."""

import re

import pytest
from django.utils import timezone

from tests.statements import cost, statements
from tests.tickets.paths import HOME, rows
from tickets.api.tickets import CounterLimit
from tickets.models import Ticket, TicketEvent
from tickets.states import State

MOST_STATEMENTS = 12
REPORT = {
    "channel": "phone",
    "contact_name": "李大爷",
    "contact_phone": "19912345678",
    "place": HOME,
    "spot": "3号楼2单元",
    "type": "help",
    "category": "RP04",
    "text": "楼道灯不亮，晚上看不见。",
    "secrecy": "open",
    "hidden": "",
}


def send(browser, **given):
    """Send the form as htmx does."""
    filled = {**REPORT, "key": "one", **given}
    return browser.post("/console/intake", filled, headers={"HX-Request": "true"})


def beside(browser, **given) -> str:
    """What stands beside the form."""
    answer = browser.post("/console/intake/beside", {**REPORT, **given}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("desk_officer", 200),
        ("street_lead", 200),
        ("dispatcher", 200),
        ("chair", 200),
        ("residents_committee_worker", 200),
        ("traffic_liaison", 404),
        ("resident", 404),
        ("outsider", 404),
    ],
)
def test_those_who_serve_the_place_take_reports_down(console, scene, who, status):
    browser, before = console(who), rows()
    assert browser.get("/console/intake").status_code == status
    assert browser.post("/console/intake/beside", REPORT).status_code == status
    assert rows() == before
    assert send(browser).status_code == status
    assert Ticket.objects.count() == (status == 200)


def test_what_is_filed_is_the_callers_and_the_number_is_told(console, scene, cast):
    answer = send(console("desk_officer"))
    ticket = Ticket.objects.get()
    html = answer.content.decode()
    assert f"<code>{ticket.code}</code>" in html
    assert (ticket.contact_name, ticket.contact_phone, ticket.reporter_id) == ("李大爷", "19912345678", None)
    assert (ticket.channel, ticket.spot, ticket.text) == ("phone", "3号楼2单元", "楼道灯不亮，晚上看不见。")
    assert ticket.taken_by_id == cast["desk_officer"].pk
    assert TicketEvent.objects.get(subject=ticket).on_behalf == "reporter"
    assert "channel=phone" in html


def test_sent_twice_it_is_one_ticket_and_with_other_words_it_is_refused(console, scene):
    browser = console("desk_officer")
    codes = {re.search(r'class="code"><code>(\w+)', send(browser).content.decode())[1] for _ in range(2)}
    assert codes == {Ticket.objects.get().code}
    before = rows()
    assert send(browser, text="别的事").status_code == 422
    assert rows() == before


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"place": ""}, "请选择小区"),
        ({"place": "没有这个地方"}, "没有这个小区或街道"),
        ({"place": "院"}, "请写全"),
        ({"place": "\0"}, "没有这个小区或街道"),
        ({"category": ""}, "该字段是必填项"),
        ({"category": "ZZ99"}, "没有这个事项分类"),
        ({"text": ""}, "该字段是必填项"),
        ({"contact_phone": "12"}, "联系电话"),
        ({"channel": "patrol"}, "渠道"),
        ({"type": "nothing"}, "类型"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(console, scene, given, said):
    browser, before = console("desk_officer"), rows()
    answer = send(browser, **{"contact_name": "王女士", **given})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert said in html
    assert 'role="alert"' in html
    assert "王女士" in html
    assert rows() == before


def test_the_hotline_is_the_streets_and_its_number_is_filed_once(console, scene):
    hotline = {"channel": "hotline", "hotline_number": "BJ-2025-1"}
    assert 'value="hotline"' not in console("dispatcher").get("/console/intake").content.decode()
    before = rows()
    assert send(console("dispatcher"), **hotline).status_code == 422
    assert rows() == before
    browser = console("desk_officer")
    assert send(browser, **hotline).status_code == 200
    before = rows()
    answer = send(browser, **hotline, key="two")
    assert answer.status_code == 422
    assert Ticket.objects.get().code in answer.content.decode()
    assert rows() == before


def test_a_company_files_for_no_place_that_it_does_not_serve(console, scene):
    before = rows()
    answer = send(console("other_dispatcher"))
    assert answer.status_code == 422
    assert rows() == before


def test_more_than_a_desk_takes_in_an_hour_is_refused(console, scene, monkeypatch):
    monkeypatch.setattr(CounterLimit, "scope", "intake test")
    monkeypatch.setattr(CounterLimit, "requests", 1)
    browser = console("desk_officer")
    send(browser)
    before = rows()
    answer = send(browser, key="two")
    assert answer.status_code == 422
    assert "太频繁" in answer.content.decode()
    assert rows() == before


def test_public_ground_is_the_streets(console, scene):
    place = "学院路街道公共区域"
    assert place in console("desk_officer").get("/console/intake").content.decode()
    assert place not in console("dispatcher").get("/console/intake").content.decode()
    send(console("desk_officer"), place=place, category="CL03")
    assert Ticket.objects.get().compound_id is None


def test_beside_the_form_stand_its_way_its_deadlines_and_what_is_like_it(console, scene):
    scene.now = timezone.now()
    scene.file("RP04", title="楼道灯不亮", text="楼道灯不亮，晚上看不见路。")
    browser, before = console("desk_officer"), rows()
    html = beside(browser)
    for words in ("天岳恒学院路14号院项目部", "楼道灯不亮", "登记并入这张", "办结"):
        assert words in html
    assert rows() == before
    assert "登记并入这张" not in beside(console("dispatcher"))
    assert "选好地点和分类" in beside(browser, category="")
    assert "没有这个事项分类" in beside(browser, category="ZZ99\0")
    beside(browser, channel="x", type="y", text="\0")
    with statements() as made:
        beside(browser)
    assert len(made) <= MOST_STATEMENTS


def test_the_caller_is_added_to_an_open_ticket_by_a_merger(console, scene):
    scene.now = timezone.now()
    master = Ticket.objects.get(pk=scene.file("RP04", title="楼道灯不亮"))
    browser = console("desk_officer")
    for _ in range(2):
        html = send(browser, into=master.code).content.decode()
    made = Ticket.objects.exclude(pk=master.pk).get()
    assert (made.state, made.merged_into_id) == (State.MERGED, master.pk)
    assert made.code in html
    assert "已并入" in html


@pytest.mark.parametrize("into", ["000000000", "x", "\0"])
def test_what_cannot_be_merged_is_filed_by_itself_and_that_is_said(console, scene, into):
    html = send(console("desk_officer"), into=into).content.decode()
    assert Ticket.objects.get().state != State.MERGED
    assert "没有并入" in html
    assert Ticket.objects.get().code in html


def test_who_may_not_merge_files_by_itself(console, scene):
    scene.now = timezone.now()
    master = Ticket.objects.get(pk=scene.file("RP04"))
    html = send(console("dispatcher"), into=master.code).content.decode()
    assert "没有并入" in html
    assert Ticket.objects.exclude(pk=master.pk).get().state != State.MERGED


def test_the_form_takes_few_statements(console, scene):
    for who in ("desk_officer", "dispatcher", "chair"):
        assert cost(console(who), "/console/intake") <= MOST_STATEMENTS


def test_stored_scripts_stay_text_on_the_intake_desk(console, scene):
    scene.now = timezone.now()
    bad = "<script>alert(1)</script>"
    scene.file("RP04", title=bad, text=bad, spot=bad)
    browser = console("desk_officer")
    for html in (beside(browser), send(browser, text=bad, place=bad).content.decode()):
        assert "&lt;script&gt;alert" in html
        assert "<script>alert" not in html
