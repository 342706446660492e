"""At what times of the day people do things."""

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings

from tickets.simulation.behaviour import When
from workflow import calendars
from workflow.calendar import Calendar

MORNING, NIGHT = 7, 22
EVENING, END_OF_EVENING = 19, 21.5
SETTLING = 45
"""Minutes within which people take up in the morning what came in overnight."""


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of the street's calendar, of its days and of its evenings."""

    calendar: Calendar

    @classmethod
    def today(cls) -> "Hours":
        """As the newest calendar has them."""
        return cls(calendars.calendar(calendars.newest(), settings.TIME_ZONE))

    def start_of(self, day: date) -> datetime:
        """The first moment of the local day."""
        return self.calendar.start_of(day)

    def fit(self, at: datetime, when: When, dice: random.Random) -> datetime:
        """`at`, or a moment after the next beginning of such hours where it lies outside of them."""
        match when:
            case When.DAY:
                return self._within(at, MORNING, NIGHT, dice)
            case When.EVENING:
                return self._within(at, EVENING, END_OF_EVENING, dice)
            case When.OFFICE:
                return self._in_office(at, dice)
        return at

    def _within(self, at: datetime, opens: float, closes: float, dice: random.Random) -> datetime:
        midnight = self.start_of(self.calendar.day_of(at))
        hour = (at - midnight) / timedelta(hours=1)
        if opens <= hour < closes:
            return at
        if hour >= closes:
            midnight = self.start_of(self.calendar.day_of(at) + timedelta(days=1))
        return midnight + timedelta(hours=opens, seconds=dice.randrange(SETTLING * 60))

    def _in_office(self, at: datetime, dice: random.Random) -> datetime:
        day = self.calendar.day_of(at)
        while True:
            if self.calendar.is_working(day):
                midnight = self.start_of(day)
                for opens, closes in self.calendar.ranges:
                    if at < midnight + timedelta(minutes=opens):
                        return midnight + timedelta(minutes=opens, seconds=dice.randrange(SETTLING * 60))
                    if at < midnight + timedelta(minutes=closes):
                        return at
            day += timedelta(days=1)
