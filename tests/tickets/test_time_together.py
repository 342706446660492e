"""What happens to a ticket's time where two things come together: a question and coordination, succession, supervision, the account."""

from datetime import timedelta

import pytest

from tests.tickets.paths import CONTACTED
from tests.tickets.story import row
from tests.tickets.test_clocks import HOUR, fired, live, moment, swept, to, verbs
from tickets.models import Ticket, TicketClock, TicketEvent
from workflow.clocks import RULES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rows_and_events_agree")]
ACCOUNT = {"kind": "planning", "owner": "section-city", "plan_date": "2025-09-01", "reason": "待规划"}


# A question, and coordination.


def test_a_question_ends_where_its_asker_asks_for_coordination(scene):
    ticket = scene.at_work()
    before = live(ticket)
    scene.do("dispatcher", ticket, "ask", question="是哪个单元？", at=moment("2025-06-02T10:00"))
    scene.do("dispatcher", ticket, "coordinate", reason="需多方协调", at=moment("2025-06-02T12:00"))
    clocks = live(ticket)
    assert "question" not in clocks
    assert row(ticket).question_open is False
    # Two hours were held; a budget of days gets whole days back alone.
    whole = clocks["overall"]
    assert (whole.running_since is not None, whole.paused, whole.reasons) == (True, 2 * HOUR, ["question"])
    assert whole.due_at == before["overall"].due_at
    assert clocks["coordinate"].started_at == moment("2025-06-02T12:00")
    assert scene.refused("resident", ticket, "answer", answer="二单元") == "no_open_question"
    # The committee may ask anew, and is answered: one question at a time.
    scene.do("chair", ticket, "ask", question="何时方便？", at=moment("2025-06-02T14:00"))
    assert TicketClock.objects.filter(subject=ticket, name="question", stopped_at=None).count() == 1
    # 72 hours after the first question: that one is over.
    to(scene, "2025-06-05T11:00")
    assert "lapse" not in verbs(ticket)
    scene.do("resident", ticket, "answer", answer="周五", at=moment("2025-06-05T13:30"))
    coordinate = live(ticket)["coordinate"]
    assert coordinate.running_since is not None
    # Tuesday and Wednesday were held whole: the 7th is a Saturday, which rolls to Monday's end.
    assert coordinate.due_at == moment("2025-06-10T00:00")


def test_nothing_lapses_and_nothing_fails_after_a_question_that_coordination_ended(scene):
    ticket = scene.at_work()
    scene.do("dispatcher", ticket, "ask", question="是哪个单元？")
    scene.do("dispatcher", ticket, "coordinate", reason="需多方协调")
    sweep = to(scene, "2025-06-05T20:00")
    assert sweep.failed == 0
    assert "lapse" not in verbs(ticket)
    assert not TicketClock.objects.filter(subject=ticket, failures__gt=0).exists()


def test_an_unswept_question_gives_72_hours_where_coordination_ends_it(scene):
    ticket = scene.at_work()
    asked = moment("2025-06-03T10:00")
    scene.do("dispatcher", ticket, "ask", question="是哪个单元？", at=asked)
    scene.do("desk_officer", ticket, "coordinate", reason="需多方协调", at=moment("2025-06-11T10:00"))
    whole = live(ticket)["overall"]
    assert (whole.spans, whole.paused) == ([asked, asked + 72 * HOUR], 72 * HOUR)


@pytest.mark.parametrize("who", ["desk_officer", "clock"])
def test_whoever_takes_coordination_over_has_the_whole_time_and_the_question_is_over(scene, who):
    ticket = scene.file("SV01")
    before = live(ticket)
    asked, taken = moment("2025-06-02T10:00"), moment("2025-06-04T09:00")
    scene.do("chair", ticket, "ask", question="何时方便？", at=asked)
    assert live(ticket)["coordinate"].running_since is None
    # Held, it is due at no moment, and its ladder stands still.
    to(scene, "2025-06-04T08:59")
    assert fired(ticket, "coordinate") == []
    scene.do(who, ticket, "take_over", at=taken)
    clocks = live(ticket)
    assert "question" not in clocks
    assert row(ticket).question_open is False
    assert clocks["coordinate"].started_at == clocks["coordinate"].running_since == taken
    # Three days on is a Saturday, which rolls to Monday's end.
    assert clocks["coordinate"].due_at == moment("2025-06-10T00:00")
    held = TicketClock.objects.get(pk=before["coordinate"].pk)
    assert (held.stopped_at, held.breached_at, held.consumed) == (taken, None, asked - held.started_at)
    # The whole goes on, later by the one day that was held whole.
    assert clocks["overall"].due_at == before["overall"].due_at + timedelta(days=1)
    scene.do("desk_officer", ticket, "ask", question="何时方便？", at=taken + HOUR)
    assert live(ticket)["coordinate"].running_since is None


