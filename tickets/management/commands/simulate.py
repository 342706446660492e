"""Run a street under a clock of its own, and say what the month looked like."""

import sys
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from tqdm import tqdm

from community.demo import rows
from community.models import Street
from tickets import service_level
from tickets.catalogue import NoCatalogue
from tickets.models import ServiceLevelVersion, Ticket
from tickets.models.service_level import NoServiceLevel, instead
from tickets.service_level import BadServiceLevel, ServiceLevel
from tickets.simulation.behaviour import WISHES
from tickets.simulation.crowd import Crowd, settle
from tickets.simulation.outcome import Outcome, examine
from tickets.simulation.run import Run, Span
from workflow.calendars import NoCalendar

A_DAY = 50
"""Tickets a day where no number is given: a street of 75 compounds."""
TOLD = 20
"""Faults that are written out."""
HELP = """\
Let invented residents, committees, companies and the street's own people live through some days on the demo street, by the real
moves and the real sweep, under a clock of their own; then say what it looked like and check that everything Linli promises of
tickets holds. All of it is kept, or nothing.

  manage.py simulate --days 30 --tickets 180            fill the demo street
  manage.py simulate --dry-run                          a month of 1,500 tickets, of which nothing is kept
  manage.py simulate --policy FILE                      the same month twice: under the service level in effect, and under FILE

The same seed, number of days and tickets, and end (--until) on the same street give the same digest of all that happened. FILE is
written as tickets/data/service_level.toml; docs/what_if.toml is one to begin with."""


