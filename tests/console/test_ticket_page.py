import re
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.console.browser.lives import lived
from tests.statements import cost
from tickets import announce
from tickets.models import Ticket, TicketEvent
from tickets.states import State

MOST_STATEMENTS = 12


@pytest.fixture
def today(scene):
    """The scene within the last days, so that the course has a past."""
    scene.now = timezone.now() - timedelta(days=3)
    return scene


@pytest.fixture
def life(scene):
    """A ticket of five days ago."""
    return Ticket.objects.get(pk=lived(scene, timezone.now()))


def code(pk) -> str:
    return str(Ticket.objects.get(pk=pk).code)


def page(console, who, path) -> str:
    answer = console(who).get(f"/console/t/{path}")
    assert answer.status_code == 200
    return str(answer.content.decode())


def plain(html: str) -> str:
    """What a page says, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.mark.parametrize("state", list(State))
def test_the_page_of_a_ticket_keeps_to_its_statements_in_any_state(console, today, state):
    path = code(today.reach(state))
    for who in ("desk_officer", "chair", "dispatcher"):
        if console(who).get(f"/console/t/{path}").status_code != 200:
            assert who == "dispatcher"
            continue
        assert cost(console(who), f"/console/t/{path}") <= MOST_STATEMENTS
        assert cost(console(who), f"/console/t/{path}/related") <= MOST_STATEMENTS
    assert cost(console("desk_officer"), f"/console/t/{path}/messages") <= MOST_STATEMENTS


@pytest.mark.parametrize(
    ("who", "page_of", "related", "messages"),
    [
        ("dispatcher", 200, 200, 404),
        ("worker", 200, 200, 404),
        ("manager", 200, 200, 404),
        ("other_dispatcher", 200, 200, 404),
        ("lift_dispatcher", 200, 200, 404),
        ("chair", 200, 200, 404),
        ("other_chair", 404, 404, 404),
        ("residents_committee_worker", 200, 200, 404),
        ("desk_officer", 200, 200, 200),
        ("street_lead", 200, 200, 200),
        ("resident", 404, 404, 404),
        ("outsider", 404, 404, 404),
    ],
)
def test_the_page_and_its_sections_are_for_whom_they_are(console, life, who, page_of, related, messages):
    browser = console(who)
    found = [browser.get(f"/console/t/{life.code}{part}").status_code for part in ("", "/related", "/messages")]
    assert found == [page_of, related, messages]
    assert browser.get("/console/t/000000000/messages").status_code == 404


def test_the_axis_says_who_was_waited_for_and_how_the_clocks_ran(console, life):
    html = page(console, "desk_officer", life.code)
    table = plain(html[html.index("各阶段等谁") : html.index("</figure>")])
    for words in (
        "协调中 物管会",
        "办理中 天岳恒学院路14号院项目部",
        "等待补充 诉求人",
        "签收",
        "先行联系",
        "办结",
        "全程",
    ):
        assert words in table
    assert re.search(r"暂停.*等待补充", table)
    assert html.count('class="pause"') >= 2
    assert " style=" not in html


def test_a_former_holder_sees_no_axis_no_parties_and_no_faces(console, life):
    html = page(console, "other_dispatcher", life.code)
    assert "时间轴" not in html
    assert "邻居看到的" not in html
    assert "涉及用电安全" not in html


def test_the_parties_stand_with_those_who_had_a_part(console, life):
    html = page(console, "desk_officer", life.code)
    parties = plain(html[html.index('class="parties"') : html.index('class="neighbours"')])
    assert re.search(r"14号院项目部 主办 .*罗海宁", parties)
    assert "协办" in parties
    assert "已改派" in parties


def test_neighbours_are_shown_as_they_read_it(console, life):
    html = page(console, "desk_officer", life.code)
    face = html[html.index('class="neighbours"') : html.index('class="reveals"')]
    assert "***" in face
    assert "13812345678" not in face
    # Of the work they read that it went on, and no words.
    assert "进展" in face
    assert "已断电保护" not in face
    assert f"/console/t/{life.code}/redact" in face
    assert f"/console/t/{life.code}/redact" not in page(console, "dispatcher", life.code)


def test_the_street_reads_who_saw_the_contact_and_nobody_else_does(console, life):
    assert "谁看过联系方式" in page(console, "desk_officer", life.code)
    assert "谁看过联系方式" not in page(console, "dispatcher", life.code)


def test_what_is_redacted_is_gone_from_the_preview(console, life):
    browser, entry = console("desk_officer"), TicketEvent.objects.get(subject=life, verb="ask")
    form = browser.get(f"/console/t/{life.code}/redact").content.decode()
    sent = {name: re.search(rf'name="{name}" value="([^"]*)"', form)[1] for name in ("version", "key")}
    answer = browser.post(
        f"/console/t/{life.code}/redact",
        {**sent, "text": "车库顶板渗水。", "reason": "隐去住户信息", "events": str(entry.seq)},
    )
    assert answer.status_code == 302
    assert Ticket.objects.get(pk=life.pk).redacted_events == [entry.seq]
    assert "电表箱是几号楼的" not in browser.get(f"/console/t/{life.code}/redact").content.decode().split("经过")[0]
    html = page(console, "desk_officer", life.code)
    face = html[html.index('class="neighbours"') : html.index('class="reveals"')]
    assert "车库顶板渗水。" in face
    assert "担心漏电" not in face


def test_messages_name_roles_and_organisations_and_no_person(console, life, cast):
    while announce.tell_outbox():
        pass
    text = plain(page(console, "desk_officer", f"{life.code}/messages"))
    assert "诉求人" in text
    assert "天岳恒学院路14号院项目部 · " in text
    assert "站内信" in text
    body = text[text.index("通知记录") :]
    for person in cast:
        assert cast[person].phone not in body
    assert cast["dispatcher"].name not in body


def test_merged_and_similar_tickets_are_linked(console, today):
    first, second, third = today.file(title="甲"), today.file(title="乙"), today.file(title="丙")
    today.do("chair", second, "merge", into=str(first))
    text = page(console, "desk_officer", f"{code(first)}/related")
    assert f"/console/t/{code(second)}" in text
    assert f"/console/t/{code(third)}" in text
    assert "已并入本单" in text
    assert "并入此单" in page(console, "desk_officer", f"{code(second)}/related")
    today.file(title="丁", who="resident_yicheng", secrecy="anonymous")


def test_stored_scripts_stay_text(console, today):
    bad = "<script>alert(1)</script>"
    ticket = today.file(title=bad, text=bad, spot=bad)
    today.do("desk_officer", ticket, "supervise", kind="listed", reason=bad)
    another = today.file(title=bad)
    for path in (code(ticket), f"{code(another)}/related", f"{code(ticket)}/messages"):
        assert "<script>alert" not in page(console, "desk_officer", path)


def test_after_a_move_htmx_gets_the_whole_page_where_it_shows_it(console, life):
    browser, headers = console("dispatcher"), {"HX-Request": "true"}
    html = browser.get(f"/console/t/{life.code}/progress", {"whole": "1"}, headers=headers).content.decode()
    assert "时间轴" in html
    assert "<html" not in html
    sent = {name: re.search(rf'name="{name}" value="([^"]*)"', html)[1] for name in ("version", "key")}
    answer = browser.post(
        f"/console/t/{life.code}/progress", {**sent, "text": "注浆完成", "whole": "1"}, headers=headers
    )
    assert answer.status_code == 200
    assert "时间轴" in answer.content.decode()
    assert TicketEvent.objects.filter(subject=life).latest("seq").verb == "progress"
    assert "时间轴" not in browser.get(f"/console/t/{life.code}", headers=headers).content.decode()
