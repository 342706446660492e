"""`make bench`: filing, listing and moving over HTTP, at 1, 8 and 32 clients, on few and on many stored tickets.

Starts its own PostgreSQL (durable, as in production), Valkey and web server, fills it, loads it from this process and prints a
table; the figures go to a JSON file as well. The load generator runs beside the server: on two cores they share them.
"""

import argparse
import contextlib
import json
import os
import platform
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

import django

from bench.load import Client, Tally, request, run
from launcher import home as homes
from launcher.family import PROJECT, Family
from launcher.run import await_health, free_port, server_urls

SIZES = [1_000, 200_000]
CLIENTS = [1, 8, 32]
FILERS = 5000
MOVED = 80
"""Tickets that one client moves about."""


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, help="numbers of stored tickets (default: 1000 200000)"
    )
    parser.add_argument(
        "--clients", type=int, nargs="+", default=CLIENTS, help="numbers of clients at once (default: 1 8 32)"
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="length of each measurement (default: 8)")
    parser.add_argument("--only", nargs="+", help="only these operations, such as: file list-street move")
    parser.add_argument("--json", type=Path, default=PROJECT / ".local" / "bench.json", help="where the figures go")
    parser.add_argument("--processes", type=int, default=2, help="processes of the web server (default: 2)")
    options = parser.parse_args()
    if os.environ.get("DATABASE_URL"):
        parser.exit(
            1,
            "make bench fills a database with hundreds of thousands of tickets and people of its own making, and does so only\n"
            "in one that it starts and throws away. Unset DATABASE_URL.\n",
        )
    parent = homes.default() / "bench"
    parent.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(dir=parent))
    directory.chmod(0o755)
    try:
        with homes.open_home(directory) as home, Family() as family, server_urls(home, family) as urls:
            os.environ |= urls | {"LINLI_LOCAL_DIR": str(directory), "LINLI_ENV": "development"}
            os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
            django.setup()
            rows = measure(home, family, options)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    report = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "seconds": options.seconds,
        "rows": rows,
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=1) + "\n")
    print(f"\nWritten to {options.json}")


def measure(home: homes.Home, family: Family, options: argparse.Namespace) -> list[dict[str, object]]:
    """Measure every operation at every size with every number of clients."""
    from django.core.management import call_command  # noqa: PLC0415 - Django is set up only now

    from bench.fill import fill  # noqa: PLC0415

    with contextlib.redirect_stdout(sys.stderr):
        call_command("migrate", verbosity=0, interactive=False)
        call_command("load_demo")
        call_command("load_reference")
    port = free_port(8900)
    web = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    web += ["--workers", str(options.processes), "--blocking-threads", "2", "--no-ws", "config.wsgi:application"]
    family.start("web", web, environment=os.environ | {"LINLI_DATABASE_POOL": "1"}, log=home.logs / "web.log")
    rows: list[dict[str, object]] = []
    print(
        f"{'stored':>8} {'operation':<14} {'clients':>7} {'per s':>8} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8}  statuses"
    )
    for size in sorted(options.sizes):
        fill(size)
        await_health_quietly(family, port)
        acts = operations(port)
        for name, act in acts.items():
            if options.only and name not in options.only:
                continue
            run(port, [act(number) for number in range(2)], 1.0)
            for clients in options.clients:
                tally = run(port, [act(number) for number in range(clients)], options.seconds)
                rows.append(row(size, name, clients, tally))
    return rows


def row(size: int, name: str, clients: int, tally: Tally) -> dict[str, object]:
    """Print one line of the table, and answer with its figures."""
    p50, p95, p99 = (tally.percentile(share) for share in (0.5, 0.95, 0.99))
    print(
        f"{size:>8} {name:<14} {clients:>7} {tally.rate:>8.1f} {p50:>8.1f} {p95:>8.1f} {p99:>8.1f}  {tally.statuses}",
        flush=True,
    )
    return {
        "stored": size,
        "operation": name,
        "clients": clients,
        "per_second": round(tally.rate, 1),
        "p50_ms": round(p50, 2),
        "p95_ms": round(p95, 2),
        "p99_ms": round(p99, 2),
        "statuses": {str(status): count for status, count in sorted(tally.statuses.items())},
    }