class Command(BaseCommand):
    """`manage.py simulate`: everything in one transaction, so that a server that runs meanwhile sees all of it or nothing."""

    help = HELP
    mark: str | None = None

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> Any:
        """Leave the lines of the help as they are."""
        return super().create_parser(prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **options)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How long, how many, which, and what is kept of it."""
        parser.add_argument("--days", type=int, default=30, help="how many days (default: %(default)s)")
        parser.add_argument("--tickets", type=int, help=f"how many reports (default: {A_DAY} a day)")
        parser.add_argument("--seed", type=int, default=7, help="another number, other people (default: %(default)s)")
        parser.add_argument("--until", help="the end, such as 2026-11-20T18:00+08:00 (default: now)")
        parser.add_argument("--policy", type=Path, help="a service level to compare with; nothing is kept")
        parser.add_argument("--dry-run", action="store_true", help="say what it looked like, and keep nothing")
        parser.add_argument(
            "--lines", metavar="MARK", help="say how far it is in lines that begin with MARK, for a log"
        )
        used = parser.add_mutually_exclusive_group()
        used.add_argument("--into-used", action="store_true", help="keep it on a street that has tickets already")
        used.add_argument("--once", action="store_true", help="leave a street that has tickets already as it is")

    def handle(
        self,
        *,
        days: int,
        tickets: int | None,
        seed: int,
        until: str | None,
        policy: Path | None,
        dry_run: bool,
        into_used: bool,
        once: bool,
        lines: str | None,
        verbosity: int,
        **options: Any,
    ) -> None:
        """Run once, or twice to compare; refused in production, and on a street with other tickets unless nothing is kept."""
        if settings.PRODUCTION:
            raise CommandError("Invented tickets have no place among real ones: not in production.")
        keeps = policy is None and not dry_run
        number = A_DAY * days if tickets is None else tickets
        if days < 2 or number < len(WISHES):
            raise CommandError(f"It takes two days and {len(WISHES)} tickets at least.")
        self.mark = lines
        span = Span(days, number, seed, self.end(until), WISHES if keeps else ())
        street = Street.objects.filter(code=rows("streets")[0]["code"]).first()
        if street is None:
            raise CommandError("The demo street is not loaded; run `manage.py load_demo` first.")
        used = Ticket.objects.filter(street=street).exists()
        if once and used:
            self.stdout.write("The street has tickets; nothing new.")
            return
        if keeps and used and not into_used:
            raise CommandError("The street has tickets already: --into-used adds to them, --dry-run keeps nothing.")
        try:
            if policy is None:
                began = time.monotonic()
                outcome = self.live(street, span, None, keeps=keeps)
                if verbosity:
                    self.report(span, outcome, keeps=keeps)
                else:
                    self.stdout.write(f"{number} tickets of {days} days in {time.monotonic() - began:.1f} s.")
            else:
                other = read(policy)
                before = self.live(street, span, None, keeps=False)
                after = self.live(street, span, other, keeps=False)
                self.compare(span, before, after, policy.name)
        except (NoCatalogue, NoCalendar, NoServiceLevel):
            raise CommandError("There is no reference data yet; run `manage.py load_reference` first.") from None

    def end(self, until: str | None) -> datetime:
        """The moment at which the run ends, to the second."""
        if until is None:
            return timezone.now().replace(microsecond=0)
        try:
            at = parse_datetime(until)
        except ValueError:
            at = None
        if at is None:
            raise CommandError(f"--until {until} is no moment such as 2026-11-20T18:00+08:00.")
        return at if at.tzinfo else timezone.make_aware(at)

    def live(self, street: Street, span: Span, policy: ServiceLevel | None, *, keeps: bool) -> Outcome:
        """One run in a transaction, which is taken back where nothing is to be kept or anything does not hold."""
        with transaction.atomic(), instead(policy) if policy else nullcontext():
            settle(street)
            run = Run(Crowd.gather(street, span.seed), span)
            with self.progress(span) as tell:
                run.tell = tell
                run.go()
            outcome = examine(run)
            if keeps and not outcome.faults:
                transaction.on_commit(run.store_pictures)
            else:
                transaction.set_rollback(True)
        if outcome.faults:
            told = "\n".join(outcome.faults[:TOLD])
            raise CommandError(f"Not everything holds ({len(outcome.faults)} faults), and nothing was kept:\n{told}")
        return outcome

    def progress(self, span: Span) -> "AbstractContextManager[Callable[[datetime], None]]":
        """A bar of the days on a terminal, lines where they are asked for; another log is spared it."""
        if self.mark is not None:
            return Lines(span, self.mark, self.stdout)
        return Progress(span, quiet=not sys.stderr.isatty())

    def report(self, span: Span, outcome: Outcome, *, keeps: bool) -> None:
        """One run."""
        self.head(span)
        self.stdout.write("\n".join(outcome.tally.table()))
        self.foot(outcome)
        self.stdout.write("Everything is kept." if keeps else "Nothing was kept.")

    def compare(self, span: Span, before: Outcome, after: Outcome, name: str) -> None:
        """Two runs beside each other."""
        self.head(span)
        self.stdout.write("\n".join(before.tally.beside(after.tally, ["in effect", "instead"])))
        self.stdout.write("in effect:")
        self.foot(before)
        self.stdout.write(f"instead, by {name}:")
        self.foot(after)
        self.stdout.write("Nothing was kept.")

    def head(self, span: Span) -> None:
        """What was simulated."""
        until = timezone.localtime(span.until).isoformat(timespec="seconds")
        self.stdout.write(f"{span.days} days, {span.tickets} tickets, seed {span.seed}, until {until}\n")

    def foot(self, outcome: Outcome) -> None:
        """What stands below the table."""
        self.stdout.write(
            f"{outcome.events:,} events; {outcome.refused} moves were refused; every promise holds.\n"
            f"digest {outcome.digest}"
        )


class Progress:
    """A bar that fills with the days of a run."""

    def __init__(self, span: Span, *, quiet: bool):
        self.begin = span.begin
        self.bar = tqdm(
            total=span.days, unit=" days", disable=quiet, bar_format="{l_bar}{bar}| {n:.1f}/{total} days {elapsed}"
        )

    def __enter__(self) -> Callable[[datetime], None]:
        return self.tell

    def __exit__(self, *error: object) -> None:
        self.bar.close()

    def tell(self, moment: datetime) -> None:
        """Show how far the run has come."""
        self.bar.update((moment - self.begin) / timedelta(days=1) - self.bar.n)


class Lines:
    """A line for every tenth of a run."""

    def __init__(self, span: Span, mark: str, out: Any):
        self.span, self.mark, self.out, self.told = span, mark, out, 0

    def __enter__(self) -> Callable[[datetime], None]:
        return self.tell

    def __exit__(self, *error: object) -> None:
        self.out.flush()

    def tell(self, moment: datetime) -> None:
        """Say how far the run has come, where that is a tenth further than before."""
        tenths = int((moment - self.span.begin) * 10 / timedelta(days=self.span.days))
        if tenths > self.told:
            self.told = tenths
            self.out.write(f"{self.mark}{self.span.tickets} tickets: {tenths}0 %")
            self.out.flush()


def read(path: Path) -> ServiceLevel:
    """The service level of a file, under a number that no version has."""
    try:
        newest = ServiceLevelVersion.objects.order_by("-number").values_list("number", flat=True).first()
        windows, rework = service_level.read_windows(path)
        limits = service_level.read_limits(path)
        return service_level.assemble(
            (newest or 0) + 1, *service_level.read(path), windows=windows, rework=rework, limits=limits
        )
    except (BadServiceLevel, OSError) as problem:
        raise CommandError(f"--policy {path}: {problem}") from problem
