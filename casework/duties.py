"""What has to be done again and again for every kind of subject: beat, `manage.py tick` and the tests take it from here."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db.models import Model, Q

from casework.kinds import Kind
from casework.sealing import seal
from web.management.looping import Duty
from web.waiting import NOW, any_row
from workflow import calendars
from workflow.models import LastSweep, Subject
from workflow.sweep import Climber, Swept, fire_due, measure_anew, note_sweep

SECOND, MINUTE = 1.0, 60.0


def clocks[S: Subject](kind: Kind[S]) -> Duty:
    """Fire the deadlines that are due; it has a worker of its own, so that nothing slow stands before it."""
    return Duty(partial(sweep, kind), SECOND, "sweep", _due(kind.model.CLOCKS, "fire_at"))


def outbox[S: Subject](kind: Kind[S]) -> Duty:
    """Tell what has happened."""
    return Duty(kind.teller.tell, SECOND, "tell_outbox", _due(kind.teller.outbox, "available_at"))


def _due(model: type[Model], column: str) -> Callable[[], bool]:
    return partial(any_row, f"{model._meta.db_table} WHERE {column} <= {NOW}")


def upkeep[S: Subject](kind: Kind[S]) -> tuple[Duty, ...]:
    """Follow the calendar, seal the heads, and what the kind itself asks for."""
    return (
        Duty(partial(follow_calendar, kind), MINUTE, "follow_calendar"),
        # The last seal says whether an hour is over.
        Duty(partial(seal, kind), 5 * MINUTE, "seal_heads"),
        *kind.upkeep(),
    )


def sweep[S: Subject](kind: Kind[S], climber: Climber[S] | None = None, **limits: Any) -> Swept:
    """Fire what is due; see `workflow.sweep.fire_due` for the limits. A simulation listens with a `climber` of its own."""
    swept = fire_due(climber or kind.climber(), **limits)
    note_sweep(kind.name)
    return swept


def calendar_sweep[S: Subject](kind: Kind[S]) -> str:
    """The name under which it is noted that the kind follows a calendar."""
    return f"{kind.name}.calendar"


def follow_calendar[S: Subject](kind: Kind[S]) -> Swept:
    """Measure the running clocks by the newest calendar, where that has not been done yet."""
    newest = calendars.every()
    latest = max(newest.values())
    if LastSweep.objects.filter(name=calendar_sweep(kind), version=latest).exists():
        return Swept()
    swept = Swept()
    own = [street for street in newest if street is not None]
    for street, number in newest.items():
        among = Q(street=street) if street else ~Q(street__in=own)
        swept += measure_anew(kind.model, calendar=number, among=among)
    note_sweep(calendar_sweep(kind), version=latest)
    return swept
