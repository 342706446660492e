"""Commands that run once, or in a loop until they are stopped."""

import argparse
import logging
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.core.management.base import CommandParser
from django.db import Error, connection

from web.management.speaking import OperatorCommand
from web.words import bilingual

logger = logging.getLogger(__name__)

_STOP = frozenset({signal.SIGINT, signal.SIGTERM})


@dataclass(frozen=True, slots=True)
class Duty:
    """A function that is called again and again, and the seconds between two calls; by its `name` a queue asks for it.

    `waits` says cheaply whether there is something to do; without it, nobody can tell.
    """

    work: Callable[[], object]
    every: float
    name: str = ""
    waits: Callable[[], bool] | None = None


class LoopingCommand(OperatorCommand):
    """A command with `--loop` and `--every`."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Once or for ever, and how often."""
        super().add_arguments(parser)
        parser.add_argument("--loop", action="store_true", help="go on until Ctrl-C or SIGTERM")
        parser.add_argument(
            "--every", type=seconds, default=1.0, help="seconds between two looks, with --loop (default: 1)"
        )

    def go_on(self, stopping: threading.Event, *lines: Sequence[Duty]) -> None:
        """Call the duties of each line in a thread of its own, one after the other, until a signal comes. Then set `stopping`.

        The call that runs is finished first; a second signal ends the process at once. A database that is away or a
        duty that fails does not stop the loop: it is logged, and tried again when its time comes.
        """
        # The threads inherit the mask, so that only this thread gets the signal.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
        with ThreadPoolExecutor(len(lines)) as pool:
            for line in lines:
                pool.submit(self._do, line, stopping)
            self.say(bilingual("将持续运行，按 Ctrl-C 停止。", "Looking again and again; Ctrl-C stops."))
            signal.sigwait(_STOP)
            stopping.set()
            for number in _STOP:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP)

    def _do(self, line: Sequence[Duty], stopping: threading.Event) -> None:
        due = dict.fromkeys(line, 0.0)
        try:
            while not stopping.is_set():
                duty = min(line, key=due.__getitem__)
                if not stopping.wait(due[duty] - time.monotonic()):
                    self.attempt(duty.work)
                    due[duty] = time.monotonic() + duty.every
        finally:
            connection.close()

    def attempt[**P](self, work: Callable[P, object], *arguments: P.args, **named: P.kwargs) -> None:
        """Call a function in the loop, and report where it fails."""
        try:
            work(*arguments, **named)
        except Error as error:
            # The database will come back; due work is still due then.
            kind = type(error).__name__
            self.complain(bilingual(f"数据库没有响应：{kind}", f"The database does not answer: {kind}"))
            connection.close()
        except Exception:
            logger.exception("What had to be done failed, and will be tried again.")


def seconds(text: str) -> float:
    """A number of seconds above 0."""
    number = float(text)
    if not number > 0:
        raise argparse.ArgumentTypeError("must be more than 0 seconds.")
    return number
