"""The test's own connection, over requests of clients that are not Django's own."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.signals import request_finished, request_started
from django.db import close_old_connections


@contextmanager
def one_connection() -> Iterator[None]:
    """Keep the test's own connection, and with it its transaction, open over a request of a foreign client.

    Django's own test client connects these anew after each request, so this surrounds one request only.
    """
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    try:
        yield
    finally:
        request_started.connect(close_old_connections)
        request_finished.connect(close_old_connections)
