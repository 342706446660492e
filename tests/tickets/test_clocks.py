"""The clocks of a ticket, from start to end: when each is due, what holds it, and what happens as it runs out."""

import uuid
from datetime import datetime, timedelta

import pytest

from casework.duties import sweep
from community.models import Organisation
from tests.tickets.paths import CONTACTED, FOLLOWED, Scene
from tests.tickets.story import row
from tickets.audience import Audience
from tickets.escalation import TicketClimber
from tickets.kind import TICKETS
from tickets.models import Ticket, TicketClock, TicketEvent, TicketFiring, TicketOutbox
from tickets.sides import OutboxEvent
from tickets.states import OPEN, ClockName, State
from workflow.moment import at
from workflow.sweep import Swept

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rows_and_events_agree")]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# 9:00 on Monday 2 June 2025, a holiday; the scene's own beginning.
SHANGHAI = "+08:00"
RESIDENTS_NEVER_SEE = {"overall", "promise", "review", "extension", "callback", "report", "assist"}


def moment(text: str) -> datetime:
    """A moment in Beijing."""
    return datetime.fromisoformat(text + SHANGHAI)


def live(ticket: uuid.UUID) -> dict[str, TicketClock]:
    """The clocks that are live, by name; helpers' clocks only where there is one of a name."""
    return {one.name: one for one in TicketClock.objects.live().filter(subject=ticket)}


def swept(scene: Scene, after: timedelta) -> Swept:
    """Let time pass, and what is due be fired."""
    scene.now += after
    with at(scene.now):
        return sweep(TICKETS)


def to(scene: Scene, text: str) -> Swept:
    """Let the time be that of Beijing's clock, and everything due be fired."""
    return swept(scene, moment(text) - scene.now)


def verbs(ticket: uuid.UUID, since: int = 0) -> list[str]:
    """What happened to the ticket after event number `since`."""
    return list(
        TicketEvent.objects.filter(subject=ticket, seq__gt=since).order_by("seq").values_list("verb", flat=True)
    )


def fired(ticket: uuid.UUID, clock: str) -> list[str]:
    """The rungs of a clock that were fired, in order."""
    found = TicketFiring.objects.filter(clock__subject=ticket, clock__name=clock).order_by("event__seq")
    return list(found.values_list("rung", flat=True))


# Which clocks run in which state, after a first holder has lost the ticket to a second.

RUNNING = {
    State.SUBMITTED: {"triage", "overall"},
    State.COORDINATING: {"coordinate", "overall"},
    State.DISPATCHED: {"sign", "contact", "handle", "overall", "promise", "callback"},
    State.IN_PROGRESS: {"contact", "handle", "overall", "promise", "callback"},
    State.RETURNING: {"review", "contact", "handle", "overall", "promise", "callback"},
    State.REPLIED: {"confirm", "callback"},
    State.ON_ACCOUNT: {"account", "plan"},
    State.CLOSED: {"callback"},
}


@pytest.mark.parametrize("state", State)
def test_the_clocks_that_run_are_those_of_the_state(scene, state):
    ticket = scene.follow(scene.file(who="neighbour"), []) if state == State.COORDINATING else scene.reach(state)
    whistled = (
        {"report", "assist"} if TicketClock.objects.live().filter(subject=ticket, name="report").exists() else set()
    )
    running = {name for name, one in live(ticket).items() if one.running_since is not None}
    assert running - whistled == RUNNING.get(state, set())


@pytest.mark.parametrize("state", OPEN)
def test_no_open_ticket_can_be_forgotten(scene, state):
    """Wherever it stands, time alone brings it to an end of its own, or to the street's lead."""
    ticket = scene.reach(state)
    running = TicketClock.objects.live().filter(subject=ticket, fire_at__isnull=False)
    assert running.exists()
    for _ in range(60):
        swept(scene, 8 * DAY)
    after = row(ticket)
    assert after.state not in OPEN or after.level == 3
    told = TicketEvent.objects.filter(subject=ticket, data__audience__contains=["street_lead"])
    assert after.state not in OPEN or told.exists()


# The states' own clocks.


