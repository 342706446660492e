"""Beat's scheduler. Apart from the pulse, which the probe reads without loading Celery."""

import logging
import time
from collections.abc import Callable, Mapping

from celery.beat import PersistentScheduler, ScheduleEntry
from django.db import Error, connection

from casework import tasks
from config import pulse
from notifications.delivery.recovery import something_waits

logger = logging.getLogger(__name__)
ASKED_ANYWAY = 10.0
"""Seconds after which a worker is asked although nothing waits, for it writes down that it came by."""
WAITS: Mapping[str, Callable[[], bool]] = {**tasks.WAITS, "sweep_post": something_waits}


class Scheduler(PersistentScheduler):
    """Celery's own scheduler, with a pulse. It sends no message where it sees that there is nothing to do."""

    def __init__(self, *arguments: object, **options: object) -> None:
        self._asked: dict[str, float] = {}
        super().__init__(*arguments, **options)

    def tick(self, *arguments: object, **options: object) -> float:
        """Ask for what is due."""
        pulse.touch()
        return float(super().tick(*arguments, **options))

    def adjust(self, n: float, drift: float = 0.001) -> float:
        """The seconds until the next look. Celery's own looks ten milliseconds early, and then again and again until the time has come."""
        return float(super().adjust(n, drift))

    def schedules_equal(self, *schedules: object) -> bool:
        """Whether the schedule is as before: it changes with a release alone."""
        return None not in schedules

    def apply_entry(self, entry: ScheduleEntry, producer: object = None) -> None:
        """Ask a worker for an entry whose time has come, unless nothing waits."""
        now = time.monotonic()
        if now - self._asked.get(entry.name, -ASKED_ANYWAY) < ASKED_ANYWAY and not _waits(entry.name):
            return
        self._asked[entry.name] = now
        super().apply_entry(entry, producer=producer)


def _waits(name: str) -> bool:
    """Whether there is something to do for an entry, as far as beat can see."""
    look = WAITS.get(name)
    if look is None:
        return True
    try:
        return look()
    except Error as error:
        logger.warning("nobody could see whether %s has something to do: %s", name, type(error).__name__)
        connection.close()
        return True
