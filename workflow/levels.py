"""The service levels of a kind of subject as the process remembers them, and what clocks are measured by under them."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from workflow import calendars
from workflow.calendars import NoCalendar
from workflow.clocks import Rules, Start, Terms
from workflow.errors import NotReady
from workflow.models.service_levels import LevelVersion
from workflow.service_level import ServiceLevel
from workflow.versions import Remembered


class NoServiceLevel(NotReady, LookupError):
    """No version of the service level is in effect, or there is none of that number."""

    code, reason = NoCalendar.code, NoCalendar.reason


class Levels[L: ServiceLevel]:
    """The published versions of a kind. `model` is called when it is first asked."""

    def __init__(self, model: Callable[[], type[LevelVersion]]) -> None:
        self._model = model
        self._versions = Remembered(model, needed=True)
        # What each version says at first, and what it says later with the moment from which it does, the last one first.
        self._levels: dict[int, tuple[L, list[tuple[datetime, L]]]] = {}
        self._instead: ContextVar[L | None] = ContextVar("service_level_instead", default=None)

    def forget(self) -> None:
        """Forget everything remembered: for the process that has just published, and between tests."""
        self._levels.clear()
        self._versions.forget()

    @contextmanager
    def instead(self, level: L) -> Iterator[None]:
        """Let `level`, which no row holds, be the one in effect inside: what would have happened under it."""
        token = self._instead.set(level)
        try:
            yield
        finally:
            self._instead.reset(token)

    def in_effect(self, at: datetime, street: uuid.UUID | None = None) -> L:
        """The service level in effect at `at` in a street, its own or else everybody's. Raises NoServiceLevel."""
        if (other := self._instead.get()) is not None:
            return other
        number = self._versions.number(at, street)
        if number is None:
            raise NoServiceLevel(f"No service level is in effect at {at}: run `manage.py load_reference`.")
        return self.level(number, at)

    def level(self, number: int, at: datetime | None = None) -> L:
        """The service level of one published version as it is at `at`; without a moment, as it is in the end. Raises NoServiceLevel."""
        if (other := self._instead.get()) is not None and other.number == number:
            return other
        kept = self._levels.get(number)
        if kept is None:
            rows: Any = self._model()._base_manager.exclude(published_at=None)
            version = rows.filter(number=number).first()
            if version is None:
                raise NoServiceLevel(f"There is no published service level {number}.")
            (_, at_first), *others = version.editions(complete=False)
            self._levels[number] = kept = at_first, [(_begins(day), edition) for day, edition in reversed(others)]
        first, later = kept
        if not later:
            return first
        return next((edition for since, edition in later if at is None or since <= at), first)

    def terms(self, starts: Sequence[Start], at: datetime, street: uuid.UUID | None = None) -> Terms:
        """What clocks that start at `at` in a street are measured by, where their budgets are the same for all subjects."""
        level = self.in_effect(at, street)
        found = {one.name: level.budget(one.name) for one in starts if one.follows is None}
        budgets = {name: budget for name, budget in found.items() if budget is not None}
        return Terms(level.number, calendars.newest(street), budgets)

    def rules(self) -> Rules:
        """Where calendars and ladders are found."""
        return Rules(
            lambda number: calendars.calendar(number, settings.TIME_ZONE),
            lambda policy, clock: self.level(policy).ladder(clock),
        )


def _begins(day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(settings.TIME_ZONE)).astimezone(UTC)