def test_triage_that_runs_out_raises_the_level_and_again_every_day(scene):
    ticket = scene.file(type="consult")
    assert live(ticket)["triage"].due_at == row(ticket).submitted_at + 2 * HOUR == row(ticket).next_due_at
    swept(scene, HOUR)
    assert (fired(ticket, "triage"), row(ticket).level) == (["half"], 0)
    swept(scene, HOUR)
    assert (fired(ticket, "triage"), row(ticket).level) == (["half", "due"], 1)
    for day in (1, 2, 3):
        swept(scene, DAY)
        assert row(ticket).level == min(1 + day, 3)
    assert fired(ticket, "triage") == ["half", "due", "daily", "daily#1", "daily#2"]
    assert verbs(ticket)[-1] == "remind"


def test_a_committee_that_does_not_coordinate_is_taken_over_and_then_the_street_is_asked(scene):
    ticket = scene.file()
    assert row(ticket).coordinator_id != row(ticket).desk_id
    # Three days from a Monday that is a holiday: Thursday, 24:00.
    assert live(ticket)["coordinate"].due_at == moment("2025-06-06T00:00")
    to(scene, "2025-06-06T00:00")
    assert verbs(ticket)[-1] == "take_over"
    assert row(ticket).coordinator_id == row(ticket).desk_id
    assert row(ticket).level == 0
    # The street has its own three days; they roll off the weekend.
    assert live(ticket)["coordinate"].due_at == moment("2025-06-10T00:00")
    to(scene, "2025-06-10T00:00")
    assert (verbs(ticket)[-1], row(ticket).level) == ("raise_level", 1)
    assert row(ticket).state == "coordinating"


def test_what_nobody_signs_for_goes_back_to_the_street(scene):
    ticket = scene.reach("dispatched")
    swept(scene, live(ticket)["sign"].due_at - scene.now)
    assert verbs(ticket)[-1] == "bounce"
    assert row(ticket).state == "submitted"
    assert set(live(ticket)) - {"report", "assist"} == {"triage", "overall", "promise", "callback"}


def test_a_two_hour_ticket_that_nobody_signs_for_stays_and_rises(scene):
    ticket = scene.file("EL01")
    assert live(ticket)["sign"].due_at == row(ticket).submitted_at + timedelta(minutes=10)
    swept(scene, timedelta(minutes=10))
    assert (row(ticket).state, row(ticket).level) == ("dispatched", 1)
    swept(scene, timedelta(minutes=30))
    assert (row(ticket).state, row(ticket).level) == ("dispatched", 3)


def test_contact_and_arrival_stop_their_clocks(scene):
    ticket = scene.file("EL01")
    assert {"contact", "arrive"} <= set(live(ticket))
    scene.do("lift_dispatcher", ticket, "sign")
    scene.do("lift_dispatcher", ticket, "contact", result="reached")
    assert "contact" not in live(ticket)
    scene.do("lift_dispatcher", ticket, "arrive")
    assert "arrive" not in live(ticket)
    assert not TicketClock.objects.filter(subject=ticket, breached_at__isnull=False).exists()


def test_a_late_arrival_is_a_breach_even_when_nobody_swept(scene):
    ticket = scene.file("EL01")
    scene.do("lift_dispatcher", ticket, "sign")
    due = live(ticket)["arrive"].due_at
    scene.do("lift_dispatcher", ticket, "arrive", at=due + timedelta(minutes=4))
    arrived = TicketClock.objects.get(subject=ticket, name="arrive")
    assert (arrived.breached_at, arrived.over) == (due, timedelta(minutes=4))
    assert arrived.consumed == timedelta(minutes=34)


def test_a_move_at_the_very_moment_is_a_breach_and_one_before_is_not(scene):
    for early in (timedelta(0), timedelta(microseconds=1)):
        ticket = scene.file("EL01")
        scene.do("lift_dispatcher", ticket, "sign")
        due = live(ticket)["arrive"].due_at
        scene.do("lift_dispatcher", ticket, "arrive", at=due - early)
        assert (TicketClock.objects.get(subject=ticket, name="arrive").breached_at is None) == bool(early)


