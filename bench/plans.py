"""`make bench-plans`: which pages of the database each statement of a request touches, on few tickets and on many.

Runs the operations of `make bench` on the real web server, whose plans hold for all values, while auto_explain of PostgreSQL writes down
each plan with what it really did. A statement whose cost does not depend on the number of tickets touches as many pages (8 KB each) at
every size, with fresh statistics and with those of the smallest size (`stale`). Prints, for each statement, the median of those pages and
of the rows that were read, and which large tables were read whole; writes JSON.
"""

import json
import os
import re
import statistics as of_numbers
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.contestant import statistics
from bench.ground import Ground, parser, prepared, refuse_named_database, write
from bench.http import operations
from bench.load import Client
from launcher.run import await_health, free_port, web_command
from launcher.servers import POSTGRES

SIZES = [1_000, 200_000]
LARGE = 1_000
"""Rows from which on a table that is read from end to end is named."""
WORDS = 90

EXPLAINED = """
ALTER DATABASE linli SET session_preload_libraries = 'auto_explain';
ALTER DATABASE linli SET auto_explain.log_min_duration = 0;
ALTER DATABASE linli SET auto_explain.log_analyze = on;
ALTER DATABASE linli SET auto_explain.log_buffers = on;
ALTER DATABASE linli SET auto_explain.log_timing = off;
ALTER DATABASE linli SET auto_explain.log_format = json;
"""
LOGGED = re.compile(r"duration: [\d.]+ ms  plan:\n((?:\t.*\n)+)")


def main() -> None:
    """Measure and report."""
    asked = parser("make bench-plans", __doc__)
    asked.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, help="numbers of stored tickets (default: 1000 200000)"
    )
    asked.add_argument("--only", nargs="+", help="only these operations, such as: file list-street move")
    asked.add_argument("--times", type=int, default=20, help="how often each operation is repeated (default: 20)")
    options = asked.parse_args()
    refuse_named_database(asked)
    os.environ["LINLI_BENCH_PG_DUMP"] = str(POSTGRES / "bin" / "pg_dump")
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = defaultdict(dict)
    with prepared() as ground:
        for state in states(sorted(options.sizes)):
            print(f"{state} …", file=sys.stderr, flush=True)
            for operation, statement, seen in explained(ground, options.only, options.times):
                found[operation, statement][state] = seen
    for (operation, statement), by_state in found.items():
        print(f"\n{operation}: {statement}")
        for state, seen in by_state.items():
            whole = ", ".join(f"all {rows} rows of {table}" for table, rows in seen["whole"].items())
            print(f"  {state:<16} {seen['pages']:>8} pages {seen['rows']:>8} rows  {whole}")
    rows = [{"operation": operation, "statement": statement, **by} for (operation, statement), by in found.items()]
    write(options.json, rows, times=options.times)


def states(sizes: Iterable[int]) -> Iterator[str]:
    """Bring the database into one state after the other: each size with fresh statistics, and the larger ones with those of the first."""
    from django.db import connection  # noqa: PLC0415 - Django is set up only now

    from bench.fill import fill  # noqa: PLC0415

    known = ""
    for size in sizes:
        fill(size)
        yield f"{size}"
        if not known:
            known = statistics()
            continue
        with connection.cursor() as cursor:
            cursor.execute(known)
        # What pg_dump writes leaves the connection without a search path.
        connection.close()
        yield f"{size} stale"


def explained(ground: Ground, only: list[str] | None, times: int) -> list[tuple[str, str, dict[str, Any]]]:
    """Operation, statement and what it touched, of every statement of every operation on a web server of its own."""
    from django.db import connection  # noqa: PLC0415

    log = ground.home.logs / "postgres.log"
    with connection.cursor() as cursor:
        cursor.execute(EXPLAINED)
    port = free_port(8900)
    web = ground.family.start(
        "web",
        web_command(port, 1),
        environment=os.environ | {"LINLI_DATABASE_POOL": "1"},
        log=ground.home.logs / "web.log",
    )
    found = []
    try:
        await_health(ground.family, port, enough=("ok", "degraded"))
        for name, act in operations(port).items():
            if only and name not in only:
                continue
            repeated, client = act(0), Client(port)
            # Statements are prepared after they were asked for several times.
            for _ in range(times):
                repeated(client)
            before = log.stat().st_size
            for _ in range(times):
                status = repeated(client)
                assert status < 300, f"{name} was answered with {status}"
            found += [(name, *one) for one in seen(written(log, before))]
    finally:
        ground.family.put_down(web)
        with connection.cursor() as cursor:
            cursor.execute("ALTER DATABASE linli RESET ALL")
        connection.close()
    return found


def written(log: Path, start: int) -> list[Mapping[str, Any]]:
    """The plans that were written into the log from there on."""
    with log.open("rb") as file:
        file.seek(start)
        text = file.read().decode()
    return [json.loads(one) for one in LOGGED.findall(text)]


def seen(plans: Iterable[Mapping[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Each statement with medians of the pages that it touched and the rows that it looked at, and the large tables that it read whole."""
    by_statement = defaultdict(list)
    for plan in plans:
        by_statement[" ".join(plan["Query Text"].split())[:WORDS]].append(plan["Plan"])
    return [
        (
            statement,
            {
                "pages": round(of_numbers.median(map(pages, made))),
                "rows": round(of_numbers.median(map(looked_at, made))),
                "whole": whole(made),
            },
        )
        for statement, made in by_statement.items()
    ]


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The plan's node and all below it."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def pages(plan: Mapping[str, Any]) -> int:
    """The pages of 8 KB that the plan touched, in memory or on disk."""
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def looked_at(plan: Mapping[str, Any]) -> float:
    """The rows that were read from tables, those that a filter sorted out among them."""
    removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    return sum(
        (node["Actual Rows"] + sum(node.get(name, 0) for name in removed)) * node["Actual Loops"]
        for node in nodes(plan)
        if "Relation Name" in node and node["Node Type"] != "ModifyTable"
    )


def whole(made: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """The tables that were read from end to end, with their rows, where those are many."""
    found: dict[str, int] = {}
    for plan in made:
        for node in nodes(plan):
            if node["Node Type"] == "Seq Scan":
                rows = round((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
                if rows > LARGE:
                    found[node["Relation Name"]] = max(found.get(node["Relation Name"], 0), rows)
    return found


if __name__ == "__main__":
    main()
