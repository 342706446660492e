import re

import pytest

from console.buildings import building, order
from tests.people import seat
from tests.statements import cost
from tickets.models import Ticket

MOST_STATEMENTS = 12


def given(scene, who="worker", **report):
    """A ticket that a worker was given."""
    ticket = scene.file("CL03", **report)
    scene.do("dispatcher", ticket, "sign", worker=who)
    return str(Ticket.objects.get(pk=ticket).code)


def shown(page) -> list[tuple[str, list[str]]]:
    """The stops of a round with the numbers at each."""
    stops = re.findall(r'data-building="([^"]*)">(.*?)</section>', page.content.decode(), re.DOTALL)
    return [(name, re.findall(r'data-code="(\w+)"', rows)) for name, rows in stops]


def test_a_round_goes_from_building_to_building_in_the_order_of_their_numbers(console, scene):
    none = given(scene, spot="中心花园")
    twelve = given(scene, spot="12号楼1单元")
    three, late = given(scene, spot="3号楼"), given(scene, spot="", text="三号楼门口的垃圾桶满了。")
    urgent = given(scene, spot="３栋2单元")
    Ticket.objects.filter(code=urgent).update(urgent=True)
    given(scene, who="dispatcher")
    scene.file("CL03", spot="1号楼")
    browser = console("worker")
    page = browser.get("/console/round")
    assert shown(page) == [("3号楼", [urgent, three, late]), ("12号楼", [twelve]), ("未写明楼栋", [none])]
    assert cost(browser, "/console/round") <= MOST_STATEMENTS


def test_a_round_has_no_contact_and_no_words_of_residents(console, scene):
    given(scene, title="家里漏水", text="请打13900139000，找老王。", spot="3号楼2单元401")
    page = console("worker").get("/console/round").content.decode()
    for secret in ("漏水", "13900139000", "老王", "401", "2单元", scene.cast["resident"].name):
        assert secret not in page


def test_what_is_with_others_is_off_the_round(console, scene):
    ticket = scene.at_work("CL03")
    assert len(shown(console("dispatcher").get("/console/round"))) == 1
    scene.do("dispatcher", ticket, "return", reason="不归我们")
    page = console("dispatcher").get("/console/round")
    assert shown(page) == []
    assert "没有要跑的单" in page.content.decode()


@pytest.mark.parametrize("who", ["chair", "street_lead", "desk_officer", "resident", "traffic_liaison"])
def test_who_does_no_work_at_places_has_no_round(console, who):
    browser = console(who)
    assert browser.get("/console/round").status_code == 404
    assert '/console/round"' not in browser.get("/console/queue").content.decode()


def test_somebody_of_two_organisations_has_one_round(console, scene, cast):
    code = given(scene)
    seat(cast["worker"], "po-a02")
    assert [rows for _, rows in shown(console("worker").get("/console/round"))] == [[code]]


def test_what_the_browser_keeps_holds_nobodys_data(client, db):
    answer = client.get("/console/round/worker.js")
    assert answer["Service-Worker-Allowed"] == "/console/round"
    assert answer["Content-Type"] == "text/javascript"
    assert "/console/round/offline" in answer.content.decode()
    page = client.get("/console/round/offline").content.decode()
    assert '<main id="main" class="round"></main>' in page
    assert "data-person" not in page


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("3号楼2单元401",), "3"),
        (("12栋",), "12"),
        (("１２号楼",), "12"),
        (("十二号楼",), "12"),
        (("二十号楼",), "20"),
        (("一百零三号楼",), "103"),
        (("b座1203",), "B"),
        (("3 号楼",), "3"),
        (("门口", "五号楼门口"), "5"),
        (("3楼道灯不亮",), ""),
        (("3楼上漏水",), ""),
        (("3单元",), ""),
        (("",), ""),
    ],
)
def test_the_building_is_read_out_of_words(words, found):
    assert building(*words) == found


def test_buildings_stand_by_number():
    assert sorted(["B", "12", "", "3", "A"], key=order) == ["3", "12", "A", "B", ""]
