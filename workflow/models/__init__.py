"""The engine's tables: abstract bases for the apps that use it, and the calendars, which all of them share."""

from workflow.models.calendars import CalendarDay, CalendarVersion, CalendarYear
from workflow.models.subject import Clock, Event, EventWords, Firing, Outbox, Seal, Subject, Witness
from workflow.models.sweeps import LastSweep

__all__ = [
    "CalendarDay",
    "CalendarVersion",
    "CalendarYear",
    "Clock",
    "Event",
    "EventWords",
    "Firing",
    "LastSweep",
    "Outbox",
    "Seal",
    "Subject",
    "Witness",
]
