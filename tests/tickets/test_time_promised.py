"""What a resident was promised, and what becomes of it: another category, another organisation, mergers, and the call-back."""

from datetime import timedelta
from typing import Any

import pytest

from tests.tickets.paths import CONTACTED
from tests.tickets.story import row
from tests.tickets.test_clocks import DAY, HOUR, fired, live, moment, swept, verbs
from tickets.models import Ticket, TicketClock
from tickets.queries import in_street

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rows_and_events_agree")]
MINUTE = timedelta(minutes=1)
CALLED = {"valid": True, "contacted": True, "resolved": True, "satisfied": 3}


def overdue(scene, ticket) -> bool:
    """Whether the ticket stands on the street's list of what is overdue."""
    return in_street(scene.actor("desk_officer")).overdue(scene.now).filter(pk=ticket).exists()


def correct(scene, ticket, **what: Any):
    return scene.do("desk_officer", ticket, "correct", reason="分类有误", **what)


# Another category.


def test_a_return_that_turns_out_to_be_urgent_has_two_hours_from_the_correction(scene):
    ticket = scene.at_work("SV03")  # 15 days
    scene.do("dispatcher", ticket, "contact", result="reached")
    scene.do("dispatcher", ticket, "return", reason="不属于我方职责")
    assert "arrive" not in live(ticket)
    scene.now = moment("2025-06-03T08:00")
    corrected = correct(scene, ticket, category="RP03").at  # two hours, on site in 15 minutes
    scene.do("desk_officer", ticket, "designate")
    clocks = live(ticket)
    assert clocks["handle"].due_at == corrected + 2 * HOUR == row(ticket).due_at
    assert clocks["arrive"].due_at == corrected + 15 * MINUTE
    assert clocks["overall"].due_at == corrected + 2 * HOUR + 15 * MINUTE
    assert clocks["arrive"].holder_id == clocks["handle"].holder_id == scene.codes["po-a01"]
    assert not TicketClock.objects.filter(subject=ticket, breached_at__isnull=False).exists()


def test_an_arrival_that_is_awaited_already_is_not_awaited_twice(scene):
    ticket = scene.file("EL01")  # on site in half an hour
    before = live(ticket)["arrive"]
    scene.do("lift_dispatcher", ticket, "sign")
    scene.do("lift_dispatcher", ticket, "return", reason="不属于我方职责")
    corrected = correct(scene, ticket, category="RP03").at
    (arrive,) = TicketClock.objects.live().filter(subject=ticket, name="arrive")
    assert (arrive.holder_id, arrive.due_at) == (before.holder_id, corrected + 15 * MINUTE)


def test_coordination_that_turns_out_to_be_urgent_has_15_minutes_from_the_correction(scene):
    ticket = scene.file("SV03")
    scene.now += 47 * HOUR
    corrected = correct(scene, ticket, category="RP03").at
    assert live(ticket)["coordinate"].due_at == corrected + 15 * MINUTE
    assert not TicketClock.objects.filter(subject=ticket, breached_at__isnull=False).exists()


def test_fewer_days_end_with_the_day_of_the_correction_at_the_earliest(scene):
    ticket = scene.at_work("SV03")
    scene.do("dispatcher", ticket, "return", reason="不属于我方职责", at=scene.now + HOUR)
    scene.now = moment("2025-06-12T10:00")
    correct(scene, ticket, category="SV01")  # seven days, which ended on Monday the 9th
    handle = live(ticket)["handle"]
    assert (handle.due_at, handle.breached_at) == (moment("2025-06-13T00:00"), None)
    assert row(ticket).due_at == handle.due_at


def test_a_correction_within_the_same_class_leaves_every_clock_alone(scene):
    ticket = scene.at_work("PK02")
    scene.do("dispatcher", ticket, "ask", question="哪一年的账？")
    scene.do("resident", ticket, "answer", answer="去年", at=moment("2025-06-05T09:00"))
    scene.do("dispatcher", ticket, "request_extension", days=10, reason="等待审计")
    scene.do("desk_officer", ticket, "grant_extension")
    scene.do("desk_officer", ticket, "redispatch", holder="po-a02", reason="另派")
    scene.do("other_dispatcher", ticket, "return", reason="不属于我方职责")
    before = live(ticket)
    correct(scene, ticket, category="SV05")
    after = live(ticket)
    assert {name: (one.pk, one.due_at) for name, one in after.items()} == {
        name: (one.pk, one.due_at) for name, one in before.items()
    }


