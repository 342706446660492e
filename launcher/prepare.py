"""Prepare the database for this code: the schema and, if wanted, the demo street.

Runs in a separate process, which writes the list of the demo's people into a file for the launcher to show. Lines that begin
with TOLD are for the person at the terminal.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import redis
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import Error, OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState
from django.db.utils import NotSupportedError

from launcher.family import TOLD

REFERENCE_DATA = ["load_reference"]
"""The commands that bring what every server needs beside its schema; each does no harm when it runs again."""


def main(demo: bool, people: Path) -> None:
    """Check both servers, migrate, and load the demo where it is wanted; write its people to the file `people`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    check_servers()
    try:
        migrate()
        for command in REFERENCE_DATA:
            call_command(command)
        if demo and not settings.PRODUCTION:
            tell("Loading the demo street …")
            call_command("load_demo")
            with people.open("w") as file:
                call_command("demo_people", stdout=file)
    except CommandError as error:
        sys.exit(str(error))
    except Error as error:
        sys.exit(f"The database refused: {error}")


def migrate() -> None:
    """Bring the schema up to date; from nothing in a third of the time."""
    fresh = not MigrationRecorder(connection).has_table()
    if fresh:
        tell("Making the tables …")
    with quick_states() if fresh else contextlib.nullcontext():
        call_command("migrate", interactive=False)


@contextlib.contextmanager
def quick_states() -> Iterator[None]:
    """Let Django keep the models of its migrations as they are when a constraint or an index is added to one.

    It would build the model, and all that refer to it, anew each time: three quarters of the time that a migration from nothing
    takes. The schema comes out the same, and a test compares.
    """
    original: Any = ProjectState._append_option  # type: ignore[attr-defined]

    def append(self: Any, app_label: str, model_name: str, option_name: str, added: Any) -> None:
        options = self.models[app_label, model_name].options
        options[option_name] = [*options[option_name], added]

    ProjectState._append_option = append  # type: ignore[attr-defined]
    try:
        yield
    finally:
        ProjectState._append_option = original  # type: ignore[attr-defined]


def tell(words: str) -> None:
    """Have the launcher show a line."""
    sys.stdout.write(f"{TOLD}{words}\n")
    sys.stdout.flush()


def check_servers() -> None:
    """Leave with a plain word where a server is out of reach, or PostgreSQL is too old."""
    try:
        connection.ensure_connection()
    except NotSupportedError as error:
        sys.exit(str(error))
    except OperationalError as error:
        sys.exit(f"The database named by DATABASE_URL does not answer: {error}")
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=5) as client:
            client.ping()
    except redis.RedisError as error:
        sys.exit(f"The server named by REDIS_URL does not answer: {error}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--no-demo", action="store_true")
    parser.add_argument("--people", type=Path, required=True)
    options = parser.parse_args()
    options.people.unlink(missing_ok=True)
    main(not options.no_demo, options.people)
