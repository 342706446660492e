"""Ending requests whose body stops arriving, so that their threads become free.

The web server gives a request a thread as soon as its head is there, and then waits for the body without a limit. In
production the proxy in front reads bodies to their end first (nginx/nginx.conf). Without a proxy, a watcher here ends
the client's connection, and the thread goes on.
"""

import contextlib
import logging
import math
import os
import socket
import stat
import struct
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import IO
from wsgiref.types import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

from web.problems import Problem, page
from web.words import bilingual

logger = logging.getLogger(__name__)

STALL = 5.0
"""Seconds in which some of the body has to arrive."""
LAST_WORD = 2.0
"""Seconds after which, the silent connections being ended, every connection of that address is."""
PART = 16 * 1024
"""Bytes that count as some: a client has to send three kilobytes a second."""
IN_MEMORY = 1024 * 1024
LARGEST = 16 * 1024 * 1024
"""Bytes of the largest body that any route takes; a request that announces more is refused by the route, and nothing is read."""

_TOO_SLOW = bilingual(
    "请求内容未能及时传完，请检查网络后重试。", "The body did not arrive in time; check the connection and try again."
)
# In Linux's struct tcp_info: milliseconds since data came last.
_LAST_DATA = struct.Struct("=52xI")


@dataclass(eq=False, slots=True)
class Reading:
    """A body that is being read: the client's address, our port, and since when nothing has arrived."""

    address: str
    port: str
    since: float


class Watcher:
    """Ends connections whose bodies stall. Its thread runs while there is something to watch."""

    def __init__(self) -> None:
        self.readings: set[Reading] = set()
        self.lock = threading.Lock()
        self.thread: threading.Thread | None = None

    @contextlib.contextmanager
    def watching(self, reading: Reading) -> Iterator[None]:
        """Watch one body while it is read."""
        with self.lock:
            self.readings.add(reading)
            if self.thread is None:
                self.thread = threading.Thread(target=self.watch, name="slow bodies", daemon=True)
                self.thread.start()
        try:
            yield
        finally:
            with self.lock:
                self.readings.discard(reading)

    def watch(self) -> None:
        """Look once a second, until nothing has been read for a while."""
        idle = time.monotonic()
        while True:
            time.sleep(1)
            now = time.monotonic()
            with self.lock:
                if self.readings:
                    idle = now
                elif now - idle > STALL:
                    self.thread = None
                    return
                late = [reading for reading in self.readings if now - reading.since >= STALL]
            for address, port in {(reading.address, reading.port) for reading in late}:
                waited = [now - each.since for each in late if (each.address, each.port) == (address, port)]
                try:
                    if max(waited) < STALL + LAST_WORD:
                        end_connections(address, port, silent_for=min(waited), most=len(waited))
                    else:
                        end_connections(address, port)
                except OSError:
                    # No descriptor is left to look with, which is when one is needed most: it looks again in a second.
                    logger.exception("Stalled bodies could not be ended.")


def end_connections(address: str, port: str, *, silent_for: float = 0.0, most: int | None = None) -> None:
    """End up to `most` connections of `address` that have been silent for this many seconds, the longest silence first.

    The server does not tell which connection a body comes by. Another connection that was silent for longer is
    waiting for its next request; its client simply opens a new one.
    """
    with contextlib.ExitStack() as stack:
        found = []
        for connection in connections():
            stack.enter_context(connection)
            with contextlib.suppress(OSError):
                ours, theirs = connection.getsockname(), connection.getpeername()
                if isinstance(theirs, tuple) and (theirs[0], str(ours[1])) == (address, port):
                    found.append((silence(connection), connection))
        found = sorted((each for each in found if each[0] >= silent_for), key=itemgetter(0), reverse=True)
        for _, connection in found[:most]:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def connections() -> Iterator[socket.socket]:
    """Every socket of this process, each under a new descriptor."""
    for number in os.listdir("/dev/fd"):
        try:
            descriptor = os.dup(int(number))
        except OSError:
            continue
        if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            yield socket.socket(fileno=descriptor)
        else:
            os.close(descriptor)


def silence(connection: socket.socket) -> float:
    """Seconds since data last arrived; infinite where the system does not say."""
    if not hasattr(socket, "TCP_INFO"):
        return math.inf
    (milliseconds,) = _LAST_DATA.unpack(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_DATA.size))
    return float(milliseconds) / 1000


_watcher = Watcher()


def read(source: InputStream, length: int, reading: Reading) -> IO[bytes] | None:
    """The whole body; None where it ends too early."""
    kept: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - its reader closes it
    with _watcher.watching(reading):
        while length and (part := source.read(min(PART, length))):
            kept.write(part)
            length -= len(part)
            reading.since = time.monotonic()
    kept.seek(0)
    return None if length else kept


def with_patience(application: WSGIApplication) -> WSGIApplication:
    """The application, called only with complete bodies. An incomplete body is answered with 408, for a client that still reads."""

    def patient(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        length = announced(environ)
        if 0 < length <= LARGEST:
            reading = Reading(environ.get("REMOTE_ADDR", ""), environ.get("SERVER_PORT", ""), time.monotonic())
            body = read(environ["wsgi.input"], length, reading)
            if body is None:
                answer = page(Problem("body_incomplete", 408, detail=_TOO_SLOW))
                start_response(f"{answer.status_code} {answer.reason_phrase}", list(answer.items()))
                return [answer.content]
            environ["wsgi.input"] = body
        return application(environ, start_response)

    return patient


def announced(environ: WSGIEnvironment) -> int:
    """The length in the request's head; 0 where there is none."""
    text = environ.get("CONTENT_LENGTH") or ""
    return int(text) if text.isascii() and text.isdigit() else 0
