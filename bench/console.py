"""`make bench-console`: the pages of the console on many stored tickets, over HTTP, as the people whom they are for.

Starts PostgreSQL (durable, as in production), Valkey and the web server on a database that it fills once and keeps for some hours. First
each page: milliseconds on the clock, CPU of web and of PostgreSQL a request, statements, and bytes. Then polls that find nothing new.
Then 50 people who look at their lists while tickets are filed, with worker, sweeper and postman. Prints tables and writes JSON.

CPU is from the kernel's accounts (`/proc/PID/task/*/schedstat`), and means the same on a busy machine; time on the clock does not. Only on
Linux.
"""

import argparse
import gzip
import os
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import rest
from bench.contestant import TICK, tree
from bench.ground import Ground, kept, parser, refuse_named_database, write
from bench.load import Client, LoadTally
from launcher.family import Child
from launcher.run import await_health, background_command, free_port, web_command

LINKED = re.compile(rb'(?:src|href|data-icons)="(/static/[^"#]+)')


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """A page: its name in the report, who reads it, its address, and what its poll is sent with; empty for pages that do not poll."""

    name: str
    who: str
    address: str
    polls: str = ""


PAGES = (
    ConsolePage("queue", "dispatcher", "/console/queue", "section#list"),
    ConsolePage("queue, all", "dispatcher", "/console/queue?tab=all"),
    ConsolePage("queue, searched", "dispatcher", "/console/queue?tab=all&q=电梯"),
    ConsolePage("queue, narrowed", "dispatcher", "/console/queue?tab=work&group=EL"),
    ConsolePage("queue, late", "dispatcher", "/console/queue?tab=all&late=1"),
    ConsolePage("queue of a small office", "other_dispatcher", "/console/queue", "section#list"),
    ConsolePage("queue of a worker", "worker", "/console/queue?worker=me"),
    ConsolePage("panel", "dispatcher", "/console/t/{company}"),
    ConsolePage("ticket", "dispatcher", "/console/t/{company}"),
    ConsolePage("ticket, street", "desk_officer", "/console/t/{street}"),
    ConsolePage("related", "desk_officer", "/console/t/{street}/related"),
    ConsolePage("messages", "desk_officer", "/console/t/{street}/messages"),
    ConsolePage("looking", "dispatcher", "/console/t/{company}/looking"),
    ConsolePage("move", "dispatcher", "/console/t/{company}/return"),
    ConsolePage("desk", "chair", "/console/desk", "section#list"),
    ConsolePage("desk, open", "chair", "/console/desk?tab=open"),
    ConsolePage("desk, late", "chair", "/console/desk?tab=late"),
    ConsolePage("desk, searched", "chair", "/console/desk?tab=open&q=电梯"),
    ConsolePage("desk, companies", "chair", "/console/desk/companies", "section#companies"),
    ConsolePage("wall", "street_lead", "/console/wall", "section#list"),
    ConsolePage("wall of a section", "desk_officer", "/console/wall", "section#list"),
    ConsolePage("wall of a committee", "chair", "/console/wall", "section#list"),
    ConsolePage("wall of a residents' committee", "residents_committee_worker", "/console/wall", "section#list"),
    ConsolePage("tickets", "street_lead", "/console/tickets", "section#list"),
    ConsolePage("tickets of a section", "desk_officer", "/console/tickets", "section#list"),
    ConsolePage("tickets, late", "desk_officer", "/console/tickets?list=open&due=late"),
    ConsolePage("tickets, overdue", "desk_officer", "/console/tickets?list=overdue"),
    ConsolePage("tickets, at risk", "desk_officer", "/console/tickets?list=at_risk"),
    ConsolePage("tickets, coordinating", "desk_officer", "/console/tickets?list=coordinating"),
    ConsolePage("tickets, patrol", "desk_officer", "/console/tickets?list=inspected"),
    ConsolePage("tickets, ended", "desk_officer", "/console/tickets?list=ended"),
    ConsolePage("tickets, supervised", "desk_officer", "/console/tickets?supervised=true"),
    ConsolePage("tickets, narrowed", "desk_officer", "/console/tickets?group=EL&level=2&state=in_progress"),
    ConsolePage("tickets, searched", "desk_officer", "/console/tickets?q=电梯"),
    ConsolePage("tickets, searched in vain", "desk_officer", "/console/tickets?q=没有这样"),
    ConsolePage("tickets, ended and searched", "desk_officer", "/console/tickets?list=ended&q=电梯"),
    ConsolePage("tickets of a committee", "chair", "/console/tickets"),
    ConsolePage("reviews", "desk_officer", "/console/reviews"),
    ConsolePage("account", "desk_officer", "/console/account"),
    ConsolePage("callbacks", "desk_officer", "/console/callbacks"),
    ConsolePage("intake", "desk_officer", "/console/intake"),
    ConsolePage("health", "desk_officer", "/console/health"),
    ConsolePage("round", "worker", "/console/round"),
    ConsolePage("duty", "dispatcher", "/console/duty"),
    ConsolePage("exports", "street_lead", "/console/exports?of=street"),
    ConsolePage("homes", "street_lead", "/console/homes"),
    ConsolePage("displays", "street_lead", "/console/displays"),
    ConsolePage("display", "", "/console/display", "section#list"),
    ConsolePage("counts of a company", "dispatcher", "/console/counts"),
    ConsolePage("counts of a street", "street_lead", "/console/counts"),
    ConsolePage("counts of a section", "desk_officer", "/console/counts"),
    ConsolePage("counts of a committee", "chair", "/console/counts"),
    ConsolePage("sign-in", "", "/console/signin/"),
)
PANEL = {"HX-Request": "true", "HX-Target": "aside#panel"}
BY_HTMX = frozenset({"panel", "related", "messages", "looking", "move"})
"""What a page that is open asks for, rather than a page of its own."""


