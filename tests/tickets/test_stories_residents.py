"""What a resident may still do after the reply, or before it: dispute, keep silent, leave."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from casework.duties import sweep
from tests.tickets.paths import rows
from tests.tickets.story import assert_whole, clocks, history, queued, row, seen, shown, timeline, told
from tickets.kind import TICKETS
from tickets.models import Follower, Ticket
from workflow.actor import Actor
from workflow.errors import NotPermitted
from workflow.moment import at
from workflow.writing import lock, perform


def done(caller, ticket):
    """Work on the ticket until the reply."""
    caller.move(ticket, "sign")
    caller.move(ticket, "contact", result="reached")
    return caller.move(ticket, "reply", result="已处理。", photos=[caller.photo()])


def test_the_second_dispute_goes_to_the_street_and_silence_closes_at_last(api, organisation):
    resident, dispatcher, officer = api("resident"), api("dispatcher"), api("property_officer")
    office, section = organisation("天岳恒学院路14号院项目部"), organisation("物业专班")
    ticket = resident.file("GR02", text="草坪枯死一片。")
    done(dispatcher, ticket)
    photo = resident.photo("dispute")
    ticket = resident.move(ticket, "dispute", reason="只补了一半。", photos=[photo])
    assert (ticket["state"], ticket["holder"]) == ("in_progress", office)
    assert queued(dispatcher, ticket) == "lead"
    assert shown(dispatcher, photo)

    # The contact of the first round counts; the second reply needs a photo of its own.
    assert dispatcher.move(ticket, "reply", 400, result="已补种。")["errors"][0]["code"] == "after_photo_required"
    dispatcher.move(ticket, "reply", result="已补种。", photos=[dispatcher.photo()])
    ticket = resident.move(ticket, "dispute", reason="又枯了。")
    assert (ticket["state"], ticket["holder"], ticket["coordinator"]) == ("coordinating", None, section)
    assert told(ticket) == {"天岳恒学院路14号院项目部", "物业专班"}
    assert queued(dispatcher, ticket) is None
    assert seen(dispatcher, ticket)["text"] is None
    assert api("chair").move(ticket, "reply", 403, result="已协调。")["code"] == "not_permitted"

    ticket = officer.move(ticket, "dispatch", holder=office, note="限期补种并养护一个月。")
    ticket = done(dispatcher, ticket)
    callback = officer.move(
        ticket, "callback", valid=True, contacted=True, resolved=True, satisfied=3, words="基本满意。"
    )
    assert callback["version"] == ticket["version"]
    again = {"valid": False, "contacted": True, "resolved": True, "satisfied": 5}
    assert officer.move(ticket, "callback", 409, **again)["code"] == "already_called_back"
    assert "close_silent" not in officer.moves(ticket)
    assert officer.client.post(f"/api/v1/tickets/{ticket['id']}/moves/close_silent").status_code == 404

    end = clocks(ticket)["confirm"]
    assert end > timezone.now() + timedelta(days=6)
    with at(end - timedelta(microseconds=1)):
        sweep(TICKETS)
    assert row(ticket).state == "replied"
    with at(end):
        sweep(TICKETS)
    event = history(ticket)[-1]
    assert (event.verb, event.actor_id, event.actor_organisation_id, event.at) == ("close_silent", None, None, end)
    now = row(ticket)
    assert (now.resolved, now.rating, now.closed_at) == (None, None, end)
    assert told(ticket) == {"天岳恒学院路14号院项目部", "物业专班"}
    round_ = ["sign", "contact", "reply"]
    verbs = ["submit", *round_, "dispute", "reply", "dispute", "dispatch", *round_, "close_silent"]
    assert timeline(resident, ticket) == verbs
    assert timeline(officer, ticket) == [*verbs[:-1], "callback", "remind", "close_silent"]
    assert_whole(ticket, "closed")

    # A month is left to say that it was not so; then it must be reported anew.
    with at(end + timedelta(days=29)):
        assert "reopen" in resident.moves(ticket)
    with at(end + timedelta(days=32)):
        assert resident.move(ticket, "reopen", 409, reason="又枯了。")["code"] == "reopening_window_over"
    with at(end + timedelta(days=29)):
        reopened = resident.move(ticket, "reopen", reason="又枯了。")
    assert (reopened["state"], reopened["holder"]) == ("in_progress", office)
    assert_whole(ticket, "in_progress")


def test_the_clock_may_not_do_what_is_a_person_s(api):
    ticket = api("resident").file("GR02")
    done(api("dispatcher"), ticket)
    moment = timezone.now() + timedelta(days=8)
    (locked,) = lock_row(ticket, Actor.the_clock(moment))
    with pytest.raises(NotPermitted):
        perform(Ticket.confirm, locked, by=Actor.the_clock(moment), resolved=True, rating=5)
    assert_whole(ticket, "replied")


def lock_row(ticket, clock):
    with transaction.atomic():
        return lock(Ticket, row(ticket).pk, by=clock)


def test_a_resident_who_withdraws_while_the_crew_is_on_site_leaves_and_the_ticket_stays(api):
    resident, neighbour, tenant, dispatcher = api("resident"), api("neighbour"), api("tenant"), api("dispatcher")
    ticket = resident.file("RP04", text="三号楼二单元楼道灯坏了。")
    neighbour.move(ticket, "cosign")
    tenant.move(ticket, "cosign")
    assert seen(neighbour, ticket)["cosigns"] == 2
    dispatcher.move(ticket, "sign")
    dispatcher.move(ticket, "contact", result="reached")
    ticket = dispatcher.move(ticket, "arrive")

    left = resident.move(ticket, "withdraw", reason="我要搬走了。")
    assert (left["state"], left["holder"]) == ("in_progress", ticket["holder"])
    assert (row(ticket).reporter, row(ticket).contact_phone) == (None, "")
    asked = seen(neighbour, ticket)
    assert "successor" in asked["relations"]
    assert next(one["words"] for one in asked["clocks"] if one["name"] == "succession")
    assert tenant.move(ticket, "succeed", 403)["code"] == "not_permitted"
    neighbour.move(ticket, "succeed")
    now = row(ticket)
    assert now.reporter == neighbour.person
    assert (now.contact_name, now.contact_phone) == (neighbour.person.name, neighbour.person.phone)
    assert now.cosigns == 1
    assert list(Follower.objects.filter(ticket=now).values_list("person", flat=True)) == [tenant.person.pk]
    assert queued(dispatcher, ticket) == "lead"
    # Who leaves is a neighbour like any other.
    assert resident.get("tickets")["results"] == []
    assert seen(resident, ticket)["relations"] == ["neighbour"]
    assert [one["id"] for one in neighbour.get("tickets")["results"]] == [ticket["id"]]
    assert resident.move(ticket, "withdraw", 403)["code"] == "not_permitted"
    assert resident.move(ticket, "urge", 403)["code"] == "not_permitted"

    dispatcher.move(ticket, "reply", result="灯已更换。", photos=[dispatcher.photo()])
    assert resident.move(ticket, "confirm", 403, resolved=True, rating=5)["code"] == "not_permitted"
    ticket = neighbour.move(ticket, "confirm", resolved=True, rating=5)
    assert timeline(neighbour, ticket) == [
        *("submit", "cosign", "cosign", "sign", "contact", "arrive", "withdraw", "succeed", "reply", "confirm")
    ]
    assert_whole(ticket, "closed")


def test_a_resident_without_cosigners_leaves_and_nobody_rates_the_work_for_them(api):
    resident, dispatcher, desk = api("resident"), api("dispatcher"), api("desk_officer")
    ticket = resident.file("RP04", text="三号楼二单元楼道灯坏了。")
    dispatcher.move(ticket, "sign")
    dispatcher.move(ticket, "contact", result="reached")
    dispatcher.move(ticket, "arrive")
    assert resident.move(ticket, "withdraw", reason="我要搬走了。")["state"] == "in_progress"
    left = row(ticket)
    assert (left.reporter, left.contact_name, left.contact_phone) == (None, "", "")
    assert seen(dispatcher, ticket)["contact"] == {"name": "", "phone": ""}

    ticket = dispatcher.move(ticket, "reply", result="灯已更换。", photos=[dispatcher.photo()])
    before = rows()
    rating = {"resolved": True, "rating": 5}
    assert desk.move(ticket, "confirm", 409, on_behalf_of="reporter", **rating)["code"] == "reporter_left"
    assert resident.move(ticket, "confirm", 403, **rating)["code"] == "not_permitted"
    assert rows() == before
    assert "confirm" not in [one["name"] for one in desk.get(f"tickets/{ticket['id']}/moves")["moves"]]
    with at(clocks(ticket)["confirm"]):
        sweep(TICKETS)
    now = row(ticket)
    assert (now.state, now.resolved, now.rating) == ("closed", None, None)
    assert timeline(resident, ticket) == ["submit", "sign", "contact", "arrive", "withdraw", "reply", "close_silent"]
    assert_whole(ticket, "closed")


def test_the_last_to_leave_takes_an_unsigned_ticket_along(api):
    resident, neighbour = api("resident"), api("neighbour")
    ticket = resident.file("RP04")
    neighbour.move(ticket, "cosign")
    assert resident.move(ticket, "withdraw")["state"] == "dispatched"
    neighbour.move(ticket, "succeed")
    ticket = neighbour.move(ticket, "withdraw")
    assert (ticket["state"], ticket["holder"]) == ("withdrawn", None)
    assert told(ticket) == {"天岳恒学院路14号院项目部", "物业专班"}
    assert queued(api("dispatcher"), ticket) is None
    assert [one.verb for one in history(ticket)] == ["submit", "cosign", "withdraw", "succeed", "withdraw"]
    assert_whole(ticket, "withdrawn")


def test_an_urgent_ticket_outlives_its_reporter(api):
    resident = api("resident")
    ticket = resident.file("EL01")
    assert resident.move(ticket, "withdraw")["state"] == "dispatched"
    assert row(ticket).reporter is None
    assert row(ticket).contact_phone == ""
    assert queued(api("lift_dispatcher"), ticket) == "lead"
    assert resident.move(ticket, "withdraw", 403)["code"] == "not_permitted"
    assert_whole(ticket, "dispatched")
