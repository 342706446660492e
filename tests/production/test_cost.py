"""No request of a megabyte or less costs more than a second of processor time, over web and PostgreSQL together.

Every route and method of the API's own description is asked with what a hostile client can think of. Decoding photos has a limit of
its own (docs/operations.md), and is not looked at here.
"""

import contextlib
import http.client
import json
import os
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from tests.production.conftest import DATABASE, HOST, Production, server_url

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads processor times in /proc")
MEGABYTE = 1024 * 1024
SMALL = 60_000
"""Bytes that every route takes."""
READS_FORMS = {"/console/signin/", "/api/v1/photos", "/unsubscribe/x"}
MOST = 1.0
TICK = os.sysconf("SC_CLK_TCK")

_MANY = {
    "many parameters": "&".join(f"p{number}=1" for number in range(6000)),
    "one parameter often": "&".join(["q=a"] * 9000),
    "a long search": "q=" + quote("楼" * 5000),
    "wildcards": "q=" + quote("%_" * 40 + "\\" * 20),
    "one letter": "q=a&scope=street&status=all&limit=100",
    "a long cursor": "cursor=" + "A" * 50_000,
    "a long number": "limit=" + "9" * 50_000 + "&seq=" + "9" * 4000,
    "percent signs": "q=" + "%ff%00" * 8000,
}
_HEADERS = {
    "many media types": {"Accept": ",".join(["a/b;q=0.1"] * 5000)},
    "many languages": {"Accept-Language": ",".join(["en-x;q=0.1"] * 5000)},
    "many cookies": {"Cookie": "; ".join(f"c{number}=x" for number in range(5000))},
    "a long token": {"Authorization": "Bearer " + "x" * 50_000},
    "many entries": {"X-Forwarded-For": ",".join(["192.0.2.1"] * 5000)},
    "a long tag": {"If-Match": '"' + "9" * 50_000 + '"', "Idempotency-Key": "k" * 50_000},
}
_MULTIPART = {"Content-Type": "multipart/form-data; boundary=x"}