def main() -> None:
    """Measure and report."""
    asked = parser("make bench-console", __doc__)
    asked.add_argument("--size", type=int, default=200_000, help="number of stored tickets (default: 200000)")
    asked.add_argument("--requests", type=int, default=40, help="requests of each page (default: 40)")
    asked.add_argument("--polls", type=int, default=300, help="polls of each list (default: 300)")
    asked.add_argument("--people", type=int, default=50, help="people who look in the end (default: 50)")
    asked.add_argument("--every", type=float, default=20.0, help="seconds between their polls (default: 20)")
    asked.add_argument("--filings", type=float, default=5.0, help="filings a second in the end (default: 5)")
    asked.add_argument("--seconds", type=float, default=60.0, help="how long they look (default: 60)")
    asked.add_argument("--only", nargs="+", help="only pages whose name holds one of these words; `none` for none")
    asked.add_argument("--parts", nargs="+", default=["pages", "polls", "mixed"], choices=["pages", "polls", "mixed"])
    options = asked.parse_args()
    refuse_named_database(asked)
    with kept(f"console-{options.size}") as ground:
        report = measured(ground, options)
    rows: list[dict[str, object]] = report.pop("pages")
    write(options.json, rows, **report)


def measured(ground: Ground, options: argparse.Namespace) -> dict[str, Any]:
    """Measure what is asked for."""
    from bench.fill import bring_to_desks, fill, stored  # noqa: PLC0415 - Django is set up only now

    if stored()["stored"] < options.size:
        fill(options.size)
        bring_to_desks()
    site = ConsoleServer.start(ground)
    pages = [one for one in PAGES if not options.only or any(word in one.name for word in options.only)]
    report: dict[str, Any] = {"stored": stored(), "pages": []}
    if "pages" in options.parts:
        print(
            f"{'page':<34} {'first ms':>8} {'p50 ms':>8} {'p95 ms':>8} {'web':>7} {'db':>7} {'SQL':>4} {'page KB':>8} {'all KB':>7}"
        )
        report["pages"] = [_page(site, one, options.requests) for one in pages]
    if "polls" in options.parts:
        print(f"\n{'idle poll':<34} {'p50 ms':>8} {'p95 ms':>8} {'web':>7} {'db':>7} {'SQL':>4}  statuses")
        report["polls"] = [_poll(site, one, options.polls) for one in pages if one.polls]
    if "mixed" in options.parts:
        report["mixed"] = _mixed(site, ground, options)
    return report


