"""Run a street under a clock of its own, and say what the month looked like."""

import sys
import time
from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser, OutputWrapper
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import override
from tqdm import tqdm

from community.demo import NOT_LOADED, rows
from community.models import Street
from tickets.catalogue import NoCatalogue
from tickets.models import ServiceLevelVersion, Ticket, service_level
from tickets.service_level import TicketServiceLevel, read_alternative
from tickets.simulation.behaviour import WISHES
from tickets.simulation.crowd import Crowd, settle
from tickets.simulation.filings import Span
from tickets.simulation.outcome import RunOutcome, examine
from tickets.simulation.run import Run
from web.management.speaking import OperatorCommand
from web.words import Words, bilingual, en, zh
from workflow.calendars import NoCalendar
from workflow.levels import NoServiceLevel
from workflow.service_level import BadServiceLevel

A_DAY = 50
"""Tickets a day where no number is given: a street of 75 compounds."""
TOLD = 20
"""Faults that are written out."""
_NOTHING_KEPT = bilingual("未保留任何内容。", "Nothing was kept.")
HELP = """\
Simulate some days of the demo street with invented residents, committees, companies and staff, through the real moves and the
real sweep, with a clock of its own. Then print figures and check that everything Linli promises about tickets holds. The run is
stored as a whole or not at all.

  manage.py simulate --days 30 --tickets 180            fill the demo street
  manage.py simulate --dry-run                          a month of 1,500 tickets; nothing is stored
  manage.py simulate --policy FILE                      the same month twice: under the service level in effect, and under FILE

The same seed, number of days and tickets, and end (--until) on the same street give the same digest of all events. FILE has the
format of tickets/data/service_level.toml: the whole, or with base = "in effect" only what differs, as docs/what_if.toml."""


