"""What time brings, without a broker: once, or again and again."""

import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.text import format_lazy

from community import housekeeping as doorkeeping
from community import timers
from notifications import housekeeping
from tickets import announce, escalation, handover, photos, sealing
from web.management.looping import Duty, LoopingCommand
from web.words import bilingual

MINUTE, HOUR = 60.0, 3600.0
_STOP = bilingual("。", ".")


class Command(LoopingCommand):
    """`manage.py tick`: any number of them at once, beside Celery or in its place."""

    help = (
        "Fire the deadlines that are due, tell what waits in the outbox, pass on what ended contracts leave, and delete what has had "
        "its day. With --loop, look again every second until it is stopped; the three parts of --only never wait for each other."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Once or for ever, how often, and whether all of it."""
        super().add_arguments(parser)
        parser.add_argument(
            "--only",
            choices=["clocks", "outbox", "upkeep"],
            help="deadlines, telling, or contracts, calendar and deletion alone (default: all three)",
        )

    def handle(self, *, loop: bool, every: float, only: str | None, **options: Any) -> None:
        """Do it; say what was done."""
        parts: dict[str, Sequence[Duty]] = {
            "clocks": [Duty(partial(self.clocks, always=not loop), every)],
            "outbox": [Duty(self.outbox, every)],
            "upkeep": [
                Duty(self.contracts, MINUTE),
                Duty(escalation.follow_calendar, MINUTE),
                Duty(sealing.seal_all, 5 * MINUTE),
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

    def clocks(self, *, always: bool) -> None:
        """Fire the deadlines that are due; one line where something was done."""
        swept = escalation.sweep()
        if always or swept.rungs or swept.failed:
            fired = bilingual(
                f"{swept.subjects} 件工单触发 {swept.rungs} 个时限节点",
                f"{swept.rungs} rungs fired on {swept.subjects} tickets",
            )
            failed = bilingual(
                f"，{swept.failed} 件未能处理，留待再试", f", {swept.failed} tickets could not be done and wait"
            )
            self.say(format_lazy("{}{}{}", fired, failed if swept.failed else "", _STOP))

    def outbox(self) -> None:
        """Tell what waits; one line where something did."""
        # No broker is needed here: whoever delivers looks every second.
        if told := announce.tell_outbox(ask=lambda _: False):
            self.say(bilingual(f"已告知 {told} 个事件。", f"{told} events told."))

    def contracts(self) -> None:
        """Fire what is due of contracts, and pass on the tickets of those that have ended."""
        fired, swept = timers.fire_due(), handover.sweep()
        if fired or swept.subjects or swept.failed:
            done = bilingual(
                f"{fired} 个合同节点已触发，{swept.subjects} 件工单已转交",
                f"{fired} contract timers fired; {swept.subjects} tickets passed on",
            )
            failed = bilingual(f"，{swept.failed} 件未能转交，留待再试", f", {swept.failed} could not be and wait")
            self.say(format_lazy("{}{}{}", done, failed if swept.failed else "", _STOP))

    def purge(self) -> None:
        """Delete what has had its day."""
        now = timezone.now()
        doorkeeping.purge()
        housekeeping.purge(now)
        while photos.purge_unattached(now):
            pass
