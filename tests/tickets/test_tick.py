"""`manage.py tick`, and what becomes of a ticket that cannot be fired."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from casework.duties import sweep
from casework.tasks import TASKS
from tests.commands import printed
from tests.tickets.committed import behind_linlis_back
from tests.tickets.paths import Scene
from tickets.kind import TICKETS
from tickets.models import Ticket, TicketClock, TicketEvent, TicketFiring
from workflow.models import LastSweep
from workflow.moment import at

pytestmark = pytest.mark.django_db


@pytest.fixture
def overdue(cast):
    """Six consultations that were filed three hours ago, and nobody has looked at."""
    scene = Scene(cast, now=timezone.now() - timedelta(hours=3))
    return [scene.file(type="consult") for _ in range(6)]


def test_one_tick_fires_what_is_due_and_the_next_finds_nothing(overdue):
    assert "12 rungs fired on 6 tickets." in printed("tick")
    assert "0 rungs fired on 0 tickets." in printed("tick")
    assert TicketFiring.objects.count() == 12


def test_the_task_does_the_same_and_twice_does_no_harm(overdue):
    for _ in range(2):
        TASKS["tickets.sweep"]()
    assert TicketFiring.objects.count() == 12


def test_a_sweep_is_noted_where_time_is_real(overdue):
    with at(timezone.now()):
        sweep(TICKETS)
    assert not LastSweep.objects.filter(name=TICKETS.name).exists()
    sweep(TICKETS)
    assert timezone.now() - LastSweep.objects.get(name=TICKETS.name).at < timedelta(minutes=1)


def test_a_second_less_than_nothing_is_refused():
    with pytest.raises(CommandError, match="every"):
        call_command("tick", "--loop", "--every", "0")


def test_a_poisoned_ticket_is_put_off_and_shown_and_the_others_are_done(overdue):
    poisoned = overdue[2]
    # An event that stands where the next one belongs: nothing can be written on this ticket.
    last = TicketEvent.objects.filter(subject=poisoned).latest("seq")
    TicketEvent.objects.create(
        subject_id=poisoned, street_id=last.street_id, seq=last.seq + 1, verb="x", target="submitted", at=last.at,
        visibility="internal", digest=b"x",
    )  # fmt: skip
    swept = sweep(TICKETS)
    assert (swept.subjects, swept.failed) == (5, 1)
    assert TicketFiring.objects.filter(clock__subject=poisoned).count() == 0
    clock = TicketClock.objects.get(subject=poisoned, name="triage")
    assert (clock.failures, clock.rung) == (1, 0)
    assert clock.error.startswith("IntegrityError")
    assert clock.fire_at > timezone.now() - timedelta(seconds=5)
    # It is tried again, later each time, and done once it can be.
    TicketClock.objects.filter(pk=clock.pk).update(fire_at=timezone.now() - timedelta(seconds=1))
    assert sweep(TICKETS).failed == 1
    assert TicketClock.objects.get(pk=clock.pk).failures == 2
    mend(poisoned, last.seq + 1)
    TicketClock.objects.filter(pk=clock.pk).update(fire_at=timezone.now() - timedelta(seconds=1))
    assert sweep(TICKETS).rungs == 2
    mended = TicketClock.objects.get(pk=clock.pk)
    assert (mended.failures, mended.error, mended.rung) == (0, "", 2)


def mend(ticket, seq: int) -> None:
    """Take the misplaced event away, as only a superuser can."""
    with behind_linlis_back() as cursor:
        cursor.execute("DELETE FROM tickets_ticketevent WHERE subject_id = %s AND seq = %s", [ticket, seq])


def test_a_move_before_the_sweep_leaves_it_nothing_to_do(overdue, cast):
    scene = Scene(cast, now=timezone.now())
    scene.do("desk_officer", overdue[0], "answer_now", answer="已答复")
    sweep(TICKETS)
    assert not TicketFiring.objects.filter(clock__subject=overdue[0]).exists()
    # The answer came after the due moment: that stays on record though no rung was fired.
    triage = TicketClock.objects.get(subject=overdue[0], name="triage")
    assert triage.breached_at == triage.due_at
    assert Ticket.objects.get(pk=overdue[0]).level == 0
