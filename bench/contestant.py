"""One version of the code in a race between two (`bench.turns`): its database, its web server, and runs of operations on demand.

Runs inside the version's own tree, into which this file is put: it uses what every version has had since there is a bench.
Reads commands from standard input, a JSON object a line, and answers each with a line of JSON on standard output:
`{"fill": tickets}` first, then `{"run": operation, "clients": number, "seconds": seconds}`; `{"stale": true}` takes PostgreSQL's
statistics back to what they were after the first filling.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django

TICK = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Prepare, and serve commands until standard input ends."""
    with contextlib.redirect_stdout(sys.stderr):
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        django.setup()
        from django.core.management import call_command  # noqa: PLC0415 - Django is set up only now

        from bench.fill import fill  # noqa: PLC0415
        from bench.http import operations  # noqa: PLC0415
        from launcher.run import web_command  # noqa: PLC0415

        call_command("migrate", verbosity=0, interactive=False)
        call_command("load_reference")
        call_command("load_demo")
    compete(web_command, fill, operations)


def compete(
    command: Callable[[int, int], list[str]],
    fill: Callable[[int], object],
    operations: Callable[[int], dict[str, Callable[[int], Callable[[Any], int]]]],
) -> None:
    """Start the web server and answer commands until standard input ends.

    `command(port, processes)` starts the server, `fill(number)` brings so many tickets, `operations(port)` are those of `bench.http`.
    """
    answers = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        from django.db import connection  # noqa: PLC0415

        from launcher.family import Family  # noqa: PLC0415
        from launcher.run import await_health, free_port  # noqa: PLC0415

        with Family() as family:
            port = free_port(int(os.environ["LINLI_BENCH_PORT"]))
            log = Path(os.environ["LINLI_LOCAL_DIR"]) / f"web-{port}.log"
            environment = os.environ | {"LINLI_DATABASE_POOL": "1"}
            web = family.start("web", command(port, 1), environment=environment, log=log).process.pid
            # There is no worker here, so it calls itself degraded.
            await_health(family, port, enough=("ok", "degraded"))
            contest: Contest | None = None
            known = ""
            for line in sys.stdin:
                asked = json.loads(line)
                if "stale" in asked:
                    with connection.cursor() as cursor:
                        cursor.execute(known)
                    answer: dict[str, object] = {}
                elif "fill" in asked:
                    fill(asked["fill"])
                    known = known or statistics()
                    # The operations look for tickets that they can work on.
                    contest = contest or Contest(port, web, operations(port))
                    answer = {"operations": list(contest.operations)}
                else:
                    assert contest is not None, "The first command is to fill."
                    answer = contest.run(asked["run"], asked["clients"], asked["seconds"])
                print(json.dumps(answer), file=answers, flush=True)


def statistics() -> str:
    """What PostgreSQL's planner knows of the tables, as SQL that brings it back."""
    asked = [os.environ["LINLI_BENCH_PG_DUMP"], "--statistics-only", "--dbname", os.environ["DATABASE_URL"]]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in told.splitlines() if not line.startswith("\\"))


class Contest:
    """The operations of this version, each with clients that keep their connection and their tickets from run to run."""

    def __init__(self, port: int, web: int, operations: dict[str, Callable[[int], Callable[[Any], int]]]):
        self.port, self.web, self.operations = port, web, operations
        self.acts: dict[tuple[str, int], Callable[[Any], int]] = {}

    def run(self, operation: str, clients: int, seconds: float) -> dict[str, object]:
        """Repeat an operation: requests, statuses, latency (ms), and CPU milliseconds a request of web server and database."""
        from bench.load import run  # noqa: PLC0415

        for number in range(clients):
            if (operation, number) not in self.acts:
                self.acts[operation, number] = self.operations[operation](number)
        acts = [self.acts[operation, number] for number in range(clients)]
        before = spent(self.web)
        tally = run(self.port, acts, seconds)
        web, database = (after - earlier for after, earlier in zip(spent(self.web), before, strict=True))
        requests = len(tally.seconds)
        return {
            "requests": requests,
            "statuses": tally.statuses,
            "per_second": tally.rate,
            "p50_ms": tally.percentile(0.5),
            "p95_ms": tally.percentile(0.95),
            "web_ms": 1000 * web / requests,
            "database_ms": 1000 * database / requests,
        }


def spent(web: int) -> tuple[float, float]:
    """CPU seconds that the web server's processes and this database's sessions have used so far, by the kernel's accounts."""
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        sessions = [pid for (pid,) in cursor.fetchall()]
    return sum(map(cpu_seconds, tree(web))), sum(map(cpu_seconds, sessions))


def tree(root: int) -> Iterator[int]:
    """A process and all that it started."""
    yield root
    for children in Path(f"/proc/{root}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from tree(int(child))


def cpu_seconds(pid: int) -> float:
    """What a process has used in user and system mode; 0 where it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK


if __name__ == "__main__":
    main()
