"""What time brings, without a broker: once, or again and again."""

import threading
from collections.abc import Sequence
from functools import partial

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import format_lazy

from casework import duties
from casework.kinds import Kind, kinds
from community import housekeeping as doorkeeping
from community import timers
from notifications import housekeeping
from web.management.looping import Duty, LoopingCommand
from web.words import bilingual, en, zh
from workflow.models import Subject

MINUTE, HOUR = 60.0, 3600.0
_STOP = bilingual("。", ".")


class Command(LoopingCommand):
    """`manage.py tick`: any number may run at once, beside Celery or instead of it."""

    help = (
        "Fire due deadlines, write the messages of events in the outbox, do the upkeep of each kind of subject, and delete old rows. "
        "With --loop, do it again every second until stopped. The three parts of --only never wait for each other."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """How often, and which parts."""
        super().add_arguments(parser)
        parser.add_argument(
            "--only",
            choices=["clocks", "outbox", "upkeep"],
            help="only deadlines, only messages, or only contracts, calendar and deletion (default: all three)",
        )

    def handle(self, *, loop: bool, every: float, only: str | None, **options: object) -> None:
        """Run the parts, and print what was done."""
        parts: dict[str, Sequence[Duty]] = {
            "clocks": [Duty(partial(self.clocks, kind, always=not loop), every) for kind in kinds()],
            "outbox": [Duty(partial(self.outbox, kind), every) for kind in kinds()],
            "upkeep": [
                Duty(self.contracts, MINUTE),
                *(Duty(partial(self.upkeep, duty), duty.every) for kind in kinds() for duty in duties.upkeep(kind)),
                Duty(self.purge, HOUR),
            ],
        }
        lines = [parts[only]] if only else list(parts.values())
        if loop:
            self.go_on(threading.Event(), *lines)
            return
        for line in lines:
            for duty in line:
                duty.work()

    def clocks[S: Subject](self, kind: Kind[S], *, always: bool) -> None:
        """Fire the deadlines that are due; one line where something was done."""
        swept = duties.sweep(kind)
        if always or swept.rungs or swept.failed:
            fired = bilingual(
                f"{swept.subjects} 件{zh(kind.singular)}触发 {swept.rungs} 个时限节点",
                f"{swept.rungs} rungs fired on {swept.subjects} {en(kind.plural)}",
            )
            failed = bilingual(
                f"，{swept.failed} 件未能处理，留待再试",
                f", {swept.failed} {en(kind.plural)} could not be done and wait",
            )
            self.say(format_lazy("{}{}{}", fired, failed if swept.failed else "", _STOP))

    def outbox[S: Subject](self, kind: Kind[S]) -> None:
        """Tell what waits; one line where something did."""
        # No broker is needed here: whoever delivers looks every second.
        if told := kind.teller.tell(ask=lambda _: False):
            self.say(bilingual(f"已告知 {told} 个事件。", f"{told} events told."))

    def contracts(self) -> None:
        """Fire what is due of contracts."""
        if fired := timers.fire_due():
            self.say(bilingual(f"{fired} 个合同节点已触发。", f"{fired} contract timers fired."))

    def upkeep(self, duty: Duty) -> None:
        """What a kind of subject asks for; one line where it says what was done."""
        said = duty.work()
        if isinstance(said, str | Promise):
            self.say(said)

    def purge(self) -> None:
        """Delete what has had its day."""
        doorkeeping.purge()
        housekeeping.purge(timezone.now())
