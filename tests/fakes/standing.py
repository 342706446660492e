"""How a fake stands by itself, as a process: its options, the weather by which some of its answers go wrong, and its log.

The log is the receivers' side of the story: a line of JSON for everything that was asked of them, written before they answer.
"""

import argparse
import json
import random
import socketserver
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Fault(StrEnum):
    """What can go wrong with an answer: it comes late; it is the server's own failure; it is a polite no, busy; or it never comes,
    although what was asked was done."""

    SLOW = "slow"
    FAILING = "failing"
    BUSY = "busy"
    LOST = "lost"


@dataclass
class Weather:
    """By chance, a share of all answers goes wrong by each fault; a slow one takes `takes` seconds."""

    shares: Mapping[Fault, float] = field(default_factory=dict)
    takes: float = 1.0
    dice: random.Random = field(default_factory=random.Random)

    def fault(self) -> Fault | None:
        """What goes wrong now."""
        roll = self.dice.random()
        for fault, share in self.shares.items():
            roll -= share
            if roll < 0:
                return fault
        return None


@dataclass
class Log:
    """What a receiver was asked. Without a path nothing is kept."""

    path: Path | None = None
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def note(self, *, key: str, to: str, said: str, taken: bool, answer: str) -> None:
        """Keep that `said` was to be brought `to` somebody under `key`, whether it was `taken`, and what is answered."""
        if self.path is None:
            return
        line = {"at": time.time(), "key": key, "to": to, "said": said, "taken": taken, "answer": answer}
        with self._turn, self.path.open("a") as log:
            log.write(json.dumps(line, ensure_ascii=False) + "\n")


def options(module: str, words: str | None) -> argparse.ArgumentParser:
    """A parser for the options that all fakes have."""
    parser = argparse.ArgumentParser(
        prog=f"python -m tests.fakes.{module}", description=words, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=0, help="where it listens; the first line of its output says where")
    parser.add_argument("--log", type=Path, required=True, help="a line of JSON for everything that is asked")
    for fault in Fault:
        parser.add_argument(f"--{fault}", type=float, default=0.0, metavar="SHARE", help="share of such answers")
    parser.add_argument("--takes", type=float, default=1.0, metavar="SECONDS", help="what a slow answer takes")
    parser.add_argument("--seed", type=int, default=0, help="of the dice")
    return parser


def weather_of(given: argparse.Namespace) -> Weather:
    """The weather that was asked for."""
    shares = {fault: getattr(given, fault) for fault in Fault}
    return Weather(shares, given.takes, random.Random(given.seed))


def stand(server: socketserver.BaseServer, address: str) -> None:
    """Say where it listens, and serve until killed."""
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        server.serve_forever()