def filled(start: bytes, item: bytes, end: bytes, size: int = MEGABYTE) -> bytes:
    """As many items as fit into `size` bytes."""
    return start + item * ((size - len(start) - len(end)) // len(item)) + end


def bodies() -> dict[str, tuple[bytes, dict[str, str]]]:
    """Bodies and what they are said to be: as large as a route takes, and a megabyte."""
    as_json = {"Content-Type": "application/json"}
    found: dict[str, tuple[bytes, dict[str, str]]] = {}
    for size in (SMALL, MEGABYTE):
        found |= {
            f"a list of {size}": (filled(b'{"photos":[', b'"a",', b'"a"]}', size), as_json),
            f"unknown fields {size}": (
                b"{" + b",".join(b'"%x":0' % number for number in range(size // 9)) + b'"z":0}',
                as_json,
            ),
            f"controls {size}": (filled(b'{"text":[', b'"\\u0000",', b"0]}", size), as_json),
            f"nested lists {size}": (b'{"text":' + b"[" * (size // 2 - 9) + b"]" * (size // 2 - 9) + b"}", as_json),
            f"nested objects {size}": (filled(b'{"a":1,"b":', b'{"a":', b"", size), as_json),
            f"a long word {size}": (filled(b'{"text":"', "楼".encode(), b'"}', size), as_json),
            f"a long number {size}": (filled(b'{"text":', b"9", b"}", size), as_json),
            f"small lists {size}": (filled(b'{"photos":[', b"[],", b"[]]}", size), as_json),
        }
    return found | {
        "many parts": (
            filled(b"", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n', b"--x--\r\n"),
            _MULTIPART,
        ),
        "many files": (
            filled(b"", b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n1\r\n', b"--x--\r\n"),
            _MULTIPART,
        ),
        "no boundary": (b"-" * (MEGABYTE - 1), _MULTIPART),
        "nearly boundaries": (filled(b"", b"\r\n--y", b"--x--\r\n"), _MULTIPART),
        "base64 of nothing": (
            filled(
                b'--x\r\nContent-Disposition: form-data; name="file"; filename="b"\r\nContent-Transfer-Encoding: base64\r\n\r\n',
                b" \n",
                b"\r\n--x--\r\n",
            ),
            _MULTIPART,
        ),
        "a long part's head": (
            filled(b"--x\r\nContent-Disposition: form-data; ", b"a=b; ", b"\r\n\r\n--x--"),
            _MULTIPART,
        ),
        "a form": (filled(b"", b"a=%ff&", b"b=1"), {"Content-Type": "application/x-www-form-urlencoded"}),
        "a long form": (
            filled(b"username=1&password=", b"%41", b""),
            {"Content-Type": "application/x-www-form-urlencoded"},
        ),
    }


class Meter:
    """The processor time of web and of the tests' PostgreSQL, each with its children."""

    def __init__(self, server: Production) -> None:
        with psycopg.connect(server_url(DATABASE)) as connection:
            (backend,) = connection.execute("SELECT pg_backend_pid()").fetchone()  # type: ignore[misc]
            postmaster = self._fields(backend)[1]
        self.parents = [str(server.processes["web"].pid), postmaster]

    def _fields(self, pid: int | str) -> list[str]:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()

    def seconds(self) -> float:
        """Seconds that they have used so far, children that have ended among them."""
        ticks = 0
        for parent in self.parents:
            ticks += sum(int(field) for field in self._fields(parent)[11:15])
            for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    ticks += sum(int(field) for field in self._fields(child)[11:15])
        return ticks / TICK


def operations(server: Production, ticket: str) -> Iterator[tuple[str, str]]:
    """Method and address of every operation that the API describes, and of the pages beside it."""
    document = json.loads(server.ask("/api/schema/?format=json")[2])
    for path, methods in document["paths"].items():
        named = path.replace("{ticket_id}", ticket)
        address = "".join(
            part if number % 2 == 0 else "0198c0de-0000-7000-8000-000000000000"
            for number, part in enumerate(named.replace("{", "}").split("}"))
        )
        for method in methods:
            if method in {"get", "post", "patch", "put", "delete"}:
                yield method.upper(), address
    for path in ("/console/signin/", "/unsubscribe/x", "/healthz", "/api/schema/", "/nothing"):
        yield "GET", path
    yield "POST", "/console/signin/"
    yield "POST", "/unsubscribe/x"


@pytest.fixture(scope="module")
def asked(production: Production) -> Callable[..., tuple[int, float]]:
    """Ask web; the status and the seconds that it cost. Each anonymous request comes from another address."""
    meter, numbers = Meter(production), count()

    def ask(method: str, address: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, float]:
        number = next(numbers)
        given = {
            "Host": HOST,
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
        }
        before = meter.seconds()
        connection = http.client.HTTPConnection("127.0.0.1", production.port, timeout=60)
        try:
            connection.request(method, address, body, given | headers)
            answer = connection.getresponse()
            status = answer.status
            assert len(answer.read()) < 2 * MEGABYTE
        except (ConnectionError, http.client.HTTPException):
            # The server has had enough of it.
            status = 0
        finally:
            connection.close()
        return status, meter.seconds() - before

    return ask


def test_no_request_of_a_megabyte_costs_more_than_a_second(healthy, asked):
    ticket = healthy.file("请人看一下。")["id"]
    dear, broken, statuses = [], [], set()
    signed_in = [{}, healthy.signed_in(), {"Authorization": f"Bearer {healthy.officer}"}]
    several, spent = bodies(), 0.0
    for position, (method, address) in enumerate(operations(healthy, ticket)):
        tried: dict[str, tuple[str, bytes | None, dict[str, str]]] = {}
        if method == "GET":
            tried |= {name: (f"{address}?{query}", None, {}) for name, query in _MANY.items()}
            # What heads cost is the same on every route: two are enough.
            if position < 3:
                tried |= {name: (address, None, headers) for name, headers in _HEADERS.items()}
        else:
            # So is what a body costs that is refused by its size or by its kind.
            everywhere = {name for name in several if name.endswith(str(SMALL))} | {
                f"a list of {MEGABYTE}",
                "many parts",
            }
            names = several if address in READS_FORMS or position % 10 == 0 else everywhere
            tried |= {name: (address, *several[name]) for name in names}
        for turn, (name, (where, body, headers)) in enumerate(tried.items()):
            who = signed_in[2] if method == "GET" else signed_in[(position + turn) % 3]
            if method == "DELETE" and "/auth/" in address:
                # It would end the sign-in that the others need.
                who = {}
            status, seconds = asked(method, where, body, {"If-Match": '"1"', **who, **headers})
            statuses.add(status)
            spent += seconds
            if seconds > MOST:
                dear.append((round(seconds, 2), method, address, name, status))
            if status >= 500 and status != 503:
                broken.append((method, address, name, status))
    assert not dear
    assert not broken
    assert {200, 400, 413} <= statuses
    # The meter sees what it measures.
    assert spent > 1
