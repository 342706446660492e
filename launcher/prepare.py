"""Bring the database to what this code expects: the schema, and for a first look the demo street.

Runs in a process of its own, which writes the list of the demo's people into a file for the launcher to show.
"""

import argparse
import os
import sys
from pathlib import Path

import django
import redis
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.utils import NotSupportedError

REFERENCE_DATA = ["load_reference"]
"""The commands that bring what every server needs beside its schema; each does no harm when it runs again."""


def main(demo: bool, people: Path) -> None:
    """Check both servers, migrate, and load the demo where it is wanted; `people` tells who lives in it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    check_servers()
    call_command("migrate", interactive=False)
    for command in REFERENCE_DATA:
        call_command(command)
    if demo and not settings.PRODUCTION:
        call_command("load_demo")
        call_command("simulate", days=30, tickets=180, once=True, verbosity=0)
        with people.open("w") as file:
            call_command("demo_people", stdout=file)


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