def test_another_class_keeps_pauses_and_extensions_of_the_whole(scene):
    ticket = scene.at_work("SV01")
    scene.do("dispatcher", ticket, "ask", question="哪里？", at=moment("2025-06-02T12:00"))
    scene.do("resident", ticket, "answer", answer="门口", at=moment("2025-06-05T09:00"))
    scene.do("dispatcher", ticket, "request_extension", days=4, reason="等待配件")
    scene.do("desk_officer", ticket, "grant_extension")
    scene.do("desk_officer", ticket, "redispatch", holder="po-a02", reason="另派")
    scene.do("other_dispatcher", ticket, "return", reason="不属于我方职责")
    correct(scene, ticket, category="SV03")
    overall = live(ticket)["overall"]
    # Coordination and 15 days, four more, and the two whole days of the question: 26 June.
    assert (overall.budget, overall.extended, overall.pauses) == ("22d", 4, 1)
    assert overall.due_at == moment("2025-06-27T00:00")


def test_a_complex_fault_of_the_lighting_has_its_longer_time_from_the_same_beginning(scene):
    ticket = scene.file("RP04")
    begun = live(ticket)["handle"].started_at
    assert live(ticket)["handle"].due_at == begun + 12 * HOUR
    scene.do("dispatcher", ticket, "sign")
    scene.do("dispatcher", ticket, "return", reason="须更换线路")
    correct(scene, ticket, complex_fault=True)
    assert live(ticket)["handle"].due_at == begun + 48 * HOUR == row(ticket).due_at
    correct(scene, ticket, complex_fault=False)
    assert live(ticket)["handle"].due_at > scene.now
    other = scene.file("SV01")
    assert scene.refused("desk_officer", other, "correct", reason="复杂", complex_fault=True) == "no_complex_class"


# How long it is.


@pytest.mark.parametrize(
    ("category", "overall", "assist"),
    [("RP03", "135m", "2h"), ("EL02", "96h", "24h"), ("RP01", "1455m", "24h"), ("SV01", "10d", "7d")],
)
def test_the_whole_and_its_helpers_have_no_more_than_the_class(scene, category, overall, assist):
    ticket = scene.file(category)
    if row(ticket).state == "dispatched":
        scene.do("dispatcher", ticket, "sign")
    scene.do("desk_officer", ticket, "whistle", departments=["dept-police"], reason="需要配合")
    assert (live(ticket)["overall"].budget, live(ticket)["assist"].budget) == (overall, assist)


# Another organisation.


def test_what_is_sent_on_at_hour_23_is_overdue_at_hour_24(scene):
    ticket = scene.file("CL03")
    promised = row(ticket).due_at
    assert promised == scene.now + 24 * HOUR
    scene.do("dispatcher", ticket, "sign")
    scene.do("desk_officer", ticket, "redispatch", holder="co-linjianli", reason="另派", at=promised - HOUR)
    assert live(ticket)["promise"].due_at == promised == row(ticket).due_at
    assert live(ticket)["handle"].due_at == promised + 23 * HOUR
    assert not overdue(scene, ticket)
    level = row(ticket).level
    swept(scene, promised - scene.now)
    assert overdue(scene, ticket)
    assert (fired(ticket, "promise"), row(ticket).level) == (["due"], level + 1)
    assert live(ticket)["promise"].breached_at == promised


def test_one_organisation_alone_has_no_second_clock_and_its_level_rises_once(scene):
    ticket = scene.follow(scene.at_work("CL03"), [CONTACTED])
    swept(scene, row(ticket).due_at - scene.now)
    assert (row(ticket).level, "promise" in live(ticket)) == (1, False)


def test_a_dispute_does_not_hide_that_the_promise_passes(scene):
    ticket = scene.follow(scene.at_work("SV01"), [CONTACTED, ("dispatcher", "reply", {"result": "已整改"})])
    promised = row(ticket).due_at
    scene.do("resident", ticket, "dispute", reason="没有修好", at=scene.now + HOUR)
    assert live(ticket)["handle"].due_at >= promised
    swept(scene, promised - scene.now)
    assert fired(ticket, "promise")[-1] == "due"
    assert overdue(scene, ticket)


def test_a_question_and_an_extension_move_the_promise(scene):
    ticket = scene.at_work("SV01")
    promised = row(ticket).due_at
    scene.do("desk_officer", ticket, "redispatch", holder="po-a02", reason="另派", at=scene.now + DAY)
    scene.do("other_dispatcher", ticket, "sign")
    scene.do("other_dispatcher", ticket, "request_extension", days=2, reason="配件未到")
    scene.do("desk_officer", ticket, "grant_extension")
    assert row(ticket).due_at == live(ticket)["promise"].due_at == promised + 2 * DAY