@dataclass
class ConsoleServer:
    """The web server, what its processes have used so far, and who is signed in."""

    port: int
    web: Child
    postgres: Child
    codes: Mapping[str, str]
    sessions: dict[str, str] = field(default_factory=dict)
    display: str = ""
    files: dict[str, int] = field(default_factory=dict)

    @classmethod
    def start(cls, ground: Ground) -> "ConsoleServer":
        """Start the web server, and look for tickets to read."""
        from community.demo import cast  # noqa: PLC0415
        from community.models import Organisation  # noqa: PLC0415
        from console.models import DisplayKey  # noqa: PLC0415
        from tickets.codes import new_code  # noqa: PLC0415
        from tickets.models import Ticket  # noqa: PLC0415

        port = free_port(8900)
        environment = os.environ | {"LINLI_DATABASE_POOL": "1"}
        web = ground.family.start("web", web_command(port), environment=environment, log=ground.home.logs / "web.log")
        await_health(ground.family, port, enough=("ok", "degraded"))
        postgres = next(one for one in ground.family.children if one.name == "PostgreSQL")
        people = cast()
        office = Organisation.objects.get(name="天岳恒学院路14号院项目部")
        held = Ticket.objects.open().filter(state="in_progress")
        chosen = {"company": held.filter(holder=office), "street": held.exclude(holder=office)}
        # Filled tickets have numbers that nobody could spell.
        codes = {name: new_code() for name in chosen}
        for name, rows in chosen.items():
            Ticket.objects.filter(pk=rows.order_by("pk").values_list("pk")[:1]).update(code=codes[name])
        sessions = {name: session_of(people[name]) for name in {one.who for one in PAGES} if name}
        _, code = DisplayKey.make(Organisation.objects.get(code="office").pk, "大厅", people["street_lead"])
        return cls(port, web, postgres, codes, sessions, DisplayKey.exchange(code) or "")

    def asked(self, page: ConsolePage, **headers: str) -> bytes:
        """The request for a page."""
        cookie = f"sessionid={self.sessions[page.who]}" if page.who else f"display={self.display}"
        return get(self.address(page), cookie, **(PANEL if page.name in BY_HTMX else {}), **headers)

    def address(self, page: ConsolePage) -> str:
        """The address of a page."""
        return page.address.format(**self.codes)

    def spent(self) -> tuple[float, float]:
        """Milliseconds of CPU of the web server's processes, and of the sessions of PostgreSQL with their helpers, so far."""
        from django.db import connection  # noqa: PLC0415

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
            sessions = [pid for (pid,) in cursor.fetchall()]
        web = sum(rest.spent(one) for one in tree(self.web.process.pid))
        ended = Path(f"/proc/{self.postgres.process.pid}/stat").read_text().rpartition(")")[2].split()
        # Helpers of parallel plans come and go.
        helpers = 1000 * (int(ended[13]) + int(ended[14])) / TICK
        return web, helpers + sum(rest.spent(one) for one in sessions)

    def statements(self, page: ConsolePage, **headers: str) -> int:
        """How many statements a page takes that has been read before, counted in this process."""
        from django.db import connection  # noqa: PLC0415
        from django.test import Client as Browser  # noqa: PLC0415
        from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

        browser = Browser(SERVER_NAME="127.0.0.1", headers=headers | (PANEL if page.name in BY_HTMX else {}))
        browser.cookies["sessionid" if page.who else "display"] = self.sessions.get(page.who, self.display)
        browser.get(self.address(page))
        with CaptureQueriesContext(connection) as made:
            browser.get(self.address(page))
        return len(made)

    def first_load(self, body: bytes) -> int:
        """The bytes that a page and the files that it links take, packed: of a browser that knows nothing yet."""
        for path in {one.decode() for one in LINKED.findall(body)} - set(self.files):
            _, head, content = Client(self.port).ask(get(path, "", accept="gzip"))
            self.files[path] = len(content if b"content-encoding: gzip" in head else gzip.compress(content))
        return sum(self.files[one] for one in {one.decode() for one in LINKED.findall(body)})


