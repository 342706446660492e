"""Two versions of the code by turns: `make bench ARGS='--against REV'`.

Each version has a web server and a database in one PostgreSQL. Every operation runs on one version, then on the other, for some
rounds, so that a noisy machine affects both alike. CPU time per request is compared, for web server and database separately.
Throughput on a shared machine would measure its other users. The older version runs on the Python packages of the newer.
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

OPERATIONS = ["file", "move", "list-street", "list-queue", "read", "search"]
NOW, THEN = "now", "then"


class Contestant:
    """A version at work: a process of `bench.contestant` in its tree."""

    def __init__(self, tree: Path, environment: Mapping[str, str]):
        launcher = os.getpid()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.contestant"],
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
    """Measure every operation that both versions have, at every size, and print a table; its rows."""
    rows: list[dict[str, object]] = []
    with contestants(options.against) as versions:
        print(
            f"CPU milliseconds a request, {NOW} : {THEN} ({options.against}); medians of {options.rounds} rounds by turns\n"
        )
        print(
            f"{'stored':>8} {'operation':<14} {'clients':>7} {'web':>15} {'database':>15} {'together':>9} {'p50 ms':>15}"
        )
        for size in sorted(options.sizes):
            known = [version.ask(fill=size)["operations"] for version in versions.values()]
            for name in (name for name in options.only or OPERATIONS if all(name in names for names in known)):
                for clients in options.clients:
                    rows.append(measure(versions, name, size, clients, options))
    return rows


def measure(
    versions: Mapping[str, Contestant], name: str, size: int, clients: int, options: argparse.Namespace
) -> dict[str, object]:
    """Run one operation by turns; print its line."""
    for version in versions.values():
        version.ask(run=name, clients=clients, seconds=min(2.0, options.seconds))
    runs: dict[str, list[dict[str, Any]]] = {NOW: [], THEN: []}
    for number in range(options.rounds):
        for which in (NOW, THEN) if number % 2 else (THEN, NOW):
            answer = versions[which].ask(run=name, clients=clients, seconds=options.seconds)
            if bad := {status: count for status, count in answer["statuses"].items() if not status.startswith("2")}:
                raise SystemExit(f"{name} was answered with {bad} by the version {which}.")
            runs[which].append(answer)

    def median(which: str, figure: str) -> float:
        return statistics.median(answer[figure] for answer in runs[which])

    def pair(figure: str) -> str:
        return f"{median(NOW, figure):6.2f} : {median(THEN, figure):6.2f}"

    together = {
        which: statistics.median(answer["web_ms"] + answer["database_ms"] for answer in answers)
        for which, answers in runs.items()
    }
    ratio = together[NOW] / together[THEN]
    print(
        f"{size:>8} {name:<14} {clients:>7} {pair('web_ms'):>15} {pair('database_ms'):>15} {ratio:>8.2f}x {pair('p50_ms'):>15}",
        flush=True,
    )
    return {"size": size, "operation": name, "clients": clients, "ratio": round(ratio, 3), "runs": runs}


@contextlib.contextmanager
def contestants(revision: str) -> Iterator[dict[str, Contestant]]:
    """Both versions on servers of their own, which are thrown away afterwards."""
    parent = homes.default() / "bench"
    parent.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(dir=parent))
    directory.chmod(0o755)
    try:
        then = unpacked(revision, directory / "then")
        with homes.open_home(directory) as home, Family() as family, server_urls(home, family) as urls:
            with psycopg.connect(urls["DATABASE_URL"], autocommit=True) as connection:
                connection.execute("CREATE DATABASE linli_then")
            shared = os.environ | {"LINLI_LOCAL_DIR": str(directory), "LINLI_ENV": "development"}
            there = {
                "DATABASE_URL": urlsplit(urls["DATABASE_URL"])._replace(path="/linli_then").geturl(),
                "REDIS_URL": urls["REDIS_URL"].replace("db=0", "db=1"),
            }
            versions = {
                NOW: Contestant(PROJECT, shared | urls | {"LINLI_BENCH_PORT": "8900"}),
                THEN: Contestant(then, shared | there | {"LINLI_BENCH_PORT": "8950"}),
            }
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
