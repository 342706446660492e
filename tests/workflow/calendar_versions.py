"""Versions of the calendar, as the office publishes them."""

from datetime import date

from django.utils import timezone

from workflow import calendars
from workflow.models import CalendarVersion
from workflow.notice import Notice


def publish(*years: int, closed: dict[date, str]) -> CalendarVersion:
    """A version that closes some more days of those years than the one before it."""
    draft = CalendarVersion.objects.get(number=calendars.newest()).copy_as_draft()
    for year in years:
        known, _ = calendars.packaged(year)
        more = {day: name for day, name in closed.items() if day.year == year}
        opened = {day: name for day, name in known.opened.items() if day not in more}
        calendars.put_notice(draft, year, Notice({**known.closed, **more}, opened), source="通知", estimated=False)
    draft.publish(at=timezone.now())
    calendars.forget()
    return draft
