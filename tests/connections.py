"""Connections to the database: the test's own over requests of foreign clients, and those of threads."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection


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


def closing_connection[**P, R](act: Callable[P, R]) -> Callable[P, R]:
    """`act` for a thread of its own, whose connection is closed afterwards."""

    def run(*given: P.args, **named: P.kwargs) -> R:
        try:
            return act(*given, **named)
        finally:
            connection.close()

    return run


def together[R](count: int, act: Callable[[int], R]) -> list[R]:
    """What `act` returned in each of `count` threads, which are numbered from 0 and start at the same moment."""
    start = threading.Barrier(count)

    def run(number: int) -> R:
        start.wait()
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(closing_connection(run), range(count)))
