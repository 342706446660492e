"""Events from before the rules of today are told as they were: what they did to the clocks, and which rows that left."""

import pytest

from tests.tickets.paths import CONTACTED
from tests.tickets.story import history, row
from tests.tickets.test_clocks import HOUR, moment, to
from workflow.clocks import RULES, recompute

pytestmark = pytest.mark.django_db


def told_before(ticket) -> dict[str, list]:
    """The clocks to which the ticket's events lead by the first rules, by name: those events said nothing of rules."""
    events = history(ticket)
    for event in events:
        event.data.pop(RULES, None)
        event.data.pop("counts", None)
    found: dict[str, list] = {}
    for one in recompute(row(ticket), events):
        found.setdefault(one.name, []).append(one)
    return found


def test_a_question_held_what_was_overdue_and_gave_back_all_of_its_time(scene):
    ticket = scene.follow(scene.at_work("CL03"), [CONTACTED])
    due = row(ticket).due_at
    scene.do("dispatcher", ticket, "ask", question="哪里？", at=due + HOUR)
    (handle,) = told_before(ticket)["handle"]
    assert (handle.running_since, handle.spans, handle.reasons) == (None, [due + HOUR], [])
    other = scene.at_work("SV01")
    asked = scene.now
    scene.do("dispatcher", other, "ask", question="哪里？", at=asked)
    scene.do("resident", other, "answer", answer="门口", at=asked + 100 * HOUR)
    (handle,) = told_before(other)["handle"]
    assert handle.paused == 100 * HOUR


def test_an_account_began_the_disposal_anew(scene):
    ticket = scene.at_work("SV01")
    account = {"kind": "planning", "owner": "section-city", "plan_date": "2025-09-01", "reason": "待规划"}
    scene.do("desk_officer", ticket, "put_on_account", at=moment("2025-06-05T09:00"), **account)
    scene.do("desk_officer", ticket, "resume", at=moment("2025-06-10T09:00"))
    events = history(ticket)
    terms = next(event.data["terms"] for event in events if event.verb == "dispatch")
    for event in events:
        event.data.pop(RULES, None)
        if event.verb == "resume":
            event.data["terms"] = terms | {"budgets": {"handle": "7d", "overall": "10d"}}
    handles = [one for one in recompute(row(ticket), events) if one.name == "handle"]
    assert [one.stopped_at is None for one in handles] == [False, True]
    assert handles[1].started_at == moment("2025-06-10T09:00")


def test_a_new_holder_left_the_promise_without_a_clock_and_a_call_in_vain_was_a_contact(scene):
    ticket = scene.at_work("SV01")
    scene.do("dispatcher", ticket, "contact", result="no_answer")
    scene.do("desk_officer", ticket, "redispatch", holder="po-a02", reason="另派")
    before = told_before(ticket)
    assert "promise" not in before
    assert before["contact"][0].stopped_at < before["contact"][1].started_at  # by the call, not by the redispatch


def test_an_extension_after_the_end_left_the_breach(scene):
    ticket = scene.follow(scene.at_work("SV01"), [CONTACTED])
    to(scene, "2025-06-10T09:00")
    scene.do("dispatcher", ticket, "request_extension", days=3, reason="配件未到")
    scene.do("desk_officer", ticket, "grant_extension")
    (handle,) = told_before(ticket)["handle"]
    assert (handle.breached_at, handle.due_at) == (moment("2025-06-10T00:00"), moment("2025-06-13T00:00"))
    assert (handle.extended, handle.turn) == (0, 0)


def test_another_category_measured_what_ran_anew_from_its_beginning_and_another_spot_did_not(scene):
    ticket = scene.file("SV01")
    scene.do("desk_officer", ticket, "correct", spot="3号楼旁", reason="位置有误")
    corrected = scene.do("desk_officer", ticket, "correct", category="SV03", reason="分类有误").at
    before = told_before(ticket)
    for name, budgets in (("coordinate", ["3d", "3d"]), ("overall", ["10d", "18d"])):
        old, new = before[name]
        assert [old.budget, new.budget] == budgets
        assert (old.stopped_at, new.stopped_at) == (corrected, None)
        assert (old.started_at, new.started_at) == (row(ticket).submitted_at, row(ticket).submitted_at)
        assert (old.holder_id, new.holder_id) == (None, None)