def get(path: str, cookie: str, accept: str = "gzip", **headers: str) -> bytes:
    """The request for a path as bytes."""
    from django.utils.encoding import iri_to_uri  # noqa: PLC0415

    named = {"Host": "127.0.0.1", "Accept-Encoding": accept, "Accept-Language": "zh-CN", "Cookie": cookie, **headers}
    lines = [f"GET {iri_to_uri(path)} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items() if value)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def session_of(person: Any) -> str:
    """The key of a new session in which the person is signed in with a second factor."""
    from django.conf import settings  # noqa: PLC0415
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: PLC0415

    from community.credentials import record_second_factor  # noqa: PLC0415
    from community.sessions import SessionStore  # noqa: PLC0415

    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    (session[BACKEND_SESSION_KEY],) = settings.AUTHENTICATION_BACKENDS
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    record_second_factor(session, person)
    session.create()
    return str(session.session_key)


def _page(site: ConsoleServer, page: ConsolePage, requests: int) -> dict[str, object]:
    """Read a page again and again, one request after the other; its line of the report."""
    client, asked = Client(site.port), site.asked(page)
    began = time.perf_counter()
    status, head, body = client.ask(asked)
    first = 1000 * (time.perf_counter() - began)
    assert status == 200, f"{page.name} was answered with {status}: {head!r}"
    # Each of the two processes has read it then.
    for _ in range(4):
        client.ask(asked)
        Client(site.port).ask(asked)
    tally, before = LoadTally(), site.spent()
    for _ in range(requests):
        began = time.perf_counter()
        status, _, body = client.ask(asked)
        tally.seconds.append(time.perf_counter() - began)
        assert status == 200
    web, database = ((now - then) / requests for now, then in zip(site.spent(), before, strict=True))
    p50, p95, made = tally.percentile(0.5), tally.percentile(0.95), site.statements(page)
    plain = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    whole = len(body) + site.first_load(plain) if page.name not in BY_HTMX else 0
    print(
        f"{page.name:<34} {first:>8.1f} {p50:>8.1f} {p95:>8.1f} {web:>7.1f} {database:>7.1f} {made:>4}"
        f" {len(body) / 1000:>8.1f} {whole / 1000:>7.1f}",
        flush=True,
    )
    return {
        "page": page.name,
        "who": page.who,
        "address": page.address,
        "first_ms": round(first, 1),
        "p50_ms": round(p50, 1),
        "p95_ms": round(p95, 1),
        "web_ms": round(web, 2),
        "database_ms": round(database, 2),
        "statements": made,
        "page_bytes": len(body),
        "first_load_bytes": whole or None,
    }


def _poll(site: ConsoleServer, page: ConsolePage, polls: int) -> dict[str, object]:
    """Poll a list to which nothing happens; its line of the report."""
    client = Client(site.port)
    tag = tag_in(client.ask(site.asked(page, **polling(page)))[1])
    asked = site.asked(page, **polling(page), **{"HX-PTag": tag})
    statuses: dict[int, int] = {}
    # A list that changes with time alone is looked at anew once a minute, which is counted in its minute's polls.
    for _ in range(4):
        client.ask(asked)
        Client(site.port).ask(asked)
    tally, before = LoadTally(), site.spent()
    for _ in range(polls):
        began = time.perf_counter()
        status, head, _ = client.ask(asked)
        tally.seconds.append(time.perf_counter() - began)
        statuses[status] = statuses.get(status, 0) + 1
        if (told := tag_in(head)) != tag:
            tag = told
            asked = site.asked(page, **polling(page), **{"HX-PTag": tag})
    web, database = ((now - then) / polls for now, then in zip(site.spent(), before, strict=True))
    p50, p95 = tally.percentile(0.5), tally.percentile(0.95)
    made = site.statements(page, **polling(page), **{"HX-PTag": tag})
    print(f"{page.name:<34} {p50:>8.2f} {p95:>8.2f} {web:>7.2f} {database:>7.2f} {made:>4}  {statuses}", flush=True)
    return {
        "list": page.name,
        "p50_ms": round(p50, 2),
        "p95_ms": round(p95, 2),
        "web_ms": round(web, 3),
        "database_ms": round(database, 3),
        "statements": made,
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
    }


def polling(page: ConsolePage) -> dict[str, str]:
    """What htmx sends with a poll."""
    return {"HX-Request": "true", "HX-Target": page.polls}


def tag_in(head: bytes) -> str:
    """The tag that an answer tells."""
    found = re.search(rb"\r\nhx-ptag: ([^\r]+)", head)
    return found.group(1).decode() if found else ""


def _mixed(site: ConsoleServer, ground: Ground, options: argparse.Namespace) -> dict[str, object]:
    """Let people look while tickets are filed; what both took."""
    from bench.http import operations  # noqa: PLC0415

    ground.family.start(
        "background", background_command(ground.home), environment=os.environ, log=ground.home.logs / "background.log"
    )
    await_health(ground.family, site.port)
    filing = operations(site.port)["file"]
    lookers = [_looker(site, one) for one in _watching(options.people)]
    tallies = {name: LoadTally() for name in ("polls, nothing new", "polls, drawn anew", "counts", "filings")}
    lock, stop = threading.Lock(), threading.Event()

    def note(name: str, status: int, seconds: float) -> None:
        with lock:
            tallies[name].seconds.append(seconds)
            tallies[name].statuses[status] = tallies[name].statuses.get(status, 0) + 1

    def look(number: int, poll: Callable[[Callable[[str, int, float], None]], None]) -> None:
        stop.wait(options.every * number / len(lookers))
        while not stop.is_set():
            began = time.monotonic()
            poll(note)
            stop.wait(max(0.0, options.every - (time.monotonic() - began)))

    def file(number: int, several: int) -> None:
        act, client = filing(number), Client(site.port)
        stop.wait(number / options.filings)
        due = time.monotonic()
        while not stop.is_set():
            began = time.perf_counter()
            status = act(client)
            note("filings", status, time.perf_counter() - began)
            due += several / options.filings
            stop.wait(max(0.0, due - time.monotonic()))

    several = max(1, round(options.filings))
    threads = [threading.Thread(target=look, args=(number, one)) for number, one in enumerate(lookers)]
    threads += [threading.Thread(target=file, args=(number, several)) for number in range(several)]
    before, began = site.spent(), time.monotonic()
    for thread in threads:
        thread.start()
    stop.wait(options.seconds)
    stop.set()
    for thread in threads:
        thread.join()
    elapsed = time.monotonic() - began
    web, database = ((now - then) / elapsed / 10 for now, then in zip(site.spent(), before, strict=True))
    print(
        f"\n{'50 people look'.replace('50', str(options.people)):<34} {'number':>7} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8}  statuses"
    )
    found: dict[str, object] = {
        "seconds": round(elapsed, 1),
        "web_percent": round(web, 1),
        "database_percent": round(database, 1),
    }
    for name, tally in tallies.items():
        if tally.seconds:
            p50, p95, p99 = (tally.percentile(share) for share in (0.5, 0.95, 0.99))
            print(f"{name:<34} {len(tally.seconds):>7} {p50:>8.1f} {p95:>8.1f} {p99:>8.1f}  {tally.statuses}")
            found[name] = {
                "number": len(tally.seconds),
                "p50_ms": round(p50, 1),
                "p95_ms": round(p95, 1),
                "p99_ms": round(p99, 1),
                "statuses": {str(status): count for status, count in sorted(tally.statuses.items())},
            }
    print(f"CPU of web {web:.0f} %, of PostgreSQL {database:.0f} % of one core")
    return found


def _watching(people: int) -> Sequence[tuple[Any, str, str]]:
    """So many people with what they look at: three in five at the queue of their company, the others at what the street watches."""
    from community.models import Membership  # noqa: PLC0415
    from community.models.organisations import CONTRACTORS, STREET_KINDS  # noqa: PLC0415

    seats = Membership.objects.filter(ends_on=None, person__is_active=True).select_related("person", "organisation")
    by_kind = {
        kinds: [one.person for one in seats.order_by("organisation__code", "pk") if one.organisation.kind in kinds]
        for kinds in (CONTRACTORS, STREET_KINDS, frozenset({"pmc"}))
    }
    companies, street, committees = by_kind.values()
    found = [
        (companies[number % len(companies)], "/console/queue", "section#list") for number in range(people * 3 // 5)
    ]
    for number in range(people - len(found)):
        if number % 4 == 3:
            found.append((committees[number % len(committees)], "/console/desk", "section#list"))
        else:
            path = "/console/tickets" if number % 4 == 2 else "/console/wall"
            found.append((street[number % len(street)], path, "section#list"))
    return found


def _looker(site: ConsoleServer, who: tuple[Any, str, str]) -> Callable[[Callable[[str, int, float], None]], None]:
    """Somebody with an open page: the act polls it once, and asks for the navigation's counts where it was drawn anew, as the page does."""
    person, path, target = who
    cookie = f"sessionid={session_of(person)}"
    headers = {"HX-Request": "true", "HX-Target": target}
    tag = tag_in(Client(site.port).ask(get(path, cookie, **headers))[1])
    assert tag, f"{path} tells no tag"

    def poll(note: Callable[[str, int, float], None]) -> None:
        nonlocal tag
        # The server closes a connection that nobody used for ten seconds.
        client = Client(site.port)
        began = time.perf_counter()
        status, head, _ = client.ask(get(path, cookie, **headers, **{"HX-PTag": tag}))
        note("polls, nothing new" if status == 304 else "polls, drawn anew", status, time.perf_counter() - began)
        tag = tag_in(head) or tag
        if status == 200:
            began = time.perf_counter()
            status, _, _ = client.ask(get("/console/counts", cookie, **{"HX-Request": "true"}))
            note("counts", status, time.perf_counter() - began)

    return poll


if __name__ == "__main__":
    main()
