"""The administrator's pages of tickets: all of them to read, nothing to change."""

import pytest
from django.urls import reverse

from tests.statements import cost
from tickets.models import Ticket, TicketEvent

LIST = "admin:tickets_ticket_changelist"


def page(ticket):
    return reverse("admin:tickets_ticket_change", args=[ticket["id"]])


@pytest.fixture
def clerk(staff):
    """The street's data clerk, with the permissions that the admin's docstring names."""
    return staff(
        "general_officer",
        "tickets.view_ticket",
        "tickets.view_assignment",
        "tickets.view_ticketevent",
    )


@pytest.fixture
def filed(filed, api):
    """A ticket with some history."""
    api("dispatcher").move(filed, "sign")
    api("dispatcher").move(filed, "contact", result="reached", words="明早上门。")
    return filed


def listed(client, **query):
    return {ticket.code for ticket in client.get(reverse(LIST), query).context["cl"].result_list}


def test_a_list_costs_the_same_for_one_row_and_for_many(clerk, api, filed):
    one = cost(clerk, reverse(LIST))
    for category in ("CL02", "RP04", "EL02", "UT05"):
        api("neighbour").file(category)
    assert cost(clerk, reverse(LIST)) == one
    # Session, person, permissions of their own and of groups, seats, count, rows; two let PostgreSQL plan these for their values.
    assert one == 9


def test_a_ticket_costs_the_same_whatever_happened_to_it(clerk, api, filed):
    before = cost(clerk, page(filed))
    for text in ("备料。", "进场。", "收尾。"):
        api("dispatcher").move(filed, "progress", text=text)
    assert cost(clerk, page(filed)) == before


def test_everything_that_was_said_is_there(clerk, filed):
    shown = clerk.get(page(filed)).content.decode()
    for words in ("地下室积水长蚊子。", "明早上门。", "先行联系", "天岳恒学院路14号院项目部"):
        assert words in shown


@pytest.mark.parametrize("who", ["administrator", "clerk"])
def test_the_contact_is_masked_for_everybody(request, who, cast, filed):
    shown = request.getfixturevalue(who).get(page(filed)).content.decode()
    assert "199****0001" in shown
    assert cast["resident"].phone not in shown
    assert cast["resident"].name not in shown


def test_nothing_is_shown_of_who_is_anonymous(administrator, api):
    ticket = api("resident").file("CL07", secrecy="anonymous")
    shown = administrator.get(page(ticket)).content.decode()
    assert "199****0001" not in shown
    assert "匿名" in shown


@pytest.mark.parametrize("who", ["administrator", "clerk"])
def test_nothing_can_be_changed(request, who, filed):
    client = request.getfixturevalue(who)
    before = Ticket.objects.values().get(pk=filed["id"])
    assert client.post(page(filed), {"title": "改过的"}).status_code == 403
    assert client.post(reverse("admin:tickets_ticket_add"), {"title": "新的"}).status_code == 403
    assert client.post(reverse("admin:tickets_ticket_delete", args=[filed["id"]]), {"post": "yes"}).status_code == 403
    client.post(reverse(LIST), {"action": "delete_selected", "_selected_action": [filed["id"]], "post": "yes"})
    assert Ticket.objects.values().get(pk=filed["id"]) == before
    assert TicketEvent.objects.filter(subject=filed["id"]).count() == 3


def test_a_clerk_does_not_learn_of_accusations(clerk, filed, accusing):
    assert listed(clerk) == {filed["code"]}
    answer = clerk.get(page(accusing))
    assert answer.status_code == 302
    assert listed(clerk, q="保安推人") == set()


def test_a_superuser_sees_accusations(administrator, filed, accusing):
    assert listed(administrator) == {filed["code"], accusing["code"]}
    assert "保安推人" in administrator.get(page(accusing)).content.decode()


def test_a_member_of_staff_without_a_seat_on_the_street_sees_none(clerk, cast, filed):
    cast["general_officer"].memberships.update(ends_on="2021-01-01")
    assert listed(clerk) == set()
    assert clerk.get(page(filed)).status_code == 302


def test_without_the_permission_there_is_no_page(clerk, cast, filed):
    cast["general_officer"].user_permissions.clear()
    assert clerk.get(reverse(LIST)).status_code == 403
    assert clerk.get(page(filed)).status_code == 403


def test_tickets_are_found_by_code_and_by_words(clerk, api, filed):
    api("neighbour").file("RP04", title="楼道灯不亮")
    spoken = f"{filed['code'][:4]}-{filed['code'][4:]}".lower()
    for words in (filed["code"], spoken, "蚊虫", "地下室 蚊"):
        assert listed(clerk, q=words) == {filed["code"]}
    assert listed(clerk, q="没有这样的词") == set()


def test_tickets_are_filtered_by_state_level_and_group(clerk, api, filed):
    other = api("neighbour").file("RP04")
    assert listed(clerk, state__exact="in_progress") == {filed["code"]}
    assert listed(clerk, group="RP") == {other["code"]}
    assert listed(clerk, level="0") == {filed["code"], other["code"]}
    api("desk_officer").move(other, "raise_level", level=2)
    assert listed(clerk, level="2") == {other["code"]}


def test_an_odd_address_is_no_error(clerk):
    assert clerk.get(reverse("admin:tickets_ticket_change", args=["not-an-id"])).status_code == 302
