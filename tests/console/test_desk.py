import re
from datetime import timedelta

import pytest
from django.utils import timezone

from casework.duties import sweep
from community.models import Organisation, ServiceContract
from tests.console.test_queue import MOST_STATEMENTS, code, listed, poll
from tests.statements import cost
from tickets.kind import TICKETS
from tickets.models import Ticket
from tickets.models import service_level as service_levels
from tickets.reading import outcomes
from tickets.reading.deadlines import when
from tickets.reading.lists import ScopedList
from web.paging import PageRequest
from workflow import moment
from workflow.ladder import Ladder, Rung


@pytest.fixture
def today(scene):
    """The scene within the last hours."""
    scene.now = timezone.now() - timedelta(hours=2)
    return scene


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("chair", 200),
        ("member", 200),
        ("other_chair", 200),
        ("residents_committee_worker", 404),
        ("desk_officer", 404),
        ("street_lead", 404),
        ("dispatcher", 404),
        ("worker", 404),
        ("lift_dispatcher", 404),
        ("resident", 404),
        ("outsider", 404),
        ("former_member", 404),
    ],
)
def test_the_desk_is_for_members_of_committees_and_shows_each_their_own(console, today, who, status):
    ticket = today.file("PK01")
    browser = console(who)
    for address in ("/console/desk", "/console/desk?tab=open", "/console/desk/companies"):
        answer = browser.get(address)
        assert answer.status_code == status
        assert (code(ticket) in answer.content.decode()) == (who in ("chair", "member") and "companies" not in address)


def test_a_member_of_a_committee_starts_with_the_desk(console):
    assert console("chair").get("/console/", follow=True).redirect_chain == [("/console/desk", 302)]


def test_what_has_waited_longest_comes_first_with_what_happens_when_its_time_ends(console, today):
    first = today.file("PK01", title="乱停车")
    today.now += timedelta(minutes=30)
    second = today.file("CL06", title="楼道堆物")
    today.file("CL03")
    page = console("chair").get("/console/desk")
    assert listed(page) == [code(first), code(second)]
    due = Ticket.objects.get(pk=first).clock_rows.get(name="coordinate").due_at
    assert f"街道将于 {when(due, timezone.now())[0]} 接管" in page.content.decode()


def swept(at):
    with moment.at(at):
        sweep(TICKETS)


def test_the_street_does_take_over_at_that_moment_and_the_ticket_leaves_the_desk(console, today):
    ticket = today.file("PK01")
    due = Ticket.objects.get(pk=ticket).clock_rows.get(name="coordinate").due_at
    swept(due - timedelta(minutes=1))
    assert listed(console("chair").get("/console/desk")) == [code(ticket)]
    swept(due + timedelta(seconds=1))
    assert Ticket.objects.get(pk=ticket).coordinator_id == today.codes["section-property"]
    assert listed(console("chair").get("/console/desk")) == []


def times(scene, who="chair"):
    actor = scene.actor(who)
    rows = ScopedList(scope="coordinating").read(actor, PageRequest()).rows
    return [one.words or one.paused for one in outcomes.coordination(rows, actor.at).values()]


@pytest.mark.parametrize(
    ("rungs", "words"),
    [
        ((Rung("due", ("raise_level", "remind"), share=100),), "将于 6月5日 24:00 提级至 L1"),
        ((Rung("due", ("supervise",), share=100),), "街道将于 6月5日 24:00 督办"),
        ((Rung("due", ("lapse", "remind"), share=100),), "将于 6月5日 24:00 提醒"),
        (
            (Rung("half", ("take_over",), share=50), Rung("later", ("remind",), after=timedelta(days=1))),
            "将于 6月6日 24:00 提醒",
        ),
        (
            (Rung("daily", ("take_over",), after=timedelta(hours=1), every=timedelta(days=1)),),
            "街道将于 6月6日 01:00 接管",
        ),
        ((Rung("half", ("remind",), share=50),), ""),
    ],
)
def test_what_happens_is_what_the_ladder_says(scene, monkeypatch, rungs, words):
    scene.file("PK01")
    level = service_levels.level(1)
    monkeypatch.setitem(level.ladders, "coordinate", Ladder(rungs))  # type: ignore[arg-type]
    assert times(scene) == [words]


