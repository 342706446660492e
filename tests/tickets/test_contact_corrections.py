"""A wrong digit no longer stops first contact: the street sets a contact right, on record and without telling it to everybody."""

import pytest

from tests.tickets.paths import rows
from tickets.models import Follower, Ticket, TicketEvent, TicketWords

pytestmark = pytest.mark.django_db


@pytest.fixture
def taken(api, compound, cast):
    """A report that the desk took down from the neighbour, with the resident's phone in the place of theirs."""
    return api("desk_officer").file(
        "RP04",
        channel="phone",
        compound=str(compound("学院路14号院")),
        contact_name="李大爷",
        contact_phone=cast["resident"].phone,
    )


def test_a_wrong_number_is_set_right_and_leads_to_whoever_has_the_right_one(api, taken, cast):
    assert Ticket.objects.get(pk=taken["id"]).reporter == cast["resident"]
    right = cast["neighbour"].phone
    api("desk_officer").move(taken, "correct_contact", contact_phone=f"+86 {right}", reason="登记时听错一位")
    now = Ticket.objects.get(pk=taken["id"])
    assert (now.reporter, now.contact_name, now.contact_phone) == (cast["neighbour"], "李大爷", right)
    assert api("neighbour").get(f"tickets/{taken['id']}")["contact"]["phone"] == right
    # Whoever had the wrong number has no part in it, and reads no more of it than any neighbour.
    assert api("resident").get(f"tickets/{taken['id']}")["contact"] is None
    api("dispatcher").move(taken, "sign")
    shown = api("dispatcher").post(f"tickets/{taken['id']}/moves/reveal", {"reason": "先行联系"})
    assert shown["contact"] == {"name": "李大爷", "phone": right}
    api("dispatcher").move(taken, "contact", result="reached")


def test_the_event_says_what_was_corrected_and_neither_number(api, taken, cast):
    api("desk_officer").move(taken, "correct_contact", contact_phone="010-62332233转801", reason="登记有误")
    event = TicketEvent.objects.get(subject=taken["id"], verb="correct_contact")
    assert event.data["contact"] == ["phone"]
    written = f"{event.data} {TicketWords.objects.get(event=event).body}"
    assert "62332233" not in written
    assert cast["resident"].phone not in written
    assert TicketWords.objects.get(event=event).body == {"reason": "登记有误"}
    assert Ticket.objects.get(pk=taken["id"]).reporter is None


def test_a_person_who_followed_becomes_the_reporter_and_follows_no_more(api, taken, cast):
    api("neighbour").move(taken, "cosign")
    api("desk_officer").move(taken, "correct_contact", contact_phone=cast["neighbour"].phone, reason="登记有误")
    now = Ticket.objects.get(pk=taken["id"])
    assert (now.reporter, now.cosigns) == (cast["neighbour"], 0)
    assert not Follower.objects.filter(ticket=now).exists()


def test_the_account_of_whoever_filed_by_themselves_stays_theirs(api, cast):
    ticket = api("resident").file("CL03")
    api("desk_officer").move(
        ticket, "correct_contact", contact_name="王女士", contact_phone="13900139000", reason="本人来电"
    )
    now = Ticket.objects.get(pk=ticket["id"])
    assert (now.reporter, now.contact_name, now.contact_phone) == (cast["resident"], "王女士", "13900139000")


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({}, ("contact_phone", "unchanged")),
        ({"contact_name": "李大爷"}, ("contact_phone", "unchanged")),
        ({"contact_phone": "-----"}, ("contact_phone", "invalid")),
        ({"contact_name": "\u200b"}, ("contact_name", "blank")),
        ({"contact_phone": "13900139000", "reason": "\u3164"}, ("reason", "blank")),
    ],
)
def test_a_correction_that_corrects_nothing_is_refused_and_changes_nothing(api, taken, given, fault):
    before = rows()
    refusal = api("desk_officer").move(taken, "correct_contact", 400, **{"reason": "登记有误", **given})
    assert [(one["field"], one["code"]) for one in refusal["errors"]] == [fault]
    assert rows() == before


def test_others_may_not_and_an_anonymous_contact_stays_unknown(api, taken):
    before = rows()
    for who in ("dispatcher", "neighbour", "resident"):
        api(who).move(taken, "correct_contact", 403, contact_phone="13900139000", reason="登记有误")
    assert rows() == before
    secret = api("resident").file("CL03", secrecy="anonymous")
    refused = api("desk_officer").move(secret, "correct_contact", 409, contact_phone="13900139000", reason="登记有误")
    assert refused["code"] == "reporter_is_anonymous"


def test_category_and_place_are_corrected_while_it_is_dispatched_and_worked_on(api, taken, compound):
    desk = api("desk_officer")
    for category, spot in (("RP01", "3号楼"), ("RP04", "4号楼")):
        desk.move(taken, "correct", category=category, spot=spot, reason="核实后更正")
        shown = desk.get(f"tickets/{taken['id']}")
        assert (shown["category"]["code"], shown["spot"]) == (category, spot)
        if shown["state"] == "dispatched":
            api("dispatcher").move(taken, "sign")
    assert shown["state"] == "in_progress"
    assert shown["holder"] == taken["holder"]
    before = rows()
    refused = desk.move(taken, "correct", 400, accused=taken["holder"], reason="被反映单位有误")
    assert refused["errors"][0]["code"] == "holds_it"
    assert rows() == before
