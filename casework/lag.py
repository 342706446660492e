"""How far the sweepers are behind the clocks, over all kinds of subjects: the worst of each."""

from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.db.models.functions import Extract, Now

from casework.kinds import kinds
from workflow.models import LastSweep


@dataclass(frozen=True, slots=True)
class ClockLag:
    """Seconds since the last sweep (None: there was none), and since the oldest rung is due (None: none is); how many clocks fail."""

    sweep_age: float | None
    oldest_due: float | None
    failing: int


def clock_lag() -> ClockLag:
    """How far the sweepers are behind. Three statements for one kind."""
    rows: list[Any] = [kind.model.CLOCKS._base_manager for kind in kinds()]
    failing = sum(one.filter(stopped_at__isnull=True, failures__gt=0).count() for one in rows)
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