def test_while_the_resident_is_asked_nothing_is_due(scene):
    ticket = scene.file("PK01")
    scene.do("chair", ticket, "ask", question="哪个车位？")
    (said,) = times(scene)
    assert said == "等待诉求人补充"


def test_the_tabs_count_what_they_list(console, today):
    today.file("PK01")
    held = today.file("CL03")
    browser = console("chair")
    due = Ticket.objects.get(pk=held).next_due_at
    with moment.at(due + timedelta(seconds=1)):
        page = browser.get("/console/desk?tab=late")
        found = dict(re.findall(r"(待协调|已超时|全部在办)<b>(\d+)</b>", page.content.decode()))
        assert found == {"待协调": "1", "已超时": "1", "全部在办": "2"}
        assert listed(page) == [code(held)]
        assert len(listed(browser.get("/console/desk?tab=open"))) == 2


def test_the_number_of_each_company_leads_to_exactly_its_tickets(console, today):
    mine = today.file("CL03")
    late = today.file("RP01")
    today.file("PK01")
    other = today.file("CL03")
    today.do("desk_officer", other, "redispatch", holder="co-jinglin", reason="更合适")
    browser = console("chair")
    with moment.at(Ticket.objects.get(pk=late).next_due_at + timedelta(seconds=1)):
        page = browser.get("/console/desk/companies").content.decode()
        office = str(today.codes["po-a01"])
        assert f'<a href="/console/desk?tab=open&amp;holder={office}">在办 2</a>' in page
        assert f'href="/console/desk?tab=late&amp;holder={office}"' in page
        assert re.search(r"超时 1</a>", page)
        assert set(listed(browser.get(f"/console/desk?tab=open&holder={office}"))) == {code(mine), code(late)}
        assert listed(browser.get(f"/console/desk?tab=late&holder={office}")) == [code(late)]
        cleaners = str(today.codes["co-jinglin"])
        assert listed(browser.get(f"/console/desk?tab=open&holder={cleaners}")) == [code(other)]
    assert "知行安居逸成社区小区项目部" not in page


def test_a_company_without_tickets_is_there_and_one_whose_contract_ended_is_not(console, today):
    assert "天岳恒学院路14号院项目部</b>" in console("chair").get("/console/desk/companies").content.decode()
    yesterday = timezone.localdate() - timedelta(days=1)
    contracts = ServiceContract.objects.filter(provider=Organisation.objects.get(code="po-a01"), ends_on=None)
    assert contracts.update(ends_on=yesterday)
    assert "天岳恒学院路14号院项目部</b>" not in console("chair").get("/console/desk/companies").content.decode()


def test_the_desk_takes_no_more_than_twelve_statements(console, today):
    for _ in range(3):
        today.file("PK01")
        today.file("CL03")
    browser, office = console("chair"), today.codes["po-a01"]
    for address in ("/console/desk", f"/console/desk?tab=open&holder={office}&q=标题", "/console/desk/companies"):
        assert cost(browser, address) <= MOST_STATEMENTS, address


def test_an_idle_poll_of_the_desk_is_answered_304_and_what_happens_changes_the_tag(console, today):
    ticket = today.file("PK01")
    browser = console("chair")
    tag = poll(browser, "/console/desk")["HX-PTag"]
    assert poll(browser, "/console/desk", tag).status_code == 304
    today.do("resident", ticket, "urge", reason="快点")
    answer = poll(browser, "/console/desk", tag)
    assert answer.status_code == 200
    today.file("CL03", who="resident_yicheng", compound_id=None, street_id=Ticket.objects.get(pk=ticket).street_id)
    assert poll(browser, "/console/desk", answer["HX-PTag"]).status_code == 304
    headers = {"HX-Request": "true", "HX-Target": "section#companies"}
    tag = browser.get("/console/desk/companies", headers=headers)["HX-PTag"]
    assert browser.get("/console/desk/companies", headers=headers | {"HX-PTag": tag}).status_code == 304
    today.file("CL03")
    assert browser.get("/console/desk/companies", headers=headers | {"HX-PTag": tag}).status_code == 200


def test_parameters_that_no_list_takes_are_not_found(console):
    assert console("chair").get("/console/desk?holder=x").status_code == 404
    assert console("chair").get("/console/desk?tab=nothing").status_code == 200