def test_a_disposal_that_runs_out_climbs_its_ladder(scene):
    ticket = scene.follow(scene.file("CL03"), [("dispatcher", "sign", {}), CONTACTED])
    handle = live(ticket)["handle"]
    swept(scene, handle.due_at - scene.now)
    assert (fired(ticket, "handle"), row(ticket).level) == (["half", "near", "due"], 1)
    assert TicketClock.objects.get(pk=handle.pk).breached_at == handle.due_at
    swept(scene, HOUR)
    assert (fired(ticket, "handle")[-1], row(ticket).supervised) == ("supervise", "routine")
    swept(scene, 23 * HOUR)
    assert (fired(ticket, "handle")[-1], row(ticket).level) == ("day", 2)
    assert row(ticket).state == "in_progress"


def test_missed_repetitions_are_told_once(scene):
    ticket = scene.file(type="consult")
    swept(scene, 10 * DAY)
    assert fired(ticket, "triage") == ["half", "due", "daily#8"]


# What holds time.


def test_a_question_holds_the_disposal_and_gives_the_time_back(scene):
    ticket = scene.reach("in_progress")
    before = live(ticket)["handle"].due_at
    scene.do("dispatcher", ticket, "ask", question="是哪个单元？")
    held = live(ticket)
    assert (held["handle"].running_since, held["handle"].pause_reason) == (None, "question")
    assert (held["overall"].running_since, held["question"].due_at) == (
        None,
        scene.now - timedelta(minutes=1) + 72 * HOUR,
    )
    # Tuesday 10:00 to Friday 9:00 holds two whole days.
    asked = scene.now - timedelta(minutes=1)
    scene.do("resident", ticket, "answer", answer="二单元", at=asked + 71 * HOUR)
    handle = live(ticket)["handle"]
    assert handle.running_since is not None
    assert handle.paused == 71 * HOUR
    assert (handle.pauses, handle.due_at) == (1, before + 2 * DAY)
    assert row(ticket).due_at == before + 2 * DAY


def test_a_question_without_an_answer_lapses_after_72_hours(scene):
    ticket = scene.reach("in_progress")
    scene.do("dispatcher", ticket, "ask", question="是哪个单元？")
    swept(scene, 72 * HOUR)
    assert "lapse" in verbs(ticket)
    assert not row(ticket).question_open
    assert live(ticket)["handle"].running_since is not None
    assert "question" not in live(ticket)


def test_an_hour_budget_is_held_for_exactly_the_time_of_the_question(scene):
    ticket = scene.file("EL02")
    scene.do("dispatcher", ticket, "sign")
    before = live(ticket)["handle"].due_at
    asked = scene.now
    scene.do("dispatcher", ticket, "ask", question="几号梯？")
    scene.do("resident", ticket, "answer", answer="二号", at=asked + timedelta(minutes=37))
    assert live(ticket)["handle"].due_at == before + timedelta(minutes=37)


def test_on_account_everything_stands_still_and_the_call_back_waits(scene):
    ticket = scene.reach("in_progress")
    before = live(ticket)
    due, callback = before["handle"].due_at, before["callback"].due_at
    plan = (scene.now + 40 * DAY).date().isoformat()
    put = scene.now
    account = {"kind": "planning", "owner": "section-city", "plan_date": plan, "reason": "待规划"}
    scene.do("desk_officer", ticket, "put_on_account", **account)
    held = live(ticket)
    assert held["callback"].running_since is None
    assert (held["callback"].pause_reason, held["callback"].due_at) == ("on_account", callback)
    for name in ("handle", "overall", "promise", "contact"):
        assert (held[name].pk, held[name].running_since) == (before[name].pk, None)
    assert (held["handle"].due_at, held["handle"].spans, held["handle"].reasons) == (due, [put], ["on_account"])
    # The plan day ends at its 24:00; then it goes on by itself.
    assert held["plan"].due_at == moment(f"{plan}T00:00") + DAY
    swept(scene, held["plan"].due_at - scene.now)
    assert verbs(ticket)[-1] == "resume"
    again = live(ticket)
    assert again["callback"].running_since is not None
    assert again["handle"].pk == before["handle"].pk
    # What was used stays used: the days on account are given back, and no others.
    assert again["handle"].due_at == moment("2025-07-22T00:00")  # 9 June and 40 days, rolled off a Sunday


