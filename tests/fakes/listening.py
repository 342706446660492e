"""How a fake's server is started and stopped."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


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
