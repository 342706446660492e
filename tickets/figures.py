"""What `/metrics` counts of tickets."""

from collections.abc import Iterator

from django.db.models import Count, Q
from django.db.models.functions import Now
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from tickets.models import Ticket
from tickets.states import HIGHEST_LEVEL, OPEN


def figures() -> Iterator[Metric]:
    """Gauges: open tickets by state, and overdue tickets by level."""
    found = Ticket.objects.open().values_list("state", "level")
    counted = found.annotate(number=Count("id"), number_overdue=Count("id", filter=Q(next_due_at__lte=Now())))
    states, levels = dict.fromkeys(map(str, OPEN), 0), dict.fromkeys(range(HIGHEST_LEVEL + 1), 0)
    for state, level, number, late in counted:
        states[state] += number
        levels[level] += late
    open_ = GaugeMetricFamily("linli_tickets_open", "Open tickets.", labels=["state"])
    for state, number in states.items():
        open_.add_metric([state], number)
    yield open_
    overdue = GaugeMetricFamily(
        "linli_tickets_overdue", "Open tickets of which something is overdue.", labels=["level"]
    )
    for level, number in levels.items():
        overdue.add_metric([f"L{level}"], number)
    yield overdue
