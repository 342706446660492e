"""A server of somebody else's on the loopback: it keeps what it is sent, and answers as it is told to."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.fakes.listening import LoopbackServer, Quiet, listening


@dataclass(frozen=True)
class Request:
    """What came in; names of headers are lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        """The key that travels."""
        return self.headers["idempotency-key"]


@dataclass(frozen=True)
class Reply:
    """What goes out: a whole answer, or `raw` bytes in its place.

    `drip` then sends one byte after the other without end, `hang` nothing, both until the server is over; `close` hangs up.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    drip: bool = False
    hang: bool = False
    close: bool = False


class Receiver(LoopbackServer):
    """The server. `reply` answers; `seen` are the requests that came; `over` is set when it ends."""

    def __init__(self, reply: Callable[[Request], Reply] = lambda request: Reply(), port: int = 0) -> None:
        super().__init__(port, Answer)
        self.reply = reply
        self.seen: list[Request] = []
        self.came = threading.Condition()
        self.over = threading.Event()

    @property
    def keys(self) -> list[str]:
        """The keys of what came, in its order."""
        return [one.key for one in self.seen]

    def await_requests(self, number: int) -> None:
        """Wait until so many have come."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.seen) >= number, timeout=20)


class Answer(Quiet, BaseHTTPRequestHandler):
    """One connection, which is kept open."""

    server: Receiver
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Keep what came, and answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        with self.server.came:
            self.server.seen.append(request)
            self.server.came.notify_all()
        # A caller that has lost patience is gone, and that is meant.
        with suppress(OSError):
            self.say(self.server.reply(request))

    def say(self, reply: Reply) -> None:
        """Send an answer, or what is left of one."""
        if reply.hang:
            self.server.over.wait()
        elif reply.raw is None and not reply.close:
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)
        else:
            self.wfile.write(reply.raw or b"")
            while reply.drip and not self.server.over.wait(0.02):
                self.wfile.write(b"x")
        self.close_connection = self.close_connection or reply.close or reply.raw is not None


@contextmanager
def receiving(reply: Callable[[Request], Reply] = lambda request: Reply()) -> Iterator[Receiver]:
    """A receiver that listens until the block ends."""
    server = Receiver(reply)
    with listening(server, server.over.set):
        yield server
