"""How far the sweepers are behind the clocks, and the messages behind the events, over all kinds of subjects: the worst of each."""

from dataclasses import dataclass
from typing import Any

from django.db.models import DateTimeField, F, Func
from django.db.models.functions import Extract, Now

from casework.kinds import kinds
from workflow.models import LastSweep

SWEEP_STALE = 15.0
"""Seconds after which the clocks count as watched by nobody; there is a sweep every second."""
RUNG_STALE = 60.0
"""Seconds that a rung may wait to be fired."""
OUTBOX_STALE = 300.0
"""Seconds that an event may wait to be told."""


@dataclass(frozen=True, slots=True)
class ClockLag:
    """Seconds since the last sweep (None: there was none), and since the oldest rung is due (None: none is); how many clocks fail."""

    sweep_age: float | None
    oldest_due: float | None
    failing: int


def clock_lag() -> ClockLag:
    """How far the sweepers are behind. Three statements for one kind."""
    rows: list[Any] = [kind.model.CLOCKS._base_manager for kind in kinds()]
    failing = sum(one.filter(stopped_at__isnull=True, failures__positive=True).count() for one in rows)
    return ClockLag(sweep_age(), oldest_due(), failing)


def sweep_age() -> float | None:
    """Seconds since the last sweep of the kind that was swept longest ago; None where one was never swept, which nobody watches."""
    names = [kind.name for kind in kinds()]
    last = LastSweep.objects.filter(name__in=names)
    ages = last.values_list(Extract(Now() - F("at"), "epoch"), flat=True)
    swept = [max(0.0, float(age)) for age in ages] if len(ages) == len(names) else []
    return round(max(swept), 1) if swept else None


def oldest_due() -> float | None:
    """Seconds since the oldest rung that was not fired is due; None where none is."""
    due: list[float] = []
    for kind in kinds():
        rows: Any = kind.model.CLOCKS._base_manager
        rungs = rows.filter(fire_at__lte=Now()).order_by("fire_at")
        due += rungs.values_list(Extract(Now() - F("fire_at"), "epoch"), flat=True)[:1]
    return round(float(max(due)), 1) if due else None


def outbox_age() -> float | None:
    """Seconds that the oldest event has waited to be told, from the moment in its id; None where none waits."""
    ages: list[float] = []
    for kind in kinds():
        told = Func(F("id"), function="uuid_extract_timestamp", output_field=DateTimeField())
        oldest = kind.model.OUTBOX._base_manager.order_by("id").annotate(age=Extract(Now() - told, "epoch"))
        ages += oldest.values_list("age", flat=True)[:1]
    return round(max(0.0, *map(float, ages)), 1) if ages else None
