"""Processes of Linli's on the tests' own database, beside the process of the tests."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.db import connection

from launcher.account import die_with_parent
from launcher.family import PROJECT
from launcher.run import HOST


def with_us(number: int = signal.SIGTERM) -> Callable[[], None]:
    """For a Popen's `preexec_fn`: the child is sent the signal when the tests die, however they die (Linux only)."""
    tests = os.getpid()
    return lambda: die_with_parent(tests, number)


def database_url() -> str:
    """Where the tests' database is."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


def own_port() -> int:
    """A port of the loopback that nobody listens on. The system gives each asker another one, also where several ask at once."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


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


@dataclass
class Crew:
    """Processes of Linli's that a test starts, which PostgreSQL knows by name, and ends together."""

    processes: list[subprocess.Popen[bytes]] = field(default_factory=list, init=False)

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """Start one more."""
        process = start(*command, PGAPPNAME=name)
        self.processes.append(process)
        return process

    def stop(self) -> None:
        """End every process."""
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def in_a_transaction(name: str, since: str = "xact_start") -> bool:
    """Whether a process of that name has a transaction open right now; `backend_xid` asks for one that has written."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND {since} IS NOT NULL",  # noqa: S608
            [name],
        )
        return bool(cursor.fetchone()[0])


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