class Command(OperatorCommand):
    """`manage.py simulate`: one transaction, so that a running server sees the whole run or nothing."""

    help = HELP
    mark: str | None = None

    def create_parser(self, prog_name: str, subcommand: str, **options: object) -> Any:
        """Leave the lines of the help as they are."""
        return super().create_parser(prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **options)

    def add_arguments(self, parser: CommandParser) -> None:
        """How long, how many, which, and what is kept of it."""
        super().add_arguments(parser)
        parser.add_argument("--days", type=int, default=30, help="how many days (default: %(default)s)")
        parser.add_argument("--tickets", type=int, help=f"how many reports (default: {A_DAY} a day)")
        parser.add_argument(
            "--seed", type=int, default=7, help="seed: another number gives other people (default: %(default)s)"
        )
        parser.add_argument("--until", help="end of the simulated time, such as 2026-11-20T18:00+08:00 (default: now)")
        parser.add_argument("--policy", type=Path, help="a service level to compare with; nothing is stored")
        parser.add_argument("--dry-run", action="store_true", help="print the figures and store nothing")
        parser.add_argument("--lines", metavar="MARK", help="print progress in lines that begin with MARK, for a log")
        used = parser.add_mutually_exclusive_group()
        used.add_argument("--into-used", action="store_true", help="store it in a street that already has tickets")
        used.add_argument("--once", action="store_true", help="do nothing in a street that already has tickets")

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
        **options: object,
    ) -> None:
        """Run once, or twice to compare; refused in production, and on a street with other tickets unless nothing is kept."""
        if settings.PRODUCTION:
            raise self.refusal(
                bilingual(
                    "生产环境中不得生成虚构工单。", "Invented tickets have no place among real ones: not in production."
                )
            )
        keeps = policy is None and not dry_run
        number = A_DAY * days if tickets is None else tickets
        if days < 2 or number < len(WISHES):
            raise self.refusal(
                bilingual(
                    f"至少需要两天、{len(WISHES)} 件工单。", f"It takes two days and {len(WISHES)} tickets at least."
                )
            )
        self.mark = lines
        span = Span(days, number, seed, self.end(until), WISHES if keeps else ())
        street = Street.objects.filter(code=rows("streets")[0]["code"]).first()
        if street is None:
            raise self.refusal(NOT_LOADED)
        used = Ticket.objects.filter(street=street).exists()
        if once and used:
            self.say(bilingual("街道已有工单，未作改动。", "The street has tickets; nothing new."))
            return
        if keeps and used and not into_used:
            raise self.refusal(
                bilingual(
                    "街道已有工单：--into-used 在其上追加，--dry-run 不保留结果。",
                    "The street has tickets already: --into-used adds to them, --dry-run keeps nothing.",
                )
            )
        try:
            if policy is None:
                began = time.monotonic()
                outcome = self.live(street, span, None, keeps=keeps)
                if verbosity:
                    self.report(span, outcome, keeps=keeps)
                else:
                    seconds = time.monotonic() - began
                    self.say(
                        bilingual(
                            f"{days} 天、{number} 件工单，用时 {seconds:.1f} 秒。",
                            f"{number} tickets of {days} days in {seconds:.1f} s.",
                        )
                    )
            else:
                other = self.read(policy, street, span.until)
                before = self.live(street, span, None, keeps=False)
                after = self.live(street, span, other, keeps=False)
                self.compare(span, before, after, policy.name)
        except (NoCatalogue, NoCalendar, NoServiceLevel):
            raise self.refusal(
                bilingual(
                    "尚无基础数据，请先运行 `manage.py load_reference`。",
                    "There is no reference data yet; run `manage.py load_reference` first.",
                )
            ) from None

    def end(self, until: str | None) -> datetime:
        """The moment at which the run ends, to the second."""
        if until is None:
            return timezone.now().replace(microsecond=0)
        try:
            at = parse_datetime(until)
        except ValueError:
            at = None
        if at is None:
            raise self.refusal(
                bilingual(
                    f"--until {until} 不是时刻，写法如 2026-11-20T18:00+08:00。",
                    f"--until {until} is no moment such as 2026-11-20T18:00+08:00.",
                )
            )
        return at if at.tzinfo else timezone.make_aware(at)

    def live(self, street: Street, span: Span, policy: TicketServiceLevel | None, *, keeps: bool) -> RunOutcome:
        """One run in a transaction, which is taken back where nothing is to be kept or anything does not hold."""
        with transaction.atomic(), service_level.instead(policy) if policy else nullcontext():
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
            number, told = len(outcome.faults), outcome.faults[:TOLD]
            raise self.refusal(
                bilingual(
                    "\n".join([f"有 {number} 处不符，未保留任何内容：", *map(zh, told)]),
                    "\n".join([f"Not everything holds ({number} faults), and nothing was kept:", *map(en, told)]),
                )
            )
        return outcome

    def read(self, path: Path, street: Street, at: datetime) -> TicketServiceLevel:
        """The service level of a file, under a number that no version has."""
        newest = ServiceLevelVersion.objects.order_by("-number").values_list("number", flat=True).first()
        in_effect = service_level.in_effect(at, street.pk)
        try:
            return read_alternative(path, (newest or 0) + 1, in_effect)
        except (BadServiceLevel, OSError) as problem:
            raise self.refusal(bilingual(f"--policy {path}：{problem}", f"--policy {path}: {problem}")) from problem

    def progress(self, span: Span) -> "AbstractContextManager[Callable[[datetime], None]]":
        """A bar of the days on a terminal, lines where they are asked for; another log is spared it."""
        if self.mark is not None:
            return Lines(span, self.mark, self.say, self.stdout)
        with override(self.language):
            return ProgressBar(span, str(bilingual("天", "days")), quiet=not sys.stderr.isatty())

    def report(self, span: Span, outcome: RunOutcome, *, keeps: bool) -> None:
        """One run."""
        self.head(span)
        with override(self.language):
            self.stdout.write("\n".join(outcome.tally.table()))
        self.foot(outcome)
        self.say(bilingual("已全部保留。", "Everything is kept.") if keeps else _NOTHING_KEPT)

    def compare(self, span: Span, before: RunOutcome, after: RunOutcome, name: str) -> None:
        """Two runs beside each other."""
        self.head(span)
        names = [bilingual("现行", "in effect"), bilingual("假设", "instead")]
        with override(self.language):
            self.stdout.write("\n".join(before.tally.beside(after.tally, names)))
        self.say(bilingual("现行：", "in effect:"))
        self.foot(before)
        self.say(bilingual(f"假设，按 {name}：", f"instead, by {name}:"))
        self.foot(after)
        self.say(_NOTHING_KEPT)

    def head(self, span: Span) -> None:
        """What was simulated."""
        until = timezone.localtime(span.until).isoformat(timespec="seconds")
        self.say(
            bilingual(
                f"{span.days} 天，{span.tickets} 件工单，种子 {span.seed}，至 {until}\n",
                f"{span.days} days, {span.tickets} tickets, seed {span.seed}, until {until}\n",
            )
        )

    def foot(self, outcome: RunOutcome) -> None:
        """What stands below the table."""
        self.say(
            bilingual(
                f"{outcome.events:,} 个事件；{outcome.refused} 次操作被拒绝；全部承诺均成立。\n摘要 {outcome.digest}",
                f"{outcome.events:,} events; {outcome.refused} moves were refused; every promise holds.\n"
                f"digest {outcome.digest}",
            )
        )


class ProgressBar:
    """A bar that fills with the days of a run."""

    def __init__(self, span: Span, days: str, *, quiet: bool):
        self.begin = span.begin
        self.bar = tqdm(
            total=span.days,
            unit=f" {days}",
            disable=quiet,
            bar_format=f"{{l_bar}}{{bar}}| {{n:.1f}}/{{total}} {days} {{elapsed}}",
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

    def __init__(self, span: Span, mark: str, say: Callable[[Words], None], out: OutputWrapper):
        self.span, self.mark, self.say, self.out, self.told = span, mark, say, out, 0

    def __enter__(self) -> Callable[[datetime], None]:
        return self.tell

    def __exit__(self, *error: object) -> None:
        self.out.flush()

    def tell(self, moment: datetime) -> None:
        """Say how far the run has come, where that is a tenth further than before."""
        tenths = int((moment - self.span.begin) * 10 / timedelta(days=self.span.days))
        if tenths > self.told:
            self.told = tenths
            number = self.span.tickets
            self.say(bilingual(f"{self.mark}{number} 件工单：{tenths}0 %", f"{self.mark}{number} tickets: {tenths}0 %"))
            self.out.flush()
