"""`make oracle` runs both reckonings, and says what it compared."""

import subprocess
import sys

from django.conf import settings


def test_both_reckonings_are_run_and_named():
    command = [sys.executable, "-m", "tests.workflow.oracle", "--cases", "2", "--lives", "3", "--jobs", "1"]
    ran = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=120, check=True)
    calendar, clock = ran.stdout.splitlines()
    assert calendar.startswith("2 deadlines of the calendar, minute by minute, of seed 1, in ")
    assert clock.startswith("3 lives of a clock with questions and extensions, of seed 1, in ")
    assert all(line.endswith(": 0 differences.") for line in (calendar, clock))
