"""What the fakes' servers have in common: where they listen, and how they are started and stopped."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class LoopbackServer(ThreadingHTTPServer):
    """A server on the loopback with a thread for each connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, answer: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", port), answer)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class Quiet:
    """For a handler of requests that writes nothing to the terminal."""

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@contextmanager
def listening[Server: socketserver.BaseServer](
    server: Server, let_go: Callable[[], None] = lambda: None
) -> Iterator[Server]:
    """`server`, which answers until the block ends; then `let_go` lets go of the answers that hang."""
    with server:
        thread = threading.Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            let_go()
            server.shutdown()
            thread.join()