def test_what_the_second_rules_left_running_is_read_as_they_had_it(scene):
    ticket = scene.at_work()
    scene.do("dispatcher", ticket, "ask", question="是哪个单元？")
    scene.do("dispatcher", ticket, "coordinate", reason="需多方协调")
    event = TicketEvent.objects.get(subject=ticket, verb="coordinate")
    question = TicketClock.objects.get(subject=ticket, name="question")
    question.stopped_at, question.running_since = None, question.started_at
    assert Ticket.clock_plan(event, [question]).stops == (question,)
    event.data = {**event.data, RULES: 2}
    assert Ticket.clock_plan(event, [question]).stops == ()


def test_what_something_else_holds_does_not_go_on_with_the_end_of_a_question(scene):
    ticket = scene.at_work()
    scene.do("dispatcher", ticket, "ask", question="是哪个单元？")
    clocks = list(TicketClock.objects.live().filter(subject=ticket))
    (callback,) = (one for one in clocks if one.name == "callback")
    callback.running_since, callback.pause_reason, callback.spans = None, "merged", [callback.started_at]
    event = scene.do("resident", ticket, "answer", answer="二单元")
    goes_on = {(one.name, at) for one, at in Ticket.clock_plan(event, clocks).lapses}
    assert goes_on == {("handle", event.at), ("overall", event.at)}


# A question, and somebody who leaves.


def shared(scene):
    """A ticket at work that a neighbour stands behind."""
    ticket = scene.at_work()
    scene.do("neighbour", ticket, "cosign")
    return ticket


def test_what_waits_for_a_reporter_who_leaves_goes_on_at_once(scene):
    ticket = shared(scene)
    before = live(ticket)["handle"]
    scene.do("dispatcher", ticket, "ask", question="是哪个单元？", at=moment("2025-06-03T10:00"))
    scene.do("resident", ticket, "withdraw", at=moment("2025-06-05T10:00"))
    clocks = live(ticket)
    assert "question" not in clocks
    assert row(ticket).question_open is False
    handle = clocks["handle"]
    # Wednesday was held whole.
    assert (handle.pk, handle.due_at) == (before.pk, before.due_at + timedelta(days=1))
    assert clocks["succession"].due_at == moment("2025-06-11T00:00")


def test_nobody_is_asked_while_nobody_is_the_reporter(scene):
    ticket = shared(scene)
    scene.do("resident", ticket, "withdraw")
    due = live(ticket)["handle"].due_at
    assert "ask" not in scene.offered("dispatcher", ticket)
    assert scene.refused("dispatcher", ticket, "ask", question="是哪个单元？") == "nobody_to_ask"
    assert live(ticket)["handle"].due_at == due
    # Whoever succeeds is asked, and answers.
    scene.do("neighbour", ticket, "succeed")
    scene.do("dispatcher", ticket, "ask", question="是哪个单元？", at=moment("2025-06-03T10:00"))
    assert live(ticket)["handle"].running_since is None
    scene.do("neighbour", ticket, "answer", answer="二单元", at=moment("2025-06-05T10:00"))
    assert live(ticket)["handle"].due_at == due + timedelta(days=1)


def test_whoever_coordinates_asks_nobody_either_where_the_street_has_kept_it(scene):
    ticket = scene.file("SV01")
    scene.do("neighbour", ticket, "cosign")
    scene.do("resident", ticket, "withdraw")
    to(scene, "2025-06-06T09:00")
    assert "keep" in verbs(ticket)
    assert row(ticket).state == "coordinating"
    assert scene.refused("desk_officer", ticket, "ask", question="何时方便？") == "nobody_to_ask"


def test_whoever_takes_a_report_over_moves_no_clock_but_that_of_the_succession(scene):
    ticket = shared(scene)
    scene.do("resident", ticket, "withdraw")
    before = live(ticket)
    scene.do("neighbour", ticket, "succeed")
    after = live(ticket)
    assert before.keys() - after.keys() == {"succession"}
    for name, clock in after.items():
        assert (clock.pk, clock.due_at, clock.spans) == (before[name].pk, before[name].due_at, before[name].spans)
    assert TicketClock.objects.get(pk=before["succession"].pk).breached_at is None
    assert row(ticket).due_at == after["handle"].due_at


