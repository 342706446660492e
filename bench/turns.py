"""Compare versions of the code, and the bare framework, by turns: `make bench ARGS='--against REV --bare'`.

Each has a web server and a database in one PostgreSQL. Every operation runs on one, then on the next, for some rounds, so that a
noisy machine affects all alike. CPU time per request is compared, for web server and database separately. Throughput on a
shared machine would measure its other users. The older version runs on the Python packages of the newer.
"""

import argparse
import contextlib
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from launcher import home as homes
from launcher.account import die_with_parent
from launcher.family import PROJECT, Family
from launcher.run import server_urls
from launcher.servers import DATABASE, POSTGRES
from launcher.template import restore_named

OPERATIONS = ["file", "move", "list-street", "list-queue", "read", "search"]
NOW, THEN, BARE = "now", "then", "bare"
MODULES = {NOW: "bench.contestant", THEN: "bench.contestant", BARE: "bench.bare"}
CEILING = {"file": "file", "move": "file"}
"""What the bare framework does beside an operation: it files, and beside all that reads it lists a page."""


class Contestant:
    """A version at work: a process of its `module` in its tree."""

    def __init__(self, module: str, tree: Path, environment: Mapping[str, str]):
        launcher = os.getpid()
        self.process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=tree,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: die_with_parent(launcher, 15),
        )

    def ask(self, **command: object) -> dict[str, Any]:
        """Have it fill its database, or run an operation; what it answers.

        Raises SystemExit where it has ended.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"A version ended with exit code {self.process.wait()}; its last words are above.")
        return dict(json.loads(line))

    def end(self) -> None:
        """Let it stop its web server and end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def race(options: argparse.Namespace) -> list[dict[str, object]]:
    """Measure every operation that the versions have, at every size, and print a table; its rows."""
    rows: list[dict[str, object]] = []
    with contestants(options.against, bare=options.bare) as versions:
        others = [which for which in versions if which != NOW]
        names = {NOW: NOW, THEN: str(options.against), BARE: "bare"}
        print(f"CPU milliseconds a request, web + database; medians of {options.rounds} rounds by turns\n")
        columns = "".join(f"{names[which]:>16}" for which in versions)
        ratios = "".join(f"{f'to {names[which]}':>12}" for which in others)
        print(f"{'stored':>8} {'statistics':<10} {'operation':<14} {'clients':>7}{columns}{ratios}")
        for size in sorted(options.sizes):
            known = [version.ask(fill=size)["operations"] for which, version in versions.items() if which != BARE]
            if BARE in versions:
                versions[BARE].ask(fill=size)
            for freshness in ("fresh", "stale") if options.stale and size > min(options.sizes) else ("fresh",):
                if freshness == "stale":
                    for version in versions.values():
                        version.ask(stale=True)
                for name in (name for name in options.only or OPERATIONS if all(name in names for names in known)):
                    for clients in options.clients:
                        runs = by_turns(versions, name, clients, options)
                        rows.append(line(size, freshness, name, clients, runs))
    return rows


def by_turns(
    versions: Mapping[str, Contestant], name: str, clients: int, options: argparse.Namespace
) -> dict[str, list[dict[str, Any]]]:
    """What each version answers in each of the rounds of an operation."""
    asked = {which: CEILING.get(name, "page") if which == BARE else name for which in versions}
    for which, version in versions.items():
        version.ask(run=asked[which], clients=clients, seconds=min(2.0, options.seconds))
    runs: dict[str, list[dict[str, Any]]] = {which: [] for which in versions}
    for number in range(options.rounds):
        for which in list(versions)[:: 1 if number % 2 else -1]:
            answer = versions[which].ask(run=asked[which], clients=clients, seconds=options.seconds)
            if bad := {status: count for status, count in answer["statuses"].items() if not status.startswith("2")}:
                raise SystemExit(f"{name} was answered with {bad} by the version {which}.")
            runs[which].append(answer)
    return runs


def line(
    size: int, freshness: str, name: str, clients: int, runs: Mapping[str, list[dict[str, Any]]]
) -> dict[str, object]:
    """Print the line of an operation; its row, with how many times the CPU of each other version this one needs.

    The kernel counts hundredths of a second: where a short run came to none, there is no ratio.
    """

    def median(which: str, *figures: str) -> float:
        return statistics.median(sum(answer[figure] for figure in figures) for answer in runs[which])

    together = {which: median(which, "web_ms", "database_ms") for which in runs}
    ratios = {
        which: round(together[NOW] / together[which], 3) if together[which] else None for which in runs if which != NOW
    }
    columns = "".join(f"{f'{median(which, "web_ms"):.2f} + {median(which, "database_ms"):.2f}':>16}" for which in runs)
    print(
        f"{size:>8} {freshness:<10} {name:<14} {clients:>7}{columns}"
        + "".join(f"{'–':>12}" if ratio is None else f"{ratio:>11.2f}x" for ratio in ratios.values()),
        flush=True,
    )
    return {
        "size": size,
        "statistics": freshness,
        "operation": name,
        "clients": clients,
        "cpu_ms": {which: round(together[which], 3) for which in together},
        "ratios": ratios,
        "runs": runs,
    }


@contextlib.contextmanager
def contestants(revision: str | None, *, bare: bool) -> Iterator[dict[str, Contestant]]:
    """This version and the others that are wanted on servers of their own, which are thrown away afterwards."""
    parent = homes.default() / "bench"
    parent.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(dir=parent))
    directory.chmod(0o755)
    try:
        trees = {NOW: PROJECT}
        if revision is not None:
            trees[THEN] = unpacked(revision, directory / "then")
        if bare:
            trees[BARE] = PROJECT
        copied = restore_named(directory)
        with homes.open_home(directory) as home, Family() as family, server_urls(home, family) as urls:
            shared = os.environ | {
                "LINLI_LOCAL_DIR": str(directory),
                "LINLI_ENV": "development",
                "LINLI_BENCH_PG_DUMP": str(POSTGRES / "bin" / "pg_dump"),
            }
            versions = {}
            for number, (which, tree) in enumerate(trees.items()):
                # What is kept has the tables of this version.
                template = DATABASE if copied and which == NOW else "template1"
                with psycopg.connect(urls["DATABASE_URL"], autocommit=True) as connection:
                    connection.execute(f"CREATE DATABASE linli_{which} TEMPLATE {template}")
                there = {
                    "DATABASE_URL": urlsplit(urls["DATABASE_URL"])._replace(path=f"/linli_{which}").geturl(),
                    "REDIS_URL": urls["REDIS_URL"].replace("db=0", f"db={number}"),
                    "LINLI_BENCH_PORT": str(8900 + 50 * number),
                }
                versions[which] = Contestant(MODULES[which], tree, shared | there)
            yield versions
            for version in versions.values():
                version.end()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def unpacked(revision: str, directory: Path) -> Path:
    """The tree of a revision, with this version's contestant in it."""
    archive = subprocess.run(["git", "archive", revision], cwd=PROJECT, capture_output=True, check=False)
    if archive.returncode:
        raise SystemExit(f"git knows no revision {revision!r}: {archive.stderr.decode().strip()}")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(directory, filter="data")
    shutil.copy(PROJECT / "bench" / "contestant.py", directory / "bench")
    return directory
