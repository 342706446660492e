"""What holds a ticket's time and for how long: questions, accounts, extensions after the end, and what is left of each."""

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from casework.duties import follow_calendar
from community.models import ServiceContract
from tests.tickets.paths import CONTACTED
from tests.tickets.story import row
from tests.tickets.test_clocks import HOUR, fired, live, moment, swept, to, verbs
from tickets.kind import TICKETS
from tickets.models import Assignment, TicketClock, TicketFiring, service_level
from tickets.queries import in_street
from workflow import calendars
from workflow.models.calendars import CalendarDay, CalendarVersion
from workflow.moment import at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rows_and_events_agree")]


@pytest.fixture
def calendar_anew():
    """What a test publishes is remembered by no other."""
    calendars.forget()
    yield
    calendars.forget()


@pytest.fixture
def service_level_with():
    """`service_level_with(extensions=3)` lets the first service level have other limits."""
    with ExitStack() as stack:

        def change(**limits: int) -> None:
            level = service_level.level(1)
            stack.enter_context(service_level.instead(replace(level, limits=replace(level.limits, **limits))))

        yield change


@pytest.fixture
def contract_terms(db):
    """`contract_terms("handle:D7=72h")` puts these into the contract of the first area."""
    return lambda terms: ServiceContract.objects.filter(code="P-A01").update(terms=terms)


# A question.


def test_what_is_overdue_runs_on_and_climbs_on_through_a_question(scene):
    ticket = scene.follow(scene.at_work("CL03"), [CONTACTED])  # 24 hours, from Monday 9:00
    due = live(ticket)["handle"].due_at
    swept(scene, due + 30 * timedelta(minutes=1) - scene.now)
    assert fired(ticket, "handle")[-1] == "due"
    scene.do("dispatcher", ticket, "ask", question="哪个垃圾桶？")
    handle = live(ticket)["handle"]
    assert (handle.running_since is not None, handle.due_at, handle.breached_at) == (True, due, due)
    assert row(ticket).next_due_at == due
    desk = scene.actor("desk_officer")
    assert in_street(desk).overdue(scene.now).filter(pk=ticket).exists()
    swept(scene, due + HOUR - scene.now)
    assert (fired(ticket, "handle")[-1], row(ticket).supervised) == ("supervise", "routine")
    # The whole still has time, and waits for the answer.
    assert live(ticket)["overall"].running_since is None


@pytest.mark.parametrize("swept_late", [True, False])
def test_a_question_holds_72_hours_however_late_somebody_comes_by(scene, swept_late):
    ticket = scene.at_work("SV01")
    before = live(ticket)
    assert before["handle"].due_at == moment("2025-06-10T00:00")
    asked = moment("2025-06-03T10:00")
    scene.do("dispatcher", ticket, "ask", question="是哪个单元？", at=asked)
    if swept_late:
        to(scene, "2025-06-11T10:00")  # day 8
        assert "lapse" in verbs(ticket)
    else:
        scene.do("resident", ticket, "answer", answer="二单元", at=moment("2025-06-11T10:00"))
    handle = TicketClock.objects.get(pk=before["handle"].pk)
    assert (handle.spans, handle.paused) == ([asked, asked + 72 * HOUR], 72 * HOUR)
    # Wednesday and Thursday were held whole.
    assert handle.due_at == moment("2025-06-12T00:00") == row(ticket).due_at


def test_a_question_that_nobody_swept_gives_72_hours_to_a_limit_of_hours_and_leaves_it_overdue(scene):
    ticket = scene.at_work("CL03")
    due = live(ticket)["handle"].due_at
    scene.do("dispatcher", ticket, "ask", question="哪个垃圾桶？")
    to(scene, "2025-06-10T10:00")
    handle = live(ticket)["handle"]
    assert handle.breached_at == handle.due_at == due + 72 * HOUR
    assert fired(ticket, "handle")[:3] == ["half", "near", "due"]


