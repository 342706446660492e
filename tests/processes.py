"""Processes of Linli's on the tests' own database, beside the process of the tests."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from django.db import connection

from launcher.account import die_with_parent
from launcher.family import PROJECT


def with_us(number: int = signal.SIGTERM) -> Callable[[], None]:
    """For a Popen's `preexec_fn`: the child is sent the signal when the tests die, however they die (Linux only)."""
    tests = os.getpid()
    return lambda: die_with_parent(tests, number)


def database_url() -> str:
    """Where the tests' database is."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


def start(*arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    """Start Python with these arguments, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": database_url(), "LINLI_ENV": "test", **environment},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=with_us(),
    )


@contextmanager
def running(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Python with these arguments; what has not ended by then is killed."""
    process = start(*arguments, **environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until(happened: Callable[[], bool], patience: float = 40) -> None:
    """Wait until it has happened; the test fails where it does not."""
    end = time.monotonic() + patience
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.1)
