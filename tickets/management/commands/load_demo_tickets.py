"""Load a month of tickets into the demo street."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from community.demo import rows
from community.models import Street
from tickets.catalogue import NoCatalogue
from tickets.demo import month


class Command(BaseCommand):
    """`manage.py load_demo_tickets`: all of them or none; running it again changes nothing."""

    help = "Load tickets of the last 30 days, in every state, into the demo street 学院路街道."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How many, and which."""
        parser.add_argument("--count", type=int, default=180, help="how many tickets (default: %(default)s)")
        parser.add_argument("--seed", type=int, default=7, help="another number, another month (default: %(default)s)")

    def handle(self, *, count: int, seed: int, **options: Any) -> None:
        """Load them, unless they are there; refused in production."""
        if settings.PRODUCTION:
            raise CommandError("Invented tickets have no place among real ones: not in production.")
        street = Street.objects.filter(code=rows("streets")[0]["code"]).first()
        if street is None:
            raise CommandError("The demo street is not loaded; run `manage.py load_demo` first.")
        if month.loaded():
            self.stdout.write("The demo tickets are there; nothing new.")
            return
        self.count, started = count, time.monotonic()
        try:
            month.load(street, count=count, seed=seed, now=timezone.now(), report=self.report)
        except NoCatalogue:
            raise CommandError("There are no categories yet; run `manage.py load_reference` first.") from None
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} tickets in {time.monotonic() - started:.1f} s.")

    def report(self, done: int) -> None:
        """Tell how far it is: in one line on a terminal, which a log is spared."""
        if self.stdout.isatty():
            self.stdout.write(f"\r{done} of {self.count} tickets", ending="" if done < self.count else "\n")
            self.stdout.flush()
