"""Choosing organisations in the forms of a ticket's moves."""

import re

import pytest
from django.utils import timezone

from tests.console.test_ticket import form, verbs
from tests.statements import cost
from tickets.models import Ticket

MOST_STATEMENTS = 12


@pytest.fixture
def parking(scene):
    """A ticket that the committee coordinates."""
    scene.now = timezone.now()
    return Ticket.objects.get(pk=scene.file("PK01"))


def chosen(page: str, field: str) -> str:
    select = re.search(rf'<select id="[a-z_]+-{field}".*?</select>', page, re.DOTALL)
    assert select
    found = re.search(r'value="([^"]+)" selected', select[0])
    return found[1] if found else ""


def test_the_holder_that_routing_proposes_is_chosen_already_and_the_reason_stands_there(console, scene, parking):
    page = console("chair").get(f"/console/t/{parking.code}/dispatch").content.decode()
    assert chosen(page, "holder") == str(scene.codes["po-a01"])
    assert "建议：天岳恒学院路14号院项目部。本物业管理区域的物业服务由其承担（合同服务），服务范围不限事项。" in page
    assert re.findall('<optgroup label="([^"]+)"', page) == ["服务本处", "街道", "区级部门", "专业单位", "其他单位"]


def test_a_dispatch_from_the_page_names_holder_and_helpers(console, scene, parking):
    browser = console("chair")
    sent = {
        "holder": str(scene.codes["po-a01"]),
        "co_handlers": [str(scene.codes["section-city"]), str(scene.codes["dept-police"])],
        **form(browser, parking, "dispatch"),
    }
    assert browser.post(f"/console/t/{parking.code}/dispatch", sent).status_code == 302
    assert Ticket.objects.get(pk=parking.pk).holder_id == scene.codes["po-a01"]
    assert set(parking.assignment_rows.filter(role="co_handler").values_list("organisation", flat=True)) == {
        scene.codes["section-city"],
        scene.codes["dept-police"],
    }


def test_what_was_chosen_comes_back_with_what_is_wrong(console, scene, parking):
    browser = console("desk_officer")
    sent = {"owner": str(scene.codes["dept-housing"]), "kind": "legacy", "plan_date": "2001-01-01", "reason": "难"}
    answer = browser.post(f"/console/t/{parking.code}/put_on_account", sent | form(browser, parking, "put_on_account"))
    assert answer.status_code == 422
    assert chosen(answer.content.decode(), "owner") == str(scene.codes["dept-housing"])
    assert verbs(parking) == ["submit"]


def test_the_street_whistles_a_department_from_the_page(console, scene, parking):
    browser = console("desk_officer")
    sent = {"departments": [str(scene.codes["dept-police"])], "reason": "联合整治"}
    address = f"/console/t/{parking.code}/whistle"
    assert browser.post(address, sent | form(browser, parking, "whistle")).status_code == 302
    assert verbs(parking) == ["submit", "whistle"]
    page = browser.get(address).content.decode()
    assert f'name="departments" value="{scene.codes["dept-police"]}"' not in page
    assert f'name="departments" value="{scene.codes["dept-housing"]}"' in page


def test_the_present_holder_is_not_proposed_again(console, scene):
    scene.now = timezone.now()
    ticket = Ticket.objects.get(pk=scene.at_work("CL03"))
    page = console("desk_officer").get(f"/console/t/{ticket.code}/redispatch").content.decode()
    assert "建议：" not in page
    assert chosen(page, "holder") == ""


def test_which_of_several_helpers_the_street_stands_in_for_can_be_chosen(console, scene, parking):
    scene.do("desk_officer", parking.pk, "whistle", departments=["dept-police", "dept-housing"], reason="联合")
    browser = console("desk_officer")
    address = f"/console/t/{parking.code}/report_in"
    page = browser.get(f"{address}?on_behalf_of=whistled").content.decode()
    assert 'name="organisation"' in page
    sent = {
        "organisation": str(scene.codes["dept-housing"]),
        "on_behalf_of": "whistled",
        **form(browser, parking, "report_in"),
    }
    assert browser.post(address, sent).status_code == 302
    part = parking.assignment_rows.get(organisation=scene.codes["dept-housing"])
    assert part.signed_at is not None


@pytest.mark.parametrize("who", ["chair", "desk_officer"])
@pytest.mark.parametrize("move", ["", "/dispatch"])
def test_a_page_with_organisations_to_choose_takes_no_more_than_twelve_statements(console, parking, who, move):
    assert cost(console(who), f"/console/t/{parking.code}{move}") <= MOST_STATEMENTS


def test_a_record_comes_before_the_dispatch_once(console, scene, parking):
    browser = console("chair")
    page = browser.get(f"/console/t/{parking.code}").content.decode()
    assert 'id="form-record"' in page
    sent = {"met_with": "物业经理、业主代表", "agreed": "先划线", **form(browser, parking)}
    assert browser.post(f"/console/t/{parking.code}/record", sent).status_code == 302
    page = browser.get(f"/console/t/{parking.code}").content.decode()
    assert 'id="form-dispatch"' in page