@pytest.mark.parametrize("account", [True, False])
def test_three_working_days_to_succeed_run_on_whatever_becomes_of_the_ticket(scene, account):
    ticket = shared(scene)
    scene.do("resident", ticket, "withdraw", at=moment("2025-06-03T10:00"))
    due = live(ticket)["succession"].due_at
    assert due == moment("2025-06-07T00:00")
    scene.follow(ticket, [CONTACTED])
    if account:
        scene.do("desk_officer", ticket, "put_on_account", **ACCOUNT)
    else:
        scene.do("dispatcher", ticket, "reply", result="已整改")
    succession = live(ticket)["succession"]
    assert (succession.running_since is not None, succession.due_at) == (True, due)
    to(scene, "2025-06-07T00:00")
    assert (verbs(ticket)[-1], row(ticket).successor_id) == ("keep", None)
    assert "succession" not in live(ticket)


def test_the_next_who_is_asked_has_three_working_days_of_their_own(scene):
    ticket = shared(scene)
    scene.do("tenant", ticket, "cosign")
    scene.do("resident", ticket, "withdraw", at=moment("2025-06-03T10:00"))
    first = live(ticket)["succession"]
    scene.do("neighbour", ticket, "decline_succession", at=moment("2025-06-05T10:00"))
    second = live(ticket)["succession"]
    assert (first.pk != second.pk, second.due_at) == (True, moment("2025-06-11T00:00"))


# Supervision and levels, and what stands still.


def test_supervision_and_levels_move_no_clock_and_end_no_pause(scene):
    ticket = scene.at_work()
    scene.do("dispatcher", ticket, "ask", question="是哪个单元？", at=moment("2025-06-03T10:00"))
    before = live(ticket)
    for name, how in (
        ("supervise", {"kind": "listed", "reason": "影响较大"}),
        ("raise_level", {"level": 2, "reason": "影响较大"}),
        ("lift_supervision", {"reason": "已缓解"}),
        ("lower_level", {"level": 1, "reason": "已缓解"}),
    ):
        scene.do("desk_officer", ticket, name, **how)
        after = live(ticket)
        assert {name: (one.pk, one.due_at, one.spans, one.fire_at) for name, one in after.items()} == {
            name: (one.pk, one.due_at, one.spans, one.fire_at) for name, one in before.items()
        }
    assert row(ticket).question_open is True


def test_a_ladder_waits_with_its_clock_and_supervises_an_hour_after_the_later_end(scene):
    ticket = scene.follow(scene.at_work("CL03"), [CONTACTED])  # 24 hours
    due = live(ticket)["handle"].due_at
    scene.do("dispatcher", ticket, "ask", question="哪个垃圾桶？", at=due - HOUR)
    level = row(ticket).level
    swept(scene, due + 2 * HOUR - scene.now)
    assert not {"due", "supervise"} & {*fired(ticket, "handle")}
    assert (row(ticket).supervised, row(ticket).level) == ("", level)
    scene.do("resident", ticket, "answer", answer="东门", at=due + 2 * HOUR)
    later = due + 3 * HOUR
    assert live(ticket)["handle"].due_at == later
    swept(scene, later - scene.now)
    assert (fired(ticket, "handle")[-1], row(ticket).level, row(ticket).supervised) == ("due", level + 1, "")
    swept(scene, HOUR)
    assert (fired(ticket, "handle")[-1], row(ticket).supervised) == ("supervise", "routine")


def test_what_the_street_lowered_the_ladder_raises_again_at_its_next_rung_alone(scene):
    ticket = scene.follow(scene.at_work("CL03"), [CONTACTED])
    due = live(ticket)["handle"].due_at
    swept(scene, due + 2 * HOUR - scene.now)
    raised = row(ticket)
    assert (raised.level > 0, raised.supervised) == (True, "routine")
    scene.do("desk_officer", ticket, "lower_level", level=0, reason="已缓解")
    scene.do("desk_officer", ticket, "lift_supervision", reason="已缓解")
    swept(scene, timedelta(hours=3))
    assert (row(ticket).level, row(ticket).supervised) == (0, "")
    swept(scene, due + timedelta(days=1) - scene.now)
    assert (fired(ticket, "handle")[-1], row(ticket).level, row(ticket).supervised) == ("day", 1, "")


def test_a_level_above_the_ladder_s_own_is_left_by_it_and_somebody_is_reminded(scene):
    ticket = scene.follow(scene.at_work("CL03"), [CONTACTED])
    scene.do("desk_officer", ticket, "raise_level", level=4, reason="影响较大")
    swept(scene, live(ticket)["handle"].due_at - scene.now)
    assert (fired(ticket, "handle")[-1], verbs(ticket)[-1], row(ticket).level) == ("due", "remind", 4)