def test_two_reports_missed_on_account_raise_the_level(scene):
    ticket = scene.reach("in_progress")
    plan = (scene.now + 200 * DAY).date().isoformat()
    scene.do(
        "desk_officer", ticket, "put_on_account", kind="planning", owner="section-city", plan_date=plan, reason="待规划"
    )
    swept(scene, live(ticket)["account"].due_at - scene.now)
    assert (fired(ticket, "account"), row(ticket).level) == (["near", "due"], 0)
    swept(scene, 30 * DAY)
    assert (fired(ticket, "account")[-1], row(ticket).level) == ("again", 1)


def test_a_report_on_account_begins_the_next_thirty_days(scene):
    ticket = scene.reach("on_account")
    first = live(ticket)["account"]
    scene.now += 20 * DAY
    scene.do("city_officer", ticket, "progress", text="已列入计划")
    second = live(ticket)["account"]
    assert second.pk != first.pk
    assert second.due_at > first.due_at


# What is asked for and granted.


def test_an_extension_that_nobody_answers_is_refused(scene):
    ticket = scene.reach("in_progress")
    due = row(ticket).due_at
    scene.do("dispatcher", ticket, "request_extension", days=3, reason="配件未到")
    swept(scene, 24 * HOUR)
    assert "refuse_extension" in verbs(ticket)
    assert (row(ticket).extension_days, row(ticket).due_at) == (None, due)


def test_an_extension_keeps_the_old_due_moment_on_record(scene):
    ticket = scene.reach("in_progress")
    old = live(ticket)["handle"].due_at
    scene.do("dispatcher", ticket, "request_extension", days=3, reason="配件未到")
    event = scene.do("desk_officer", ticket, "grant_extension")
    assert event.data["due_before"] == old.isoformat()
    assert live(ticket)["handle"].budget == "10d"
    assert live(ticket)["handle"].due_at == row(ticket).due_at == old + 3 * DAY
    assert live(ticket)["callback"].due_at == old


def test_a_return_that_nobody_decides_is_designated(scene):
    ticket = scene.reach("returning")
    swept(scene, 24 * HOUR)
    assert "designate" in verbs(ticket)
    assert row(ticket).state == "dispatched"
    assert {"sign", "handle"} <= set(live(ticket))


def test_a_return_of_a_holder_without_people_goes_to_the_street(scene, cast):
    ticket = scene.reach("returning")
    for one in ("dispatcher", "manager", "worker"):
        cast[one].memberships.filter(organisation__code="po-a01").update(ends_on="2025-06-01")
    swept(scene, 24 * HOUR)
    assert "bounce" in verbs(ticket)
    assert row(ticket).state == "submitted"


def test_a_reply_that_nobody_answers_is_closed_in_silence_and_not_as_satisfied(scene):
    ticket = scene.reach("replied")
    due = live(ticket)["confirm"].due_at
    swept(scene, due - timedelta(microseconds=1) - scene.now)
    assert row(ticket).state == "replied"
    swept(scene, timedelta(microseconds=1))
    assert (verbs(ticket)[-1], row(ticket).state) == ("close_silent", "closed")
    assert (row(ticket).resolved, row(ticket).rating) == (None, None)


# Rows are never reset.


def test_a_new_company_and_a_reopening_are_new_rows(scene):
    ticket = scene.reach("in_progress")
    first = live(ticket)["handle"]
    promised = row(ticket).due_at
    scene.now += 2 * DAY
    scene.do("desk_officer", ticket, "redispatch", holder="co-linjianli", reason="另派")
    second = live(ticket)["handle"]
    assert (second.pk != first.pk, second.holder_id) == (True, scene.codes["co-linjianli"])
    assert TicketClock.objects.get(pk=first.pk).stopped_at is not None
    # What the resident was promised does not move with the company.
    assert row(ticket).due_at == promised
    assert second.due_at > promised