def test_a_reply_after_an_unswept_question_is_late_by_what_came_after_the_72_hours(scene):
    ticket = scene.follow(scene.at_work("CL03"), [CONTACTED])
    due = live(ticket)["handle"].due_at
    scene.do("dispatcher", ticket, "ask", question="哪个垃圾桶？")
    late = due + 72 * HOUR + timedelta(minutes=5)
    scene.do("dispatcher", ticket, "reply", result="已清运", photos=[scene.photo("dispatcher")], at=late)
    handle = TicketClock.objects.get(subject=ticket, name="handle")
    assert (handle.breached_at, handle.over) == (due + 72 * HOUR, timedelta(minutes=5))


@pytest.mark.parametrize("swept_in_time", [True, False])
@pytest.mark.parametrize(
    ("who", "move", "inputs"),
    [
        ("dispatcher", "reply", {"result": "已整改"}),
        ("desk_officer", "redispatch", {"holder": "po-a02", "reason": "更合适"}),
        ("street_lead", "terminate", {"reason": "诉求人拒绝配合"}),
        ("resident", "withdraw", {}),
    ],
)
def test_the_promise_has_the_time_that_a_question_held_whoever_came_by_meanwhile(
    scene, swept_in_time, who, move, inputs
):
    ticket = scene.follow(scene.at_work("SV01"), [CONTACTED])
    assert row(ticket).due_at == moment("2025-06-10T00:00")
    scene.do("dispatcher", ticket, "ask", question="是哪个单元？", at=moment("2025-06-03T10:00"))
    if swept_in_time:
        to(scene, "2025-06-06T10:00")
        assert "lapse" in verbs(ticket)
    scene.do(who, ticket, move, at=moment("2025-06-11T10:00"), **inputs)
    handle = TicketClock.objects.filter(subject=ticket, name="handle").earliest("epoch")
    assert (handle.due_at, handle.breached_at) == (moment("2025-06-12T00:00"), None)
    assert row(ticket).due_at == handle.due_at


# An extension after the end.


def overdue_and_extended(scene, days: int = 3):
    """A ticket of seven days, overdue since Tuesday 10 June 0:00, whose extension was granted that morning."""
    ticket = scene.at_work("SV01")
    scene.do("dispatcher", ticket, "contact", result="reached")
    to(scene, "2025-06-10T09:00")
    assert fired(ticket, "handle") == ["half", "near", "due", "supervise"]
    scene.do("dispatcher", ticket, "request_extension", days=days, reason="配件未到")
    scene.do("desk_officer", ticket, "grant_extension")
    return ticket


def test_an_extension_granted_after_the_end_fires_at_its_new_end(scene):
    ticket = overdue_and_extended(scene)
    handle = live(ticket)["handle"]
    assert (handle.due_at, handle.breached_at) == (moment("2025-06-13T00:00"), None)
    level = row(ticket).level
    to(scene, "2025-06-13T00:00")
    assert fired(ticket, "handle")[-2:] == ["near@2", "due@2"]
    assert (live(ticket)["handle"].breached_at, row(ticket).level) == (moment("2025-06-13T00:00"), level + 1)
    to(scene, "2025-06-13T01:00")
    assert fired(ticket, "handle")[-1] == "supervise@2"


def test_a_question_after_such_an_extension_counts_as_before_the_end(scene):
    ticket = overdue_and_extended(scene)
    scene.do("dispatcher", ticket, "ask", question="是哪个单元？", at=moment("2025-06-10T10:00"))
    assert live(ticket)["handle"].running_since is None
    scene.do("resident", ticket, "answer", answer="二单元", at=moment("2025-06-12T09:00"))
    handle = live(ticket)["handle"]
    assert (handle.due_at, handle.reasons) == (moment("2025-06-14T00:00"), ["question"])


