"""A launcher as a real process, and what can be seen of it from outside."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from launcher import template
from launcher.family import PROJECT
from tests.processes import with_us

PATIENCE = 60
READY = "Ctrl-C stops everything"


def processes() -> dict[int, tuple[int, str]]:
    """Every process of this machine that is no zombie: its parent and the time of its start (from /proc)."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields[0] != "Z":
            found[int(stat.parent.name)] = (int(fields[1]), fields[19])
    return found


@dataclass
class Launched:
    """A running launcher and its output."""

    process: subprocess.Popen
    output: Path

    def words(self) -> str:
        """What it has said so far."""
        return self.output.read_text()

    def await_words(self, words: str, patience: float = PATIENCE) -> None:
        """Wait until it has said `words`, for `patience` seconds at most."""
        end = time.monotonic() + patience
        while words not in self.words():
            assert self.process.poll() is None, self.words()
            assert time.monotonic() < end, self.words()
            time.sleep(0.05)

    def descendants(self) -> set[tuple[int, str]]:
        """Everything below the launcher, each process with the time of its start."""
        every = processes()
        family = {self.process.pid}
        while True:
            more = {pid for pid, (parent, _) in every.items() if parent in family} - family
            if not more:
                return {(pid, every[pid][1]) for pid in family if pid in every}
            family |= more

    def signal(self, number: signal.Signals) -> set[tuple[int, str]]:
        """Send it a signal; what was running then."""
        members = self.descendants()
        self.process.send_signal(number)
        return members


def await_end(members: set[tuple[int, str]], seconds: float = 15) -> None:
    """Wait until none of `members` runs any more; fail with those that still do."""
    end = time.monotonic() + seconds
    while left := {(pid, start) for pid, (_, start) in processes().items()} & members:
        assert time.monotonic() < end, [Path(f"/proc/{pid}/cmdline").read_text() for pid, _ in left]
        time.sleep(0.05)


def environment(home: Path) -> dict[str, str]:
    """This process's own, without the servers of the tests and without what the make that started the tests was given."""
    left = {"DATABASE_URL", "REDIS_URL", "ARGS", "MAKELEVEL", "MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS"}
    kept = {name: value for name, value in os.environ.items() if name not in left}
    return kept | {"LINLI_ENV": "development", "LINLI_LOCAL_DIR": str(home)}


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all launchers of the session, with a database that they find; the first makes it where there is none to copy."""
    home = tmp_path_factory.mktemp("home")
    template.restore_named(home)
    return home


@pytest.fixture
def launch(home: Path, tmp_path: Path) -> Iterator[object]:
    """Start launchers; what still runs at the end of the test is killed."""
    launched: list[Launched] = []

    def start(*arguments: str, demo: str = "--no-demo", at: Path = home) -> Launched:
        output = tmp_path / f"output{len(launched)}"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "launcher.run", demo, *arguments],
                cwd=PROJECT,
                env=environment(at),
                stdout=file,
                stderr=subprocess.STDOUT,
                preexec_fn=with_us(),
            )
        launched.append(Launched(process, output))
        return launched[-1]

    yield start
    for each in launched:
        if each.process.poll() is None:
            members = each.signal(signal.SIGTERM)
            each.process.wait(PATIENCE)
            await_end(members)
