"""One version of the code in a race between two (`bench.turns`): its database, its web server, and runs of operations on demand.

Runs inside the version's own tree, into which this file is put: it uses what every version has had since there is a bench.
Reads commands from standard input, a JSON object a line, and answers each with a line of JSON on standard output:
`{"fill": tickets}` first, then `{"run": operation, "clients": number, "seconds": seconds}`.
"""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django

TICK = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Prepare, and serve commands until standard input ends."""
    answers = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        django.setup()
        from django.core.management import call_command  # noqa: PLC0415 - Django is set up only now

        from bench.fill import fill  # noqa: PLC0415
        from launcher.family import Family  # noqa: PLC0415

        call_command("migrate", verbosity=0, interactive=False)
        call_command("load_reference")
        call_command("load_demo")
        with Family() as family:
            port, web = serve(family)
            contest: Contest | None = None
            for line in sys.stdin:
                command = json.loads(line)
                if "fill" in command:
                    fill(command["fill"])
                    # The operations look for tickets that they can work on.
                    contest = contest or Contest(port, web)
                    answer: dict[str, object] = {"operations": list(contest.operations)}
                else:
                    assert contest is not None, "The first command is to fill."
                    answer = contest.run(command["run"], command["clients"], command["seconds"])
                print(json.dumps(answer), file=answers, flush=True)


def serve(family: Any) -> tuple[int, int]:
    """Start the web server; its port and its process."""
    from launcher.run import await_health, free_port, web_command  # noqa: PLC0415

    port = free_port(int(os.environ["LINLI_BENCH_PORT"]))
    log = Path(os.environ["LINLI_LOCAL_DIR"]) / f"web-{port}.log"
    child = family.start("web", web_command(port, 1), environment=os.environ | {"LINLI_DATABASE_POOL": "1"}, log=log)
    # There is no worker here, so it calls itself degraded.
    await_health(family, port, enough=("ok", "degraded"))
    return port, child.process.pid


class Contest:
    """The operations of this version, each with clients that keep their connection and their tickets from run to run."""

    def __init__(self, port: int, web: int):
        from bench.http import operations  # noqa: PLC0415

        self.port, self.web = port, web
        self.operations = operations(port)
        self.acts: dict[tuple[str, int], Callable[[Any], int]] = {}

    def run(self, operation: str, clients: int, seconds: float) -> dict[str, object]:
        """Repeat an operation: requests, statuses, latency (ms), and CPU milliseconds a request of web server and database."""
        from bench.load import run  # noqa: PLC0415

        for number in range(clients):
            if (operation, number) not in self.acts:
                self.acts[operation, number] = self.operations[operation](number)
        acts = [self.acts[operation, number] for number in range(clients)]
        before = self.spent()
        tally = run(self.port, acts, seconds)
        web, database = (after - earlier for after, earlier in zip(self.spent(), before, strict=True))
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

    def spent(self) -> tuple[float, float]:
        """CPU seconds that the web server's processes and this database's sessions have used so far, by the kernel's accounts."""
        from django.db import connection  # noqa: PLC0415

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            sessions = [pid for (pid,) in cursor.fetchall()]
        return sum(map(cpu_seconds, tree(self.web))), sum(map(cpu_seconds, sessions))


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
