"""`make oracle`: the calendar, and what questions and extensions do to a clock, each against a second reckoning, in many random cases.

Says as it goes how far it is, then what was compared. The exit code is 1 where anything differs.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from multiprocessing import Pool
from multiprocessing import pool as pools

import django

# No database is asked; the settings want the names of some.
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "LINLI_ENV": "test",
    "DATABASE_URL": "postgres://unused/linli",
    "REDIS_URL": "redis://unused",
}
django.setup()

from tests.workflow import calendar_oracle, clock_oracle  # noqa: E402

CHUNK = 200
PROGRESS = 30.0
"""Seconds between two lines on how far it is, where nobody watches."""


def main(arguments: list[str]) -> int:
    """Compare as many cases as asked for, in several processes."""
    parser = argparse.ArgumentParser(prog="make oracle", description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000, help="deadlines of the calendar (default: 1,000,000)")
    parser.add_argument("--lives", type=int, default=20_000, help="lives of a clock (default: 20,000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    asked = parser.parse_args(arguments)
    with Pool(asked.jobs) as workers:
        judge = partial(_judge, workers, asked.seed)
        found = judge("deadlines of the calendar, minute by minute", calendar_oracle.compare, asked.cases)
        found += judge("lives of a clock with questions and extensions", clock_oracle.compare, asked.lives)
    return int(found > 0)


def _judge(
    workers: pools.Pool, seed: int, what: str, compare: Callable[[int, int, int], tuple[int, str]], cases: int
) -> int:
    """How many of the cases differ; the first is printed in full."""
    chunks = [(seed, begin // CHUNK, min(CHUNK, cases - begin)) for begin in range(0, cases, CHUNK)]
    began = told = time.monotonic()
    done = found = 0
    for (_, _, size), (differences, first) in zip(chunks, workers.imap(partial(_apply, compare), chunks), strict=True):
        if first and not found:
            sys.stdout.write(f"{first}\n")
        done, found = done + size, found + differences
        if sys.stdout.isatty() or time.monotonic() - told > PROGRESS:
            told = time.monotonic()
            sys.stdout.write(f"{_begin()}{done:,} of {cases:,} {what}: {found:,} differences{_end()}")
            sys.stdout.flush()
    seconds = time.monotonic() - began
    sys.stdout.write(f"{_begin()}{done:,} {what}, of seed {seed}, in {seconds:.0f} s: {found:,} differences.\n")
    sys.stdout.flush()
    return found


def _apply(compare: Callable[[int, int, int], tuple[int, str]], chunk: tuple[int, int, int]) -> tuple[int, str]:
    return compare(*chunk)


def _begin() -> str:
    return "\r\033[K" if sys.stdout.isatty() else ""


def _end() -> str:
    return "" if sys.stdout.isatty() else "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
