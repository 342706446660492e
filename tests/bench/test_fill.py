"""What the measurements are made on: filled tickets look like tickets of their states."""

import pytest
from django.db import connection
from django.db.models import Count, Max, Min, Q

from bench.fill import add, stored
from community.models import Compound
from tests.tickets.test_clocks import RUNNING
from tickets.models import Assignment, Category, Ticket, TicketClock
from tickets.models.ticket import NEXT
from tickets.states import State

pytestmark = pytest.mark.django_db
ROWS = 1_000


@pytest.fixture
def filled(db):
    """A thousand filled tickets, checked by every key and constraint at once."""
    add(1, ROWS)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_half_of_the_tickets_are_open_in_several_states(filled):
    assert stored() == {"stored": ROWS, "open": ROWS // 2}
    states = dict(Ticket.objects.values_list("state").annotate(Count("id")))
    assert set(states) == {"dispatched", "in_progress", "replied", "closed"}
    assert min(states.values()) > ROWS // 10


def test_every_compound_and_category_has_tickets_and_one_compound_a_third(filled):
    counted = dict(Ticket.objects.values_list("compound__name").annotate(Count("id")))
    assert set(counted) == set(Compound.objects.values_list("name", flat=True))
    assert counted["学院路14号院"] >= ROWS // 3
    categories = Ticket.objects.values("category").annotate(all=Count("id"), open=Count("id", filter=Q(closed_at=None)))
    assert len(categories) == Category.objects.filter(version__number=1).count()
    # Whether a ticket is open does not follow from what it is about.
    assert sum(0 < one["open"] < one["all"] for one in categories) > len(categories) * 0.9


def test_the_clocks_of_a_filled_ticket_are_those_of_its_state(filled):
    live: dict[str, set[frozenset[str]]] = {}
    for ticket in Ticket.objects.prefetch_related("clock_rows"):
        names = frozenset(one.name for one in ticket.clock_rows.all() if one.stopped_at is None)
        live.setdefault(ticket.state, set()).add(names)
    assert live == {state: {frozenset(RUNNING[State(state)])} for state in live}


def test_due_moments_follow_from_the_clocks(filled):
    running = Q(clock_rows__running_since__isnull=False, clock_rows__name__in=NEXT)
    for ticket in Ticket.objects.open().annotate(
        first=Min("clock_rows__due_at", filter=running),
        handle=Max("clock_rows__due_at", filter=Q(clock_rows__name="handle")),
    ):
        assert (ticket.next_due_at, ticket.due_at) == (ticket.first, ticket.handle)
        assert ticket.submitted_at < ticket.at_risk_at < ticket.next_due_at
        assert Assignment.objects.get(ticket=ticket, open=True).next_due_at == ticket.next_due_at


def test_nothing_waits_for_a_sweep_though_some_are_overdue(filled):
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        now = cursor.fetchone()[0]
    assert not TicketClock.objects.filter(fire_at__lte=now).exists()
    overdue = Ticket.objects.filter(next_due_at__lt=now)
    assert 5 < overdue.count() < ROWS // 20
    assert not TicketClock.objects.filter(subject__in=overdue, name="handle", fire_at=None).exists()


def test_more_tickets_come_after_those_that_are_there(filled):
    add(ROWS + 1, ROWS + 10)
    assert stored() == {"stored": ROWS + 10, "open": ROWS // 2 + 5}