def test_a_reopened_ticket_has_a_disposal_of_its_own_and_one_call_back_in_its_life(scene):
    ticket = scene.reach("closed")
    callback = live(ticket)["callback"]
    scene.do("resident", ticket, "reopen", reason="又坏了")
    assert live(ticket)["handle"].started_at > callback.started_at
    assert live(ticket)["callback"].pk == callback.pk
    assert row(ticket).due_at == live(ticket)["handle"].due_at
    swept(scene, callback.due_at - scene.now)
    assert fired(ticket, "callback") == ["due"]
    scene.do("desk_officer", ticket, "callback", valid=True, contacted=True, resolved=True, satisfied=5)
    assert "callback" not in live(ticket)


def test_the_call_back_is_due_at_the_first_due_moment_however_early_the_ticket_is_closed(scene):
    ticket = scene.reach("closed")
    assert set(live(ticket)) == {"callback"}
    due = live(ticket)["callback"].due_at
    assert due == TicketClock.objects.filter(subject=ticket, name="handle").earliest("epoch").due_at
    swept(scene, due - scene.now)
    assert (fired(ticket, "callback"), verbs(ticket)[-1]) == (["due"], "remind")
    assert swept(scene, 60 * DAY).rungs == 0


# Helpers.


def test_a_whistled_department_has_to_report_in_and_to_finish(scene):
    ticket = scene.file()
    scene.do("desk_officer", ticket, "whistle", departments=["dept-traffic-police"], reason="需要执法")
    assert {"report", "assist"} <= set(live(ticket))
    scene.do("traffic_liaison", ticket, "report_in")
    assert "report" not in live(ticket)
    assert live(ticket)["assist"].holder_id == scene.codes["dept-traffic-police"]
    scene.do("traffic_liaison", ticket, "assist_done", words="已处理")
    assert not {"report", "assist"} & set(live(ticket))


def owed(ticket: uuid.UUID) -> list[tuple[str, str]]:
    """What helpers owe now: each clock's name, and whose it is."""
    rows = TicketClock.objects.live().filter(subject=ticket, name__in=["report", "assist"])
    codes = dict(Organisation.objects.values_list("pk", "code"))
    return sorted((one.name, codes[one.holder_id]) for one in rows)


def test_each_helper_owes_its_own_report_and_work_and_none_twice(scene):
    ticket = scene.file()
    scene.do("chair", ticket, "dispatch", holder="po-a01", co_handlers=["dept-traffic-police"])
    scene.do("dispatcher", ticket, "sign")
    assert owed(ticket) == [("assist", "dept-traffic-police")]
    work = live(ticket)["assist"]
    scene.do("desk_officer", ticket, "whistle", departments=["dept-police"], reason="需要执法")
    assert owed(ticket) == [("assist", "dept-police"), ("assist", "dept-traffic-police"), ("report", "dept-police")]
    # Who helps already has to report in besides, and its work goes on.
    scene.do("desk_officer", ticket, "whistle", departments=["dept-traffic-police"], reason="需要执法")
    assert owed(ticket) == [
        *[("assist", "dept-police"), ("assist", "dept-traffic-police")],
        *[("report", "dept-police"), ("report", "dept-traffic-police")],
    ]
    assert TicketClock.objects.get(pk=work.pk).stopped_at is None
    scene.do("traffic_liaison", ticket, "report_in")
    assert owed(ticket) == [("assist", "dept-police"), ("assist", "dept-traffic-police"), ("report", "dept-police")]


def test_a_helper_that_a_new_dispatch_asks_again_goes_on_with_its_work(scene):
    ticket = scene.file()
    scene.do("chair", ticket, "dispatch", holder="po-a01", co_handlers=["lift-shengan"])
    before = live(ticket)["assist"]
    scene.do("desk_officer", ticket, "redispatch", holder="po-a02", co_handlers=["lift-shengan"], reason="更合适")
    assert owed(ticket) == [("assist", "lift-shengan")]
    assert live(ticket)["assist"].pk == before.pk