def test_an_extension_that_does_not_reach_the_present_leaves_it_overdue_at_its_new_end(scene):
    ticket = scene.at_work("SV01")
    to(scene, "2025-06-14T09:00")
    scene.do("dispatcher", ticket, "request_extension", days=2, reason="配件未到")
    scene.do("desk_officer", ticket, "grant_extension")
    handle = live(ticket)["handle"]
    assert handle.breached_at == handle.due_at == moment("2025-06-12T00:00")
    told = TicketFiring.objects.filter(clock=handle).count()
    to(scene, "2025-06-15T00:00")
    assert TicketFiring.objects.filter(clock=handle).count() == told + 1  # three days after the end


# Holidays and make-up days.


def publish(scene, *days: tuple[str, bool]) -> None:
    """A calendar on which people work on some days more, and on others less; the clocks follow it."""
    draft = CalendarVersion.objects.order_by("-number").first().copy_as_draft()
    for day, works in days:
        CalendarDay.objects.filter(version=draft, day=day).delete()
        CalendarDay.objects.create(version=draft, day=day, works=works, name="调整")
    draft.publish(at=timezone.now())
    calendars.forget()
    with at(scene.now):
        assert not follow_calendar(TICKETS).failed


def test_a_holiday_that_is_added_after_the_end_takes_the_breach_back(scene, calendar_anew):
    ticket = scene.at_work("SV01")
    to(scene, "2025-06-10T09:00")
    assert live(ticket)["handle"].breached_at == moment("2025-06-10T00:00")
    publish(scene, ("2025-06-09", False), ("2025-06-10", False))
    handle = live(ticket)["handle"]
    assert (handle.due_at, handle.breached_at) == (moment("2025-06-12T00:00"), None)
    to(scene, "2025-06-12T00:00")
    assert fired(ticket, "handle")[-1] == "due@2"


def test_a_make_up_day_that_is_published_later_breaches_nothing_in_the_past(scene, calendar_anew):
    scene.now = moment("2025-06-07T09:00")
    ticket = scene.at_work("SV01")
    due = live(ticket)["handle"].due_at
    assert due == moment("2025-06-17T00:00")  # Saturday the 14th rolled to Monday's end
    to(scene, "2025-06-15T20:00")
    publish(scene, ("2025-06-14", True))
    handle = live(ticket)["handle"]
    # Saturday has passed by now: it ends with the day on which that was made known, or the next that people work.
    assert (handle.due_at, handle.breached_at) == (moment("2025-06-17T00:00"), None)


def test_a_ticket_that_was_merged_follows_a_new_calendar_too(scene, calendar_anew):
    ticket = scene.reach("dispatched")
    scene.do("desk_officer", ticket, "merge", into=str(scene.file()))
    publish(scene, ("2025-06-09", False))
    assert live(ticket)["promise"].calendar == calendars.newest()


# On account.


def test_on_account_what_was_used_stays_used_and_what_was_granted_stays_granted(scene):
    ticket = scene.at_work("SV01")
    scene.do("dispatcher", ticket, "request_extension", days=3, reason="配件未到")
    scene.do("desk_officer", ticket, "grant_extension")
    before = live(ticket)["handle"]
    assert before.due_at == moment("2025-06-13T00:00")
    account = {"kind": "planning", "owner": "section-city", "plan_date": "2025-09-01", "reason": "待规划"}
    scene.do("desk_officer", ticket, "put_on_account", at=moment("2025-06-05T09:00"), **account)
    scene.do("desk_officer", ticket, "resume", at=moment("2025-06-10T09:00"))
    handle = live(ticket)["handle"]
    assert (handle.pk, handle.budget, handle.extended) == (before.pk, "10d", 3)
    # Friday to Monday were whole days on account.
    assert handle.due_at == moment("2025-06-17T00:00") == row(ticket).due_at