# Mergers.


def test_what_was_promised_survives_a_merger_and_a_split(scene):
    scene.now = moment("2025-06-16T10:00")
    ticket = scene.file("SV01")
    scene.do("chair", ticket, "dispatch", holder="po-a01", at=moment("2025-06-17T09:00"))
    promised = row(ticket).due_at
    assert promised == moment("2025-06-25T00:00")  # Tuesday 24 June, 24:00
    master = scene.file("SV01", who="tenant")
    scene.do("desk_officer", ticket, "merge", into=str(master))
    assert live(ticket)["promise"].running_since is None
    scene.do("desk_officer", ticket, "split", at=moment("2025-06-24T10:00"))
    assert row(ticket).due_at == promised
    scene.do("desk_officer", ticket, "dispatch", holder="po-a01", at=moment("2025-06-24T11:00"))
    assert (row(ticket).due_at, live(ticket)["promise"].due_at) == (promised, promised)
    assert live(ticket)["handle"].due_at == moment("2025-07-02T00:00")
    swept(scene, promised - scene.now)
    assert fired(ticket, "promise")[-1] == "due"
    assert TicketClock.objects.filter(subject=ticket, name="callback").count() == 1
    assert live(ticket)["callback"].due_at == promised


def test_whoever_was_promised_it_sooner_keeps_that_when_another_ticket_takes_theirs_in(scene):
    scene.now = moment("2025-06-16T10:00")
    ticket = scene.file("SV01")
    scene.do("chair", ticket, "dispatch", holder="po-a01", at=moment("2025-06-17T09:00"))
    promised = row(ticket).due_at
    master = scene.file("SV01", who="tenant")
    scene.do("chair", master, "dispatch", holder="po-a02", at=moment("2025-06-20T09:00"))
    assert row(master).due_at == moment("2025-06-28T00:00")
    scene.do("desk_officer", ticket, "merge", into=str(master))
    assert row(master).due_at == live(master)["promise"].due_at == promised
    swept(scene, promised - scene.now)
    assert fired(master, "promise")[-1] == "due"
    assert overdue(scene, master)


def test_a_sooner_promise_takes_the_place_of_the_one_that_the_ticket_has(scene):
    scene.now = moment("2025-06-16T10:00")
    ticket = scene.file("SV01")
    scene.do("chair", ticket, "dispatch", holder="po-a01", at=moment("2025-06-17T09:00"))
    promised = row(ticket).due_at
    master = scene.file("SV01", who="tenant")
    scene.do("chair", master, "dispatch", holder="po-a02", at=moment("2025-06-20T09:00"))
    scene.do("desk_officer", master, "redispatch", holder="po-a01", reason="另派")
    later = live(master)["promise"]
    assert later.due_at > promised
    scene.do("desk_officer", ticket, "merge", into=str(master))
    (promise,) = TicketClock.objects.live().filter(subject=master, name="promise")
    assert (promise.pk != later.pk, promise.due_at, row(master).due_at) == (True, promised, promised)


def test_a_sooner_promise_stands_still_where_the_ticket_that_takes_it_in_is_replied_to(scene):
    scene.now = moment("2025-06-16T10:00")
    ticket = scene.file("SV01")
    scene.do("chair", ticket, "dispatch", holder="po-a01", at=moment("2025-06-17T09:00"))
    master = scene.file("SV01", who="tenant")
    scene.do("chair", master, "dispatch", holder="po-a02", at=moment("2025-06-20T09:00"))
    scene.follow(master, [("other_dispatcher", "sign", {}), ("other_dispatcher", "contact", {"result": "reached"})])
    scene.do("other_dispatcher", master, "reply", result="已整改")
    taken_in = scene.do("desk_officer", ticket, "merge", into=str(master)).at
    promise = live(master)["promise"]
    assert (promise.running_since, promise.pause_reason, promise.spans) == (None, "replied", [taken_in])


def test_a_later_promise_changes_nothing_of_the_ticket_that_takes_it_in(scene):
    master = scene.file("SV01")
    scene.do("chair", master, "dispatch", holder="po-a01")
    promised = row(master).due_at
    later = scene.file("SV01", who="tenant")
    scene.do("chair", later, "dispatch", holder="po-a02", at=scene.now + DAY)
    scene.do("desk_officer", later, "merge", into=str(master))
    assert (row(master).due_at, "promise" in live(master)) == (promised, False)


