"""`make bench`: filing, listing and moving over HTTP, at 1, 8 and 32 clients, on few and on many stored tickets.

Starts its own PostgreSQL (durable, as in production), Valkey and web server, fills it, loads it from this process and prints a
table; the figures go to a JSON file as well. The load generator runs beside the server: on two cores they share them.
"""

import argparse
import json
import os
import secrets
from collections.abc import Callable, Iterable
from itertools import cycle
from typing import Any

from bench import turns
from bench.contestant import spent
from bench.ground import Ground, parser, prepared, refuse_named_database, write
from bench.load import Client, LoadTally, request, run
from launcher.run import await_health, free_port, web_command

SIZES = [1_000, 200_000]
CLIENTS = [1, 8, 32]
FILERS = 5000
PAGE = 25
MOVED = 80
"""Tickets that one client moves about."""


def main() -> None:
    """Measure and report."""
    asked = parser("make bench", __doc__)
    asked.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, help="numbers of stored tickets (default: 1000 200000)"
    )
    asked.add_argument(
        "--clients", type=int, nargs="+", default=CLIENTS, help="numbers of clients at once (default: 1 8 32)"
    )
    asked.add_argument("--seconds", type=float, default=8.0, help="length of each measurement (default: 8)")
    asked.add_argument("--only", nargs="+", help="only these operations, such as: file list-street move")
    asked.add_argument("--processes", type=int, default=2, help="processes of the web server (default: 2)")
    asked.add_argument("--against", metavar="REV", help="compare CPU time a request with a git revision, by turns")
    asked.add_argument(
        "--bare", action="store_true", help="and with the bare framework: three plain inserts, a plain page"
    )
    asked.add_argument(
        "--stale",
        action="store_true",
        help="with --against or --bare: also with PostgreSQL's statistics of the smallest size",
    )
    asked.add_argument("--rounds", type=int, default=5, help="turns of each version (default: 5)")
    options = asked.parse_args()
    refuse_named_database(asked)
    if options.against or options.bare:
        write(options.json, turns.race(options), seconds=options.seconds, against=options.against)
        return
    with prepared() as ground:
        rows = measure(ground, options)
    write(options.json, rows, seconds=options.seconds)


def measure(ground: Ground, options: argparse.Namespace) -> list[dict[str, object]]:
    """Measure every operation at every size with every number of clients."""
    from bench.fill import fill, stored  # noqa: PLC0415 - Django is set up only now

    port = free_port(8900)
    environment = os.environ | {"LINLI_DATABASE_POOL": "1"}
    log = ground.home.logs / "web.log"
    web = ground.family.start("web", web_command(port, options.processes), environment=environment, log=log).process.pid
    # There is no worker here, so it calls itself degraded.
    await_health(ground.family, port, enough=("ok", "degraded"))
    rows: list[dict[str, object]] = []
    print(
        f"{'stored':>8} {'operation':<14} {'clients':>7} {'per s':>8} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8}"
        f" {'web CPU':>8} {'db CPU':>8}  statuses"
    )
    for size in sorted(options.sizes):
        fill(size)
        for name, act in operations(port).items():
            if options.only and name not in options.only:
                continue
            run(port, [act(number) for number in range(2)], min(1.0, options.seconds))
            for clients in options.clients:
                acts = [act(number) for number in range(clients)]
                before, earlier = stored(), spent(web)
                tally = run(port, acts, options.seconds)
                cpu = [1000 * (now - then) / len(tally.seconds) for now, then in zip(spent(web), earlier, strict=True)]
                rows.append(row(size, name, clients, tally, *cpu) | {"before": before, "after": stored()})
    return rows


def row(size: int, name: str, clients: int, tally: LoadTally, web: float, database: float) -> dict[str, object]:
    """Print one line of the table, and answer with its figures; `web` and `database` are CPU milliseconds a request."""
    p50, p95, p99 = (tally.percentile(share) for share in (0.5, 0.95, 0.99))
    print(
        f"{size:>8} {name:<14} {clients:>7} {tally.rate:>8.1f} {p50:>8.1f} {p95:>8.1f} {p99:>8.1f}"
        f" {web:>8.2f} {database:>8.2f}  {tally.statuses}",
        flush=True,
    )
    return {
        "size": size,
        "operation": name,
        "clients": clients,
        "per_second": round(tally.rate, 1),
        "p50_ms": round(p50, 2),
        "p95_ms": round(p95, 2),
        "p99_ms": round(p99, 2),
        "web_ms": round(web, 3),
        "database_ms": round(database, 3),
        "statuses": {str(status): count for status, count in sorted(tally.statuses.items())},
    }