def test_a_question_that_is_open_ends_when_the_ticket_goes_on_account(scene):
    ticket = scene.at_work("SV01")
    scene.do("dispatcher", ticket, "ask", question="是哪个单元？", at=moment("2025-06-03T10:00"))
    scene.do("dispatcher", ticket, "request_extension", days=2, reason="配件未到", at=moment("2025-06-03T11:00"))
    account = {"kind": "planning", "owner": "section-city", "plan_date": "2025-09-01", "reason": "待规划"}
    scene.do("desk_officer", ticket, "put_on_account", at=moment("2025-06-04T10:00"), **account)
    assert (row(ticket).question_open, row(ticket).extension_days) == (False, None)
    scene.do("desk_officer", ticket, "resume", at=moment("2025-06-05T10:00"))
    assert live(ticket)["handle"].reasons == ["question", "on_account"]
    scene.do("dispatcher", ticket, "ask", question="是哪个单元？")


# How far an extension may go.


def test_one_organisation_has_one_extension_and_no_more_days_than_the_class(scene):
    ticket = scene.at_work("SV01")
    assert scene.refused("dispatcher", ticket, "request_extension", days=8, reason="配件未到") == "too_many_days"
    scene.do("dispatcher", ticket, "request_extension", days=7, reason="配件未到")
    scene.do("desk_officer", ticket, "grant_extension")
    assert "request_extension" not in scene.offered("dispatcher", ticket)
    assert scene.refused("dispatcher", ticket, "request_extension", days=1, reason="仍未到") == "extended_enough"
    # The next organisation has one of its own.
    scene.do("desk_officer", ticket, "redispatch", holder="po-a02", reason="另派")
    scene.do("other_dispatcher", ticket, "sign")
    scene.do("other_dispatcher", ticket, "request_extension", days=2, reason="配件未到")


def test_the_service_level_may_allow_more_but_never_more_days_than_the_class(scene, service_level_with):
    service_level_with(extensions=3)
    ticket = scene.at_work("SV01")
    for days in (3, 3):
        scene.do("dispatcher", ticket, "request_extension", days=days, reason="配件未到")
        scene.do("desk_officer", ticket, "grant_extension")
    assert scene.refused("dispatcher", ticket, "request_extension", days=2, reason="仍未到") == "too_many_days"
    scene.do("dispatcher", ticket, "request_extension", days=1, reason="仍未到")
    scene.do("desk_officer", ticket, "grant_extension")
    assert scene.refused("dispatcher", ticket, "request_extension", days=1, reason="仍未到") == "extended_enough"


def test_a_contract_s_limit_in_hours_is_extended_by_days_of_24_hours(scene, contract_terms):
    contract_terms("handle:D7=72h")
    ticket = scene.at_work("SV01")
    before = live(ticket)["handle"]
    assert before.budget == "72h"
    assert scene.refused("dispatcher", ticket, "request_extension", days=4, reason="配件未到") == "too_many_days"
    scene.do("dispatcher", ticket, "request_extension", days=2, reason="配件未到")
    scene.do("desk_officer", ticket, "grant_extension")
    assert live(ticket)["handle"].due_at == before.due_at + 48 * HOUR == row(ticket).due_at


# First contact.


def test_a_call_in_vain_is_no_first_contact_and_the_third_counts(scene):
    ticket = scene.at_work("SV01")
    for _ in range(2):
        event = scene.do("dispatcher", ticket, "contact", result="no_answer")
        assert event.data["counts"] is False
        assert "contact" in live(ticket)
        assert scene.refused("dispatcher", ticket, "reply", result="已整改") == "not_contacted"
    scene.do("dispatcher", ticket, "contact", result="no_answer")
    assert "contact" not in live(ticket)
    assert Assignment.objects.get(ticket=ticket, open=True, role="lead").contact_attempts == 3
    scene.do("dispatcher", ticket, "reply", result="已整改")


def test_whoever_is_reached_has_been_contacted_whatever_came_before(scene):
    ticket = scene.at_work("SV01")
    scene.do("dispatcher", ticket, "contact", result="no_answer")
    scene.do("dispatcher", ticket, "contact", result="reached")
    assert "contact" not in live(ticket)


def test_how_many_calls_count_is_the_service_level_s(scene, service_level_with):
    service_level_with(contact_attempts=1)
    ticket = scene.at_work("SV01")
    scene.do("dispatcher", ticket, "contact", result="no_answer")
    assert "contact" not in live(ticket)
