"""Deliver what is due, without a broker: once, or again and again."""

import signal
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import Error, connection

from notifications import rounds
from notifications.topics import ChannelName


class Command(BaseCommand):
    """`manage.py deliver`: any number of them at once, beside Celery's postman or in its place."""

    help = (
        "Send the messages that are due by every channel that is set up. With --loop, look again every second until it "
        "is stopped. What is being sent then is finished first; a second Ctrl-C ends at once, and what was being sent is "
        "sent again later, under the same key."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Once or for ever, and how often."""
        parser.add_argument("--loop", action="store_true", help="go on until Ctrl-C or SIGTERM")
        parser.add_argument(
            "--every", type=float, default=1.0, help="seconds between two looks, with --loop (default: 1)"
        )

    def handle(self, *, loop: bool, every: float, **options: Any) -> None:
        """Deliver; say by which channel how much was tried."""
        if every <= 0:
            raise CommandError("--every must be more than 0 seconds.")
        try:
            postmen = rounds.here()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        if not postmen.channels:
            raise CommandError("No channel is set up; docs/operations.md names the settings.")
        # As many threads as there are slots: those of a channel that hangs are all that it can take.
        threads = sum(channel.slots for channel in postmen.channels.values())
        with ThreadPoolExecutor(threads) as pool:
            if loop:
                self.stdout.write(f"Looking every {every:g} s; Ctrl-C stops.")
                self.go_on(postmen, pool, every)
            else:
                names = postmen.sweep()
                tried = list(pool.map(lambda name: self.go(postmen, name), names))
                self.stdout.write(f"{sum(tried)} deliveries tried by {len(names)} channels.")

    def go_on(self, postmen: rounds.Rounds, pool: ThreadPoolExecutor, every: float) -> None:
        """Look again and again until a signal comes."""

        def stop(number: int, frame: object) -> None:
            postmen.stop()
            signal.signal(number, signal.SIG_DFL)

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        while not postmen.stopping.is_set():
            try:
                for name in postmen.sweep():
                    pool.submit(self.go, postmen, name)
            except Error as error:
                self.away(error)
            postmen.stopping.wait(every)

    def go(self, postmen: rounds.Rounds, name: ChannelName) -> int:
        """A round for one channel, in a thread of the pool, and one line where something was tried."""
        try:
            tried = postmen.deliver(name)
        except Error as error:
            self.away(error)
            return 0
        finally:
            connection.close()
        if tried:
            self.stdout.write(f"{name}: {tried} tried.")
        return tried

    def away(self, error: Error) -> None:
        """The database will come back; what is due then is still due."""
        self.stderr.write(f"The database does not answer: {type(error).__name__}")
        connection.close()
