"""Fire what is due, without a broker: once, or again and again."""

import signal
import threading
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error, connection

from community import timers
from tickets import escalation, handover
from workflow.sweep import Swept

CONTRACTS_EVERY = 60.0
"""Seconds between two looks at service contracts: their moments are midnights."""


class Command(BaseCommand):
    """`manage.py tick`: any number of them at once, beside Celery or in its place."""

    help = "Fire the deadlines that are due. With --loop, look again every second until it is stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Once or for ever, and how often."""
        parser.add_argument("--loop", action="store_true", help="go on until Ctrl-C or SIGTERM")
        parser.add_argument(
            "--every", type=float, default=1.0, help="seconds between two looks, with --loop (default: 1)"
        )

    def handle(self, *, loop: bool, every: float, **options: Any) -> None:
        """Sweep; say what was fired."""
        if every <= 0:
            raise CommandError("--every must be more than 0 seconds.")
        if not loop:
            self.report(escalation.sweep(), always=True)
            self.contracts()
            return
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        self.stdout.write(f"Looking every {every:g} s; Ctrl-C stops.")
        next_contracts = time.monotonic()
        while not stop.is_set():
            try:
                self.report(escalation.sweep())
                if time.monotonic() >= next_contracts:
                    self.contracts()
                    next_contracts = time.monotonic() + CONTRACTS_EVERY
            except Error as error:
                # The database will come back; what is due then is still due.
                self.stderr.write(f"The database does not answer: {type(error).__name__}")
                connection.close()
            stop.wait(every)

    def report(self, swept: Swept, *, always: bool = False) -> None:
        """One line where something was done."""
        if always or swept.rungs or swept.failed:
            failed = f", {swept.failed} tickets could not be done and wait" if swept.failed else ""
            self.stdout.write(f"{swept.rungs} rungs fired on {swept.subjects} tickets{failed}.")

    def contracts(self) -> None:
        """Fire what is due of contracts, and pass on the tickets of those that have ended."""
        fired, swept = timers.fire_due(), handover.sweep()
        if fired or swept.subjects or swept.failed:
            failed = f", {swept.failed} could not be and wait" if swept.failed else ""
            self.stdout.write(f"{fired} contract timers fired; {swept.subjects} tickets passed on{failed}.")