def await_health_quietly(family: Family, port: int) -> None:
    """Wait until the web server answers; there is no worker here, so it will call itself degraded."""
    from launcher import run as launcher_run  # noqa: PLC0415

    patience, launcher_run.PATIENCE = launcher_run.PATIENCE, 6.0
    try:
        await_health(family, port)
    finally:
        launcher_run.PATIENCE = patience


def operations(port: int) -> dict[str, Callable[[int], Callable[[Client], int]]]:
    """Each operation as a maker of acts: `operation(number)` is what client `number` repeats."""
    from community.authentication import token_hash  # noqa: PLC0415
    from community.demo import cast  # noqa: PLC0415
    from community.models import Compound, Organisation, Person, SignInToken  # noqa: PLC0415

    people = cast()

    def token(person: Person) -> str:
        text = secrets.token_urlsafe(32)
        SignInToken.objects.create(person=person, token_hash=token_hash(text))
        return text

    compounds = [str(one) for one in Compound.objects.order_by("id").values_list("id", flat=True)]
    # So many that none of them meets the limit on filing, which is thirty an hour.
    filers = Person.objects.bulk_create(
        [Person(phone=f"197{secrets.randbelow(10**8):08}", name="测试居民") for _ in range(FILERS)],
        ignore_conflicts=True,
    )
    residents = [token(person) for person in Person.objects.filter(phone__in=[one.phone for one in filers])]
    street = token(people["street_lead"])
    largest = token(people["dispatcher"])
    smallest = token(people["lift_dispatcher"])
    holder = str(Organisation.objects.get(name="天岳恒学院路14号院项目部").pk)
    home = str(Compound.objects.get(name="学院路14号院").pk)

    def fresh(count: int) -> list[str]:
        """The ids of `count` tickets that were just dispatched to the largest project office."""
        made, client = [], Client(port)
        for number in range(count):
            body = json.dumps(
                {"category": "CL03", "compound": home, "text": "楼前垃圾桶满了两天，请尽快处理。"}
            ).encode()
            status, _, answer = client.ask(request("POST", "/api/v1/tickets", residents[number % len(residents)], body))
            assert status == 201, answer
            made.append(json.loads(answer)["id"])
        return made

    def reading(path: str, by: str) -> Callable[[int], Callable[[Client], int]]:
        asked = request("GET", path, by)
        return lambda number: lambda client: client.ask(asked)[0]

    def file(number: int) -> Callable[[Client], int]:
        codes = cycle(["CL03", "RP04", "PK01", "EL02", "GR02"])
        reporters = cycle(residents[number % len(residents) :] + residents[: number % len(residents)])

        def act(client: Client) -> int:
            report = {
                "category": next(codes),
                "compound": secrets.choice(compounds),
                "text": "楼前垃圾桶满了两天，请尽快处理。",
            }
            body = json.dumps(report).encode()
            return client.ask(
                request("POST", "/api/v1/tickets", next(reporters), body, Idempotency_Key=secrets.token_hex(16))
            )[0]

        return act

    dispatch = json.dumps({"holder": holder}).encode()
    coordinate = json.dumps({"reason": "需要物管会协调。"}).encode()

    def move(number: int) -> Callable[[Client], int]:
        # Tickets of one's own, so many that each makes only some of the moves.
        standing = dict.fromkeys(fresh(MOVED), ("dispatched", 1))
        mine = cycle(standing)

        def act(client: Client) -> int:
            ticket = next(mine)
            state, version = standing[ticket]
            name, body = ("dispatch", dispatch) if state == "coordinating" else ("coordinate", coordinate)
            path = f"/api/v1/tickets/{ticket}/moves/{name}"
            asked = request("POST", path, street, body, If_Match=f'"{version}"', Idempotency_Key=secrets.token_hex(16))
            status, head, _ = client.ask(asked)
            if status == 200:
                version = int(head.split(b'etag: "', 1)[1].split(b'"', 1)[0])
                standing[ticket] = ("coordinating" if name == "coordinate" else "dispatched", version)
            return status

        return act

    return {
        "file": file,
        "list-street": reading("/api/v1/tickets?scope=street", street),
        "list-queue": reading("/api/v1/queue", largest),
        "list-small": reading("/api/v1/queue", smallest),
        "search": reading("/api/v1/tickets?scope=street&q=%E7%94%B5%E6%A2%AF", street),
        "read": reading(f"/api/v1/tickets/{fresh(1)[0]}", street),
        "move": move,
    }


if __name__ == "__main__":
    main()
