"""HTTP requests to other people's servers: each ends within a known time, whatever the server does.

Proxies from the environment are not used, and redirects are not followed. Addresses and headers are not logged,
because they hold keys.
"""

import contextlib
import json
import math
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from typing import Any

import httpcore
import httpx

from notifications.channels.channel import Refused, TryLater, Unsure

CONNECT, READ, TOTAL = 3.0, 8.0, 15.0
"""Seconds for a connection, for the next bytes of an answer, and for all of it, from the first packet to the last."""
KEPT = 4.0
"""Seconds that an idle connection is kept: less than servers keep theirs, so that a server does not close it during a request."""
LONGEST_ANSWER = 64 * 1024
"""Bytes of an answer that are read."""
LONGEST_WAIT = timedelta(days=1)
"""What a server may ask for at most by Retry-After."""
_LONGEST_REASON = 120
_TOO_EARLY = 425
_SCHEMES = {"http", "https"}
_LAST_PORT = 65535
# After any of these the request was not sent; after 502 and 504 the server behind the one that answers may have it.
_NOT_SENT = (
    httpcore.ConnectError,
    httpcore.ConnectTimeout,
    httpcore.PoolTimeout,
    httpcore.UnsupportedProtocol,
    httpcore.LocalProtocolError,
)
_NO_ANSWER = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.RemoteProtocolError)
_UNSURE = {HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}
_AGAIN = {HTTPStatus.REQUEST_TIMEOUT, _TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
# When the exchange of this thread has to be over, by the monotonic clock.
_end: ContextVar[float] = ContextVar("end", default=math.inf)


class BadStatus(Refused):
    """The server refuses with an HTTP status and would refuse again. Its `answer` may say more."""

    def __init__(self, answer: "HttpAnswer"):
        super().__init__(f"HTTP {answer.status}")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a server answered: `body` is its beginning, `whole` says that nothing is missing, header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    whole: bool = True

    def accepted(self) -> "HttpAnswer":
        """This answer, where its status is 2xx.

        Raises TryLater (429, 408, 425, 5xx; with Retry-After where it came), Unsure (502, 504: the server behind may
        have it), otherwise BadStatus, which is a Refused.
        """
        reason = f"HTTP {self.status}"
        if HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES:
            return self
        if self.status in _UNSURE:
            raise Unsure(reason)
        if self.status in _AGAIN or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise TryLater(reason, after=self.retry_after())
        raise BadStatus(self)

    def json(self) -> Mapping[str, Any]:
        """The JSON object in the body. Raises Unsure where there is none, because nobody knows what the server did."""
        try:
            found = json.loads(self.body) if self.whole else None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Unsure(f"HTTP {self.status} without a JSON object")
        return found

    def retry_after(self) -> timedelta | None:
        """How long the server asks to wait (Retry-After, in seconds or as a date; at most a day). None where it does not say."""
        said = self.headers.get("retry-after", "").strip()
        if said.isascii() and said.isdigit():
            return min(timedelta(seconds=int(said[:9])), LONGEST_WAIT)
        try:
            at = parsedate_to_datetime(said)
        except ValueError:
            return None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return min(max(at - datetime.now(UTC), timedelta(0)), LONGEST_WAIT)


class Network(httpcore.SyncBackend):
    """Sockets whose waits all end when the request's time is over. A subclass may choose the addresses to connect to."""

    def addresses(self, host: str, port: int) -> Sequence[str]:
        """The addresses of `host` in the order in which they are tried. Raises OSError where it has none.

        How long the resolver takes is its own business and cannot be limited.
        """
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of `host` that answers. The name is looked up once, and not again when connecting."""
        error: Exception = httpcore.ConnectError("It has no address.")
        try:
            addresses = self.addresses(host, port)
        except (OSError, UnicodeError) as problem:
            raise httpcore.ConnectError(str(problem)) from problem
        for address in addresses:
            try:
                stream = super().connect_tcp(address, port, _left(timeout), local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as problem:
                error = problem
            else:
                return _Stream(stream)
        raise error


class _Stream(httpcore.NetworkStream):
    """A connection on which no wait lasts longer than the time that is left for the request."""

    def __init__(self, stream: httpcore.NetworkStream):
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        # A TLS handshake starts its timeout again with every piece that arrives, within one call; only another thread can end it.
        with _cut(self._stream.get_extra_info("socket"), _left(timeout)):
            return _Stream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


@contextlib.contextmanager
def _cut(connected: socket.socket, seconds: float) -> Iterator[None]:
    """Shut the socket down if the block takes longer than `seconds`."""
    # By a descriptor of its own: TLS takes the socket's away.
    with connected.dup() as same:

        def shut() -> None:
            with contextlib.suppress(OSError):
                same.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(seconds, shut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def _left(timeout: float | None) -> float:
    """`timeout`, or the time that is left for the request where that is less. Never 0, which would mean not to wait at all."""
    left = max(_end.get() - time.monotonic(), 0.001)
    return left if timeout is None else min(timeout, left)


@cache
def _tls() -> ssl.SSLContext:
    # Reading the authorities' certificates takes some 20 ms.
    return httpcore.default_ssl_context()


class HttpClient:
    """Posts to servers of one kind, and keeps connections for a few seconds. Any number of threads may use it at once."""

    def __init__(
        self, *, connect: float = CONNECT, read: float = READ, total: float = TOTAL, network: Network | None = None
    ):
        self._timeouts = {"connect": connect, "read": read, "write": read, "pool": connect}
        self._total = total
        self._pool = httpcore.ConnectionPool(
            ssl_context=_tls(),
            max_connections=None,
            keepalive_expiry=KEPT,
            network_backend=network or Network(),
        )

    def post(
        self, url: str, content: bytes, *, headers: Mapping[str, str] | None = None, key: uuid.UUID | None = None
    ) -> HttpAnswer:
        """Post `content` and return the answer, whatever its status; `key` is sent as Idempotency-Key.

        Raises TryLater where the request was not sent, Unsure where no answer came, Refused where `url` is not an
        address.
        """
        sent = {"User-Agent": "Linli", "Accept-Encoding": "identity", **(headers or {})}
        if key is not None:
            sent["Idempotency-Key"] = str(key)
        # The whole exchange happens in this thread.
        mark = _end.set(time.monotonic() + self._total)
        try:
            return self._exchange(_address(url), content, sent)
        except _NOT_SENT as error:
            raise TryLater(_reason("No connection", error)) from error
        except _NO_ANSWER as error:
            raise Unsure(_reason("No answer", error)) from error
        finally:
            _end.reset(mark)

    def post_json(
        self,
        url: str,
        body: Mapping[str, Any],
        *,
        headers: Mapping[str, str] | None = None,
        key: uuid.UUID | None = None,
    ) -> HttpAnswer:
        """Post `body` as JSON; otherwise `post`."""
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        return self.post(url, content, headers={"Content-Type": "application/json", **(headers or {})}, key=key)

    def close(self) -> None:
        """Close the connections that are kept."""
        self._pool.close()

    def _exchange(self, address: httpx.URL, content: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        url = httpcore.URL(scheme=address.raw_scheme, host=address.raw_host, port=address.port, target=address.raw_path)
        sent = [("Host", address.netloc.decode("ascii")), *headers.items()]
        extensions = {"timeout": self._timeouts}
        with self._pool.stream("POST", url, headers=sent, content=content, extensions=extensions) as response:
            # Its status is an answer, even where the rest does not come.
            body, whole = _beginning(response)
        names = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        return HttpAnswer(response.status, names, body, whole)


def _beginning(response: httpcore.Response) -> tuple[bytes, bool]:
    body = b""
    try:
        for chunk in response.iter_stream():
            body += chunk
            if len(body) > LONGEST_ANSWER:
                return body[:LONGEST_ANSWER], False
            if time.monotonic() > _end.get():
                return body, False
    except _NO_ANSWER:
        return body, False
    return body, True


def _address(url: str) -> httpx.URL:
    """`url`, encoded. Raises Refused where it is not the address of a web server."""
    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise Refused("The address is none.") from error
    if address.scheme not in _SCHEMES or not address.host or not 0 < (address.port or 1) <= _LAST_PORT:
        raise Refused("The address is none.")
    return address


def _reason(what: str, error: Exception) -> str:
    return f"{what}: {type(error).__name__} {error}".strip()[:_LONGEST_REASON]
