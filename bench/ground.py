"""The ground that measurements are made on: servers of their own with the demo street, thrown away afterwards; and the report."""

import argparse
import contextlib
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from launcher import home as homes
from launcher import prepare, template
from launcher.family import PROJECT, Family
from launcher.run import server_urls

KEPT = 6 * 3600
"""Seconds for which a home that stays is used."""


@dataclass(frozen=True)
class Ground:
    """Where the servers live, and who looks after their processes."""

    home: homes.Home
    family: Family


def parser(prog: str, words: str | None) -> argparse.ArgumentParser:
    """A parser of the command line that knows where the figures go."""
    asked = argparse.ArgumentParser(prog=prog, description=words, formatter_class=argparse.RawDescriptionHelpFormatter)
    name = prog.removeprefix("make ")
    path = PROJECT / ".local" / f"{name}.json"
    asked.add_argument("--json", type=Path, default=path, help=f"where the figures go (default: .local/{name}.json)")
    return asked


def refuse_named_database(asked: argparse.ArgumentParser) -> None:
    """End with words where the environment names a database: what is filled in belongs in no other than one's own."""
    if os.environ.get("DATABASE_URL"):
        asked.exit(
            1,
            f"{asked.prog} fills a database with hundreds of thousands of tickets and people of its own making, and does so only\n"
            "in one that it starts and throws away. Unset DATABASE_URL.\n",
        )


@contextlib.contextmanager
def prepared() -> Iterator[Ground]:
    """Durable servers, as in production, with the schema and the demo street; Django is set up for them."""
    parent = homes.default() / "bench"
    parent.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(dir=parent))
    directory.chmod(0o755)
    try:
        template.restore_named(directory)
        with _served(directory) as ground:
            yield ground
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def kept(name: str) -> Iterator[Ground]:
    """The same on a home of this name that stays for measurements of the next hours, since filling a database takes minutes.

    An older one is thrown away: its tickets have become late since.
    """
    directory = homes.default() / "bench" / name
    if directory.exists() and time.time() - directory.stat().st_ctime > KEPT:
        shutil.rmtree(directory)
    if not directory.exists():
        directory.mkdir(parents=True)
        directory.chmod(0o755)
        template.restore_named(directory)
    with _served(directory) as ground:
        yield ground


@contextlib.contextmanager
def _served(directory: Path) -> Iterator[Ground]:
    with homes.open_home(directory) as home, Family() as family, server_urls(home, family) as urls:
        os.environ |= urls | {"LINLI_LOCAL_DIR": str(directory), "LINLI_ENV": "development"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        with contextlib.redirect_stdout(sys.stderr):
            prepare.main(demo=True, people=directory / "people.txt")
        yield Ground(home, family)


def write(path: Path, rows: list[dict[str, object]], **more: object) -> None:
    """Write the figures with what was measured on, and say where."""
    report = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        **more,
        "rows": rows,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")
    print(f"\nWritten to {path}")