def test_whoever_followed_a_promise_keeps_it_after_a_split(scene):
    scene.now = moment("2025-06-16T10:00")
    master, ticket = scene.file("SV01"), scene.file("SV01", who="tenant")
    scene.do("chair", ticket, "merge", into=str(master))
    scene.do("chair", master, "dispatch", holder="po-a01", at=moment("2025-06-17T09:00"))
    scene.do("desk_officer", ticket, "split", at=moment("2025-06-24T10:00"))
    scene.do("desk_officer", ticket, "dispatch", holder="po-a01", at=moment("2025-06-24T11:00"))
    assert row(ticket).due_at == live(ticket)["promise"].due_at == moment("2025-06-25T00:00")
    assert live(ticket)["callback"].due_at == live(ticket)["handle"].due_at


# The call-back.


def test_what_is_solved_in_coordination_has_a_promise_and_one_call_back(scene):
    ticket = scene.file("SV01")
    whole = live(ticket)["overall"].due_at
    scene.do("chair", ticket, "reply", result="双方已达成一致")
    assert row(ticket).due_at == whole == live(ticket)["callback"].due_at
    scene.do("resident", ticket, "dispute", reason="没有落实")
    scene.do("desk_officer", ticket, "dispatch", holder="po-a01")
    assert TicketClock.objects.filter(subject=ticket, name="callback").count() == 1
    assert row(ticket).due_at == whole


@pytest.mark.parametrize("who", ["desk_officer", "residents_committee_worker"])
def test_what_is_answered_at_once_has_a_promise_and_one_call_back(scene, who):
    ticket = scene.file("SV01", type="consult")
    whole = live(ticket)["overall"].due_at
    scene.do(who, ticket, "answer_now", answer="周一至周五可以办理")
    assert row(ticket).due_at == whole == live(ticket)["callback"].due_at
    scene.do("resident", ticket, "confirm", resolved=True, rating=5)
    assert live(ticket)["callback"].due_at == whole
    swept(scene, whole + HOUR - scene.now)
    assert "remind" in verbs(ticket)
    scene.do("resident", ticket, "reopen", reason="答复有误")
    scene.do("desk_officer", ticket, "dispatch", holder="po-a01")
    assert TicketClock.objects.filter(subject=ticket, name="callback").count() == 1
    scene.do("dispatcher", ticket, "sign")
    scene.do("desk_officer", ticket, "callback", valid=True, contacted=True, resolved=False, satisfied=2)
    assert "callback" not in live(ticket)
    assert scene.refused("desk_officer", ticket, "callback", **CALLED) == "already_called_back"


def test_a_ticket_that_was_called_back_is_not_called_again_after_a_split(scene):
    ticket = scene.at_work("SV01")
    scene.do("desk_officer", ticket, "callback", valid=True, contacted=True, resolved=False, satisfied=2)
    scene.do("desk_officer", ticket, "merge", into=str(scene.file("SV01", who="tenant")))
    scene.do("desk_officer", ticket, "split")
    scene.do("desk_officer", ticket, "dispatch", holder="po-a01")
    assert TicketClock.objects.filter(subject=ticket, name="callback").count() == 1
    assert "callback" not in live(ticket)


# A two-hour ticket that nobody signs for.


def test_after_the_third_round_somebody_of_the_street_has_it_by_name(scene, cast):
    ticket = scene.file("EL01")
    due = live(ticket)["sign"].due_at
    swept(scene, due + 60 * MINUTE - scene.now)
    assert (fired(ticket, "sign")[-2:], row(ticket).state) == (["again", "second"], "dispatched")
    swept(scene, 30 * MINUTE)
    after = Ticket.objects.get(pk=ticket)
    lead = after.assignment_rows.get(open=True, role="lead")
    assert (after.state, lead.organisation_id) == ("in_progress", after.desk_id)
    assert lead.worker.memberships.filter(organisation=after.desk_id).exists()
    assert verbs(ticket)[-1] == "step_in"
    assert "sign" not in live(ticket)
    assert live(ticket)["handle"].holder_id == after.desk_id
    assert row(ticket).due_at == live(ticket)["promise"].due_at
    rungs = TicketClock.objects.get(subject=ticket, name="sign").rung
    swept(scene, 5 * HOUR)
    assert TicketClock.objects.get(subject=ticket, name="sign").rung == rungs