def operations(port: int) -> dict[str, Callable[[int], Callable[[Client], int]]]:
    """Each operation as a maker of acts: `operation(number)` is what client `number` repeats.

    Those that read come first, for those that write add to what is stored.
    """
    from community.authentication import token_hash  # noqa: PLC0415
    from community.demo import cast  # noqa: PLC0415
    from community.models import Compound, Organisation, Person, SignInToken  # noqa: PLC0415

    people = cast()

    def tokens(persons: Iterable[Person]) -> list[str]:
        """A live token of each."""
        made = {secrets.token_urlsafe(32): person for person in persons}
        SignInToken.objects.bulk_create(
            SignInToken(person=person, second_factor=True, token_hash=token_hash(text)) for text, person in made.items()
        )
        return list(made)

    compounds = [str(one) for one in Compound.objects.order_by("id").values_list("id", flat=True)]
    # So many that none of them meets the limit on filing, which is thirty an hour.
    filers = Person.objects.bulk_create(
        [Person(phone=f"197{secrets.randbelow(10**8):08}", name="测试居民") for _ in range(FILERS)],
        ignore_conflicts=True,
    )
    residents = tokens(Person.objects.filter(phone__in=[one.phone for one in filers]))
    small_office, member, small_rows = smallest()
    street, largest, smallest_token = tokens([people["street_lead"], people["dispatcher"], member])
    holder = str(Organisation.objects.get(name="天岳恒学院路14号院项目部").pk)
    home = str(Compound.objects.get(name="学院路14号院").pk)

    # One after the other, whoever files: nobody files more than the limit lets them.
    filing = cycle(residents)

    def fresh(count: int) -> list[str]:
        """The ids of `count` tickets that were just dispatched to the largest project office."""
        made, client = [], Client(port)
        for _ in range(count):
            body = json.dumps(
                {"category": "CL03", "compound": home, "text": "楼前垃圾桶满了两天，请尽快处理。"}
            ).encode()
            status, _, answer = client.ask(request("POST", "/api/v1/tickets", next(filing), body))
            assert status == 201, answer
            made.append(json.loads(answer)["id"])
        return made

    def reading(path: str, by: str, rows: int | None = None) -> Callable[[int], Callable[[Client], int]]:
        """Reads `path`, which answers with that many rows where it is a page."""
        asked = request("GET", path, by)

        def make(number: int) -> Callable[[Client], int]:
            status, _, body = Client(port).ask(asked)
            assert status == 200, body
            assert rows is None or len(json.loads(body)["results"]) == rows, body
            return lambda client: client.ask(asked)[0]

        return make

    def file(number: int) -> Callable[[Client], int]:
        codes = cycle(["CL03", "RP04", "PK01", "EL02", "GR02"])

        def act(client: Client) -> int:
            report = {
                "category": next(codes),
                "compound": secrets.choice(compounds),
                "text": "楼前垃圾桶满了两天，请尽快处理。",
            }
            body = json.dumps(report).encode()
            return client.ask(
                request("POST", "/api/v1/tickets", next(filing), body, Idempotency_Key=secrets.token_hex(16))
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
        "list-street": reading("/api/v1/tickets?scope=street", street, PAGE),
        "list-queue": reading("/api/v1/queue", largest, PAGE),
        "list-small": reading(f"/api/v1/queue?organisation={small_office}", smallest_token, min(small_rows, PAGE)),
        "search": reading("/api/v1/tickets?scope=street&q=%E7%94%B5%E6%A2%AF", street),
        "search-rare": reading("/api/v1/tickets?scope=street&q=%E6%B2%A1%E6%9C%89%E8%BF%99%E6%A0%B7", street, 0),
        "list-filtered": reading("/api/v1/tickets?scope=street&group=EL&level=0&sort=next_due_at", street),
        "counts": reading("/api/v1/tickets/counts?scope=street&by=state,level", street),
        "read": reading(f"/api/v1/tickets/{fresh(1)[0]}", street),
        "move": move,
        "file": file,
    }


def smallest() -> tuple[str, Any, int]:
    """The organisation with the fewest open assignments, a member of it, and how many they are."""
    from django.db.models import Count  # noqa: PLC0415

    from community.models import Membership  # noqa: PLC0415
    from tickets.models import Assignment  # noqa: PLC0415

    members = Membership.objects.filter(ends_on=None, person__is_active=True)
    counted = Assignment.objects.open().filter(organisation__in=members.values("organisation"))
    office, rows = counted.values_list("organisation").annotate(rows=Count("id")).order_by("rows", "organisation")[0]
    member = members.filter(organisation=office).select_related("person").order_by("id")[0]
    return str(office), member.person, rows


if __name__ == "__main__":
    main()
