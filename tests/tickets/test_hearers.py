"""Who hears of an event is decided once: the systems that webhooks tell are those of the parties and of the sides that it names."""

import pytest

from community.models import Organisation
from notifications.models import Endpoint, Message
from tests.tickets.test_clocks import live, swept
from tickets import announce
from tickets.models import Assignment, Ticket, TicketEvent
from tickets.states import State

pytestmark = pytest.mark.django_db
HEAD_OFFICE = "co-tianyueheng"


@pytest.fixture
def signalled(outlets):
    """`signalled(event)` tells what waits. Returns the codes of the organisations whose systems heard of the event."""
    codes = dict(Organisation.objects.values_list("pk", "code"))

    def ask(event):
        announce.tell_outbox()
        heard = Message.objects.filter(key=event.pk, recipient__in=Endpoint.objects.values("pk"))
        return {codes[outlets[one]] for one in heard.values_list("recipient", flat=True)}

    return ask


def event(ticket, verb):
    """The latest event of this kind."""
    return TicketEvent.objects.filter(subject=ticket, verb=verb).latest("seq")


def test_systems_of_the_parties_before_and_after_hear_that_a_ticket_passed_on(today, signalled):
    ticket = today.reach(State.DISPATCHED)
    before = set(Assignment.objects.filter(ticket=ticket, open=True).values_list("organisation__code", flat=True))
    assert "po-a01" in before
    passed_on = today.do("desk_officer", ticket, "redispatch", holder="co-linjianli", reason="更合适")
    row = Ticket.objects.select_related("desk", "coordinator").get(pk=ticket)
    others = {one.code for one in (row.desk, row.coordinator) if one}
    assert signalled(passed_on) == {"office", "co-linjianli"} | before | others


def test_a_head_office_s_system_hears_of_the_rungs_that_name_it_and_of_no_others(today, signalled):
    ticket = today.reach(State.IN_PROGRESS)
    while Ticket.objects.get(pk=ticket).level < 2:
        swept(today, live(ticket)["handle"].fire_at - today.now)
    fired = TicketEvent.objects.filter(subject=ticket, data__has_key="audience")
    named = [one for one in fired if "supervisor" in one.data["audience"]]
    assert named
    assert len(named) < len(fired)
    for one in fired:
        heard = signalled(one)
        assert (HEAD_OFFICE in heard) is (one in named)
        assert {"po-a01", "office"} <= heard


def test_a_head_office_s_system_hears_of_the_second_urge_and_not_of_the_first(today, signalled):
    ticket = today.follow(today.file("CL03"), [("tenant", "cosign", {}), ("tenant", "urge", {})])
    first = signalled(event(ticket, "urge"))
    assert "po-a01" in first
    assert HEAD_OFFICE not in first
    today.do("resident", ticket, "urge")
    assert {"po-a01", HEAD_OFFICE} <= signalled(event(ticket, "urge"))


def test_the_street_s_system_alone_hears_of_a_confined_ticket_and_of_the_street_s_own_notes(today, signalled):
    confined, plain = today.file(type="report"), today.file("CL03")
    today.do("desk_officer", plain, "remark", text="先不对外讲")
    assert signalled(event(confined, "submit")) == {"office"}
    assert signalled(event(plain, "remark")) == {"office"}
    assert {"po-a01", "office"} <= signalled(event(plain, "submit"))
