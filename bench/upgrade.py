"""`make bench-upgrade ARGS='--from REV'`: what it takes to bring a large database of an older release up to date.

The older release lives through three weeks of a street, so that there are real histories, proves them with `verify_audit`, and is then
filled up to a city's number of tickets. This release's migrations run on that database. Measured are the seconds, each migration that
takes longer than one of them, and the tables that were written anew. Afterwards every real history must still hold.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bench.ground import parser, refuse_named_database, write
from bench.turns import unpacked
from launcher import home as homes
from launcher.family import PROJECT, Family
from launcher.run import server_urls

LARGE = 10_000
"""Rows from which on a table is not to be written anew."""
MOST = 300.0
"""Seconds that the migrations may take."""
FILL = "import django; django.setup(); from bench.fill import fill; fill({})"
TABLES = """
SELECT relname, relfilenode, greatest(reltuples, 0)::bigint, pg_total_relation_size(oid) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
# PostgreSQL knows some of them only.
REFERENCES = """
import json, django
django.setup()
from django.apps import apps
fields = (field for model in apps.get_models(include_auto_created=True) for field in model._meta.local_concrete_fields)
print(json.dumps([
    (field.model._meta.db_table, field.column, field.related_model._meta.db_table, field.target_field.column)
    for field in fields if field.is_relation
]))
"""
ORPHANS = sql.SQL("DELETE FROM {} c WHERE c.{} IS NOT NULL AND NOT EXISTS (SELECT FROM {} p WHERE p.{} = c.{})")


def main() -> None:
    """Measure and report; ends with an error where the migrations take too long or a history no longer holds."""
    asked = parser("make bench-upgrade", __doc__)
    asked.add_argument("--from", dest="revision", required=True, help="the older release, as git names it")
    asked.add_argument("--tickets", type=int, default=200_000, help="stored tickets (default: 200000)")
    asked.add_argument("--real", type=int, default=300, help="tickets with a history of their own (default: 300)")
    options = asked.parse_args()
    refuse_named_database(asked)
    row = upgraded(options)
    write(options.json, [row])
    if row["broken"]:
        sys.exit("\n".join(["", "Promises were broken:", *row["broken"]]))


def upgraded(options: argparse.Namespace) -> dict[str, Any]:
    """Make the older database, migrate it, and look at it."""
    parent = homes.default() / "bench"
    parent.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(dir=parent))
    directory.chmod(0o755)
    try:
        then = unpacked(options.revision, directory / "then")
        with homes.open_home(directory) as home, Family() as family, server_urls(home, family) as urls:
            environment = os.environ | urls | {"LINLI_LOCAL_DIR": str(directory), "LINLI_ENV": "development"}
            environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
            with psycopg.connect(urls["DATABASE_URL"], autocommit=True) as connection:
                live(then, environment, options.real)
                real = {code for (code,) in connection.execute("SELECT code FROM tickets_ticket")}
                done(then, environment, "-c", FILL.format(options.tickets))
                before = tables(connection)
                row = migrated(environment) | looked_at(before, tables(connection))
                # What was filled in has no chain: it goes, and what remains has to hold.
                take_away(connection, real, references(environment))
            return judged(row | {"tickets": options.tickets, "real": len(real)}, environment)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def live(then: Path, environment: Mapping[str, str], tickets: int) -> None:
    """Let the older release live through three weeks of a street, and prove them."""
    for arguments in (
        ["migrate", "--noinput", "--verbosity", "0"],
        ["load_reference"],
        ["load_demo"],
        ["simulate", "--days", "21", "--tickets", str(tickets)],
        ["verify_audit"],
    ):
        done(then, environment, "manage.py", *arguments)


def migrated(environment: Mapping[str, str]) -> dict[str, object]:
    """Run this release's migrations; the seconds of all, and of each that takes more than one."""
    began = time.monotonic()
    migrating = subprocess.Popen(
        [sys.executable, "-u", "manage.py", "migrate", "--noinput"],
        cwd=PROJECT, env=dict(environment), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    slow: dict[str, float] = {}
    last = began
    assert migrating.stdout is not None
    for line in migrating.stdout:
        now = time.monotonic()
        if (applied := re.search(r"Applying (\S+)\.\.\. OK", line)) and now - last > 1:
            slow[applied[1]] = round(now - last, 1)
        last = now
    if migrating.wait():
        raise SystemExit("The migrations failed; their last words are above.")
    return {"seconds": round(time.monotonic() - began, 1), "slow": slow}


def tables(connection: "psycopg.Connection[Any]") -> dict[str, tuple[int, int, int]]:
    """The file, the rows and the bytes (with indexes) of each table."""
    return {name: (file, rows, size) for name, file, rows, size in connection.execute(TABLES)}


def looked_at(
    before: Mapping[str, tuple[int, int, int]], after: Mapping[str, tuple[int, int, int]]
) -> dict[str, object]:
    """The large tables that were written anew, and how much larger the database is."""
    rewritten = sorted(
        name for name, (file, rows, _) in before.items() if rows >= LARGE and name in after and after[name][0] != file
    )
    grown = sum(size for *_, size in after.values()) / sum(size for *_, size in before.values())
    return {"rewritten": rewritten, "grown": round(grown, 2)}


def references(environment: Mapping[str, str]) -> list[list[str]]:
    """Each column of this release that names rows: its table, itself, the table of the rows, and the column that it names them by."""
    asked = [sys.executable, "-c", REFERENCES]
    told = subprocess.run(asked, cwd=PROJECT, env=dict(environment), stdout=subprocess.PIPE, text=True, check=True)
    found: list[list[str]] = json.loads(told.stdout)
    return found


def take_away(connection: "psycopg.Connection[Any]", kept: set[str], references: Sequence[Sequence[str]]) -> None:
    """Delete every ticket but those of these codes, and then whatever refers to a row that is gone."""
    connection.execute("SET session_replication_role = replica")
    connection.execute("DELETE FROM tickets_ticket WHERE code <> ALL(%s)", [list(kept)])
    gone = True
    while gone:
        gone = False
        for child, column, parent, key in references:
            orphans = ORPHANS.format(*map(sql.Identifier, (child, column, parent, key, column)))
            gone |= connection.execute(orphans).rowcount > 0
    connection.execute("SET session_replication_role = origin")


def judged(row: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """The row with what it breaks: the time, a table written anew, a history that no longer holds."""
    proved = subprocess.run(
        [sys.executable, "manage.py", "verify_audit", "--all", "--language", "en"],
        cwd=PROJECT, env=dict(environment), capture_output=True, text=True, check=False,
    )  # fmt: skip
    broken = (proved.stderr.splitlines()[:10] or ["verify_audit failed"]) if proved.returncode else []
    if row["seconds"] > MOST:
        broken.append(f"the migrations took {row['seconds']} s")
    if row["rewritten"]:
        broken.append(f"written anew: {', '.join(row['rewritten'])}")
    print(
        f"{row['tickets']} tickets, {row['real']} of them with real histories: {row['seconds']} s; "
        f"slow: {row['slow']}; written anew: {row['rewritten'] or 'none'}; size × {row['grown']}"
    )
    return row | {"broken": broken}


def done(tree: Path, environment: Mapping[str, str], *arguments: str) -> None:
    """Run Python in a tree; its words go to standard error. Raises SystemExit where it fails."""
    ended = subprocess.run(
        [sys.executable, *arguments], cwd=tree, env=dict(environment), stdout=sys.stderr, check=False
    )
    if ended.returncode:
        raise SystemExit(f"{' '.join(arguments[:3])} failed in the older release.")


if __name__ == "__main__":
    main()
