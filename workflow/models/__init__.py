"""The engine's tables: abstract bases for the apps that use it, and the calendars, which all of them share."""

from workflow.models.calendars import CalendarDay, CalendarVersion, CalendarYear
from workflow.models.subject import Clock, Event, Firing, Outbox, Seal, Subject, Witness, Words
from workflow.models.sweeps import LastSweep

__all__ = [
    "CalendarDay",
    "CalendarVersion",
    "CalendarYear",
    "Clock",
    "Event",
    "Firing",
    "LastSweep",
    "Outbox",
    "Seal",
    "Subject",
    "Witness",
    "Words",
]
