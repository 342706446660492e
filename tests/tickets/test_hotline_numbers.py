"""The number by which 12345 knows a ticket: shown to staff, and filed once."""

import pytest

from tickets.models import Ticket

pytestmark = pytest.mark.django_db
REPORT = {"channel": "hotline", "contact_name": "李大爷", "contact_phone": "010-55509999"}


@pytest.fixture
def file(api, compound):
    """A report that the desk takes from the hotline, at 学院路14号院."""

    def filed(number, status=201, **report):
        place = {} if "street" in report else {"compound": str(compound("学院路14号院"))}
        return api("desk_officer").file("RP04", status, hotline_number=number, **(REPORT | place | report))

    return filed


def test_the_number_is_shown_to_staff_and_to_nobody_else(api, file, cast):
    ticket = file(" bj２０２６-0042 ", contact_phone="+86 " + cast["resident"].phone)
    for who in ("desk_officer", "dispatcher"):
        assert api(who).get(f"tickets/{ticket['id']}")["hotline_number"] == "BJ2026-0042", who
    for who in ("resident", "neighbour"):
        assert api(who).get(f"tickets/{ticket['id']}")["hotline_number"] is None, who


@pytest.mark.parametrize("again", ["20261129-0042", "２０２６１１２９-００４２", " 20261129-0042\u200b"])
def test_the_same_number_twice_is_told_with_the_ticket_that_has_it(file, again):
    first = file("20261129-0042")
    refusal = file(again, 400)
    assert [(fault["field"], fault["code"]) for fault in refusal["errors"]] == [("hotline_number", "already_filed")]
    assert refusal["errors"][0]["reason"] == f"已有工单 {first['code']}。"
    assert Ticket.objects.filter(hotline_number__contains="0042").count() == 1


def test_a_company_at_its_desk_learns_and_takes_no_number(api, file, compound):
    file("20261129-0044")
    report = REPORT | {"channel": "phone", "compound": str(compound("学院路14号院"))}
    for number in ("20261129-0044", "20261129-0045"):
        refusal = api("dispatcher").file("RP04", 400, hotline_number=number, **report)
        assert [(fault["field"], fault["code"]) for fault in refusal["errors"]] == [
            ("hotline_number", "for_the_street")
        ]
    file("20261129-0045")


def test_what_was_not_taken_up_may_come_back_under_its_number(api, file):
    first = file("20261129-0043")
    api("desk_officer").move(first, "reject", branch="out_of_scope", guidance="请联系市场监管部门")
    assert file("20261129-0043")["code"] != first["code"]


def test_reports_without_a_number_are_not_compared(file):
    assert file("1")["code"] != file("2")["code"]
