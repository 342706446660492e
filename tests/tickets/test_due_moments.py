"""The due moments of a ticket's row: what counts as its next step, when it is at risk, and what moves with an extension."""

from datetime import timedelta

import pytest

from tests.tickets.story import row
from tests.tickets.test_clocks import live, moment
from tickets.models import TicketClock
from tickets.models.ticket import NEXT, risk_begins

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def test_a_ticket_is_at_risk_when_four_fifths_of_its_time_are_gone(scene):
    ticket = scene.reach("in_progress")
    scene.do("dispatcher", ticket, "contact", result="reached")
    handle = live(ticket)["handle"]
    fifth = (handle.due_at - handle.started_at) / 5
    assert risk_begins(handle) == handle.started_at + 4 * fifth
    assert row(ticket).next_due_at == handle.due_at
    # Other clocks began with the filing, a little before.
    running = TicketClock.objects.live().filter(subject=ticket, name__in=NEXT, running_since__isnull=False)
    assert row(ticket).at_risk_at == min(risk_begins(one) for one in running)


def test_time_that_was_held_makes_no_risk(scene):
    """Of a clock that was held, a fifth of the time that it had for itself is left when the risk begins."""
    ticket = scene.reach("in_progress")
    scene.do("dispatcher", ticket, "ask", question="？")
    scene.now += 2 * DAY
    scene.do("resident", ticket, "answer", answer="。")
    handle = live(ticket)["handle"]
    assert handle.paused >= 2 * DAY
    assert risk_begins(handle) == handle.due_at - (handle.due_at - handle.started_at - handle.paused) / 5


def test_an_extension_moves_the_time_of_the_whole_as_well(scene):
    ticket = scene.reach("in_progress")
    before = live(ticket)
    scene.do("dispatcher", ticket, "request_extension", days=3, reason="配件未到")
    scene.do("desk_officer", ticket, "grant_extension")
    after = live(ticket)
    assert (before["handle"].budget, after["handle"].budget) == ("7d", "10d")
    assert (before["overall"].budget, after["overall"].budget) == ("10d", "13d")
    # Three days on from 12 June is a Sunday; a period that ends on one ends with the next working day.
    assert before["overall"].due_at == moment("2025-06-13T00:00")
    assert after["overall"].due_at == moment("2025-06-17T00:00")


def test_a_call_back_is_no_next_step(scene):
    """The reply waits for its resident; the call-back that is due before is the street's, and beside it."""
    ticket = scene.reach("replied")
    confirm = live(ticket)["confirm"].due_at
    TicketClock.objects.filter(subject=ticket, name="callback").update(due_at=scene.now + timedelta(minutes=1))
    scene.do("desk_officer", ticket, "supervise", kind="routine", reason="重点")
    assert row(ticket).next_due_at == confirm
    # The row was changed to be seen by the move; as the events say it, the call-back is due with the promise.
    TicketClock.objects.filter(subject=ticket, name="callback").update(due_at=row(ticket).due_at)
