"""A load generator that costs little: threads with one kept-alive socket each, requests as ready-made bytes."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

# A client asks its source for the next request, and tells it the answer: status, headers in lower case, body.
Source = Callable[[], Iterator[bytes]]


@dataclass(slots=True)
class LoadTally:
    """What one run measured: seconds of each request, by status."""

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    duration: float = 0.0

    @property
    def rate(self) -> float:
        """Good answers (2xx) a second."""
        return sum(count for status, count in self.statuses.items() if 200 <= status < 300) / self.duration

    def percentile(self, share: float) -> float:
        """The latency in milliseconds that `share` of the requests stayed below."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Client:
    """One kept-alive connection."""

    def __init__(self, port: int):
        self.port = port
        self.socket: socket.socket | None = None
        self.rest = b""

    def ask(self, request: bytes) -> tuple[int, bytes, bytes]:
        """Send a request; status, header block and body of the answer."""
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(request)
        data = self.rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head, body = data[:end].lower(), data[end + 4 :]
        mark = head.find(b"content-length:")
        length = int(head[mark + 15 :].split(b"\r\n", 1)[0]) if mark >= 0 else 0
        while len(body) < length:
            body += self._more()
        self.rest = body[length:]
        return int(head[9:12]), head, body[:length]

    def _more(self) -> bytes:
        assert self.socket is not None
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("The server closed the connection.")
        return data


def request(method: str, path: str, token: str, body: bytes = b"", **headers: str) -> bytes:
    """An HTTP/1.1 request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {token}"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def run(port: int, clients: list[Callable[[Client], int]], seconds: float) -> LoadTally:
    """Let every client repeat its act for `seconds`; an act makes one request and answers with its status."""
    tally, lock = LoadTally(), threading.Lock()
    start = threading.Barrier(len(clients) + 1)
    ends_at = 0.0

    def work(act: Callable[[Client], int]) -> None:
        client, mine, statuses = Client(port), [], {}
        start.wait()
        while (began := time.perf_counter()) < ends_at:
            status = act(client)
            mine.append(time.perf_counter() - began)
            statuses[status] = statuses.get(status, 0) + 1
        with lock:
            tally.seconds += mine
            for status, count in statuses.items():
                tally.statuses[status] = tally.statuses.get(status, 0) + count

    threads = [threading.Thread(target=work, args=(act,)) for act in clients]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    ends_at = began + seconds
    start.wait()
    for thread in threads:
        thread.join()
    tally.duration = time.perf_counter() - began
    return tally
