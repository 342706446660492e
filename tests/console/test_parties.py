"""Who is concerned by a ticket, and the records of their meetings, for those who coordinate."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.console.browser.lives import lived
from tests.console.test_ticket_page import MOST_STATEMENTS, page, plain
from tests.statements import cost
from tickets.models import Ticket
from tickets.states import State

HTMX = {"HX-Request": "true"}


@pytest.fixture
def parking(scene) -> Ticket:
    """A ticket that the committee coordinates: it asked the resident, called a department, and met twice, once with a photo."""
    scene.now = timezone.now() - timedelta(hours=30)
    ticket = scene.file("PK01", title="消防通道停满了车")
    scene.do("tenant", ticket, "cosign")
    scene.do("chair", ticket, "ask", question="夜里几点开始停满？")
    scene.do("resident", ticket, "answer", answer="晚上十点以后。")
    scene.do("desk_officer", ticket, "whistle", departments=["dept-traffic-police"], reason="请交管支队到场")
    scene.do("chair", ticket, "record", met_with="物业经理", agreed="先划禁停线。", photos=[scene.photo("chair")])
    scene.do("chair", ticket, "record", met_with="物业经理、业主代表", agreed="夜间巡查。", minutes="两小时。")
    return Ticket.objects.get(pk=ticket)


def block(html: str, name: str) -> str:
    """What one section says, without its tags; empty where it is not there."""
    found = re.search(rf'<section class="{name}">.*?</section>', html, re.DOTALL)
    return plain(found[0]) if found else ""


@pytest.mark.parametrize("who", ["chair", "desk_officer"])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_those_who_coordinate_read_the_parties_with_what_each_was_asked_and_answered(console, parking, who, headers):
    html = console(who).get(f"/console/t/{parking.code}", headers=headers).content.decode()
    assert html.count('class="parties"') == 1
    text = block(html, "parties")
    assert "学院路14号院物业管理委员会 协调" in text
    assert re.search(r"诉求人 附议 1 被问 夜里几点开始停满？ .* 答复 晚上十点以后。", text)
    assert re.search(r"被要求 吹哨：请交管支队到场 .* 答复 还没有", text)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_the_records_stand_above_the_history_the_newest_first(console, parking, headers):
    html = console("chair").get(f"/console/t/{parking.code}", headers=headers).content.decode()
    assert html.index('class="records"') < html.index('class="history"')
    text = block(html, "records")
    assert text.index("夜间巡查。") < text.index("先划禁停线。")
    assert "参加 物业经理、业主代表 达成 夜间巡查。 纪要 两小时。" in text
    section = re.search(r'<section class="records">.*?</section>', html, re.DOTALL)[0]
    (photo,) = parking.photos.all()
    assert re.findall(r'src="/api/v1/photos/([^/]+)/thumb"', section) == [str(photo.pk)]
    assert section.index("先划禁停线。") < section.index(str(photo.pk))


def test_a_question_without_an_answer_says_that_it_waits(console, scene, parking):
    scene.do("chair", parking.pk, "ask", question="车牌号记得吗？")
    text = block(page(console, "chair", parking.code), "parties")
    assert re.search(r"被问 车牌号记得吗？ .* 答复 还没有，时限暂停", text)
    assert "晚上十点以后。" not in text


def test_a_holder_stands_with_what_it_was_asked_and_last_said_and_the_page_of_others_stays_as_it_was(console, scene):
    life = Ticket.objects.get(pk=lived(scene, timezone.now()))
    text = block(page(console, "desk_officer", life.code), "parties")
    assert re.search(r"14号院项目部 主办 .* 被要求 督办：涉及用电安全 .* 答复 进展：已断电保护", text)
    assert re.search(r"被问 电表箱是几号楼的？ .* 答复 3号楼，靠东侧楼梯。", text)
    text = block(page(console, "dispatcher", life.code), "parties")
    assert "14号院项目部 主办" in text
    assert "答复" not in text
    # Beside a list the parties come first only while they are brought together.
    assert not block(console("desk_officer").get(f"/console/t/{life.code}", headers=HTMX).content.decode(), "parties")


@pytest.mark.parametrize("who", ["dispatcher", "residents_committee_worker"])
def test_the_records_are_for_those_who_coordinate(console, scene, parking, who):
    scene.do("chair", parking.pk, "dispatch", holder="po-a01")
    assert block(page(console, "chair", parking.code), "records")
    assert not block(page(console, who, parking.code), "records")


def test_records_cost_no_statement_more(console, scene, parking):
    for who in ("chair", "desk_officer"):
        for path in ("", "/dispatch"):
            assert cost(console(who), f"/console/t/{parking.code}{path}") <= MOST_STATEMENTS
    scene.do("chair", parking.pk, "dispatch", holder="po-a01")
    assert Ticket.objects.get(pk=parking.pk).state == State.DISPATCHED
    assert cost(console("chair"), f"/console/t/{parking.code}") <= MOST_STATEMENTS
