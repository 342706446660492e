"""The pulse of one process: a file that it touches again and again while its own loop goes round.

The heartbeat proves the whole way from beat to a worker, whichever worker that is. The pulse proves that this very process lives.
"""

import time
from pathlib import Path

from django.conf import settings

STALE = 30.0
"""Seconds after which the process counts as dead; a worker has a pulse every ten seconds, beat one a second."""


def touch() -> None:
    """Write down that this process lives, where a file is named for it."""
    if settings.PULSE_FILE:
        Path(settings.PULSE_FILE).touch()


def age(file: str) -> float | None:
    """Seconds since the last pulse; None where there never was one."""
    try:
        return time.time() - Path(file).stat().st_mtime
    except FileNotFoundError:
        return None