def test_a_department_that_does_not_report_in_raises_the_level(scene):
    ticket = scene.file()
    scene.do("desk_officer", ticket, "whistle", departments=["dept-police"], reason="需要执法")
    swept(scene, 24 * HOUR)
    assert fired(ticket, "report") == ["half", "due"]
    assert row(ticket).level == 1


def test_helpers_are_not_hurried_while_the_resident_is_asked(scene):
    ticket = scene.file("EL01")
    scene.do("lift_dispatcher", ticket, "sign")
    scene.follow(ticket, [("lift_dispatcher", *CONTACTED[1:])])
    scene.do("lift_dispatcher", ticket, "reply", result="已救出", photos=[scene.photo("lift_dispatcher")])
    assert live(ticket)["assist"].running_since is None
    scene.do("resident", ticket, "dispute", reason="又停了")
    assert live(ticket)["assist"].running_since is not None


# Who is told.


def test_whoever_has_nobody_means_the_head_office_and_else_the_street(scene, cast):
    ticket = scene.reach("in_progress")
    scene.do("dispatcher", ticket, "contact", result="reached")
    head = scene.codes["co-tianyueheng"]
    for one in ("dispatcher", "manager", "worker"):
        cast[one].memberships.update(ends_on="2025-06-03")
    swept(scene, live(ticket)["handle"].due_at - scene.now)
    told = TicketEvent.objects.filter(subject=ticket, verb="raise_level").latest("seq")
    assert head in _audience(told)
    assert row(ticket).desk_id in _audience(told)


def _audience(event: TicketEvent) -> list[uuid.UUID]:
    told = OutboxEvent.of(TicketOutbox.objects.get(event=event))
    return Audience([told], event.at).systems(told)


def test_the_event_says_which_rung_brought_it_about(scene):
    ticket = scene.file(type="consult")
    swept(scene, 2 * HOUR)
    event = TicketEvent.objects.filter(subject=ticket).latest("seq")
    assert (event.verb, event.actor_id) == ("raise_level", None)
    assert event.data["fired"] == {
        "clock": "triage",
        "holder": "",
        "epoch": 1,
        "rung": "due",
        "position": 1,
        "due_at": row(ticket).next_due_at.isoformat(),
    }
    assert event.data["audience"] == ["desk", "street_lead"]


# A corrected category is measured by its own classes, from the same beginning.


def test_a_corrected_category_measures_coordination_anew_from_the_same_beginning(scene):
    ticket = scene.file()
    before = live(ticket)
    scene.now += 5 * HOUR
    scene.do("desk_officer", ticket, "correct", category="SV03", reason="分类有误")
    after = live(ticket)
    assert after["overall"].started_at == before["overall"].started_at
    assert (before["overall"].budget, after["overall"].budget) == ("10d", "18d")
    assert after["overall"].pk != before["overall"].pk


def test_every_clock_of_the_vocabulary_is_started_somewhere(scene):
    started = set()
    for state in State:
        scene.reach(state)
    ticket = scene.reach("in_progress")
    scene.do("dispatcher", ticket, "ask", question="？")
    scene.do("dispatcher", ticket, "request_extension", days=1, reason="缺件")
    scene.do("desk_officer", ticket, "whistle", departments=["dept-police"], reason="需要执法")
    scene.file("EL01")
    scene.do("resident", scene.follow(scene.file(), [FOLLOWED]), "withdraw")
    started |= set(TicketClock.objects.values_list("name", flat=True))
    assert started == set(ClockName.values)


def test_a_sweep_that_is_told_who_is_due_looks_at_nobody_else(scene):
    mine, other = scene.file(type="consult"), scene.file(type="consult")
    climber = TicketClimber(Ticket)
    climber.known = {mine}
    with at(scene.now + timedelta(minutes=61)):
        assert sweep(TICKETS, climber, limit=1) == Swept(rungs=1, subjects=1)
        assert set(TicketFiring.objects.values_list("clock__subject", flat=True)) == {mine}
        assert sweep(TICKETS) == Swept(rungs=1, subjects=1)
    assert set(TicketFiring.objects.values_list("clock__subject", flat=True)) == {mine, other}
