"""The directory where a launched Linli keeps its data, its logs and its sockets: `.local` unless told otherwise.

lock          held by everything that uses the data, so that two servers never share it
postgres/     PostgreSQL's data            valkey/   Valkey's data
log/          one log a process            run/      sockets, and what lives as long as one run
"""

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from launcher.account import Account
from launcher.family import PROJECT, Trouble

# A socket's path has room for 107 bytes on Linux and 103 on macOS; PostgreSQL's is the longest in the directory.
SOCKET_DIRECTORY = 103 - len("/.s.PGSQL.5432")
ADDRESSES = "servers.json"
"""The file in a home that tells `make manage` where the servers of the running launcher are."""
PLAIN = re.compile(r"[A-Za-z0-9._/-]+")


@dataclass(frozen=True, slots=True)
class Home:
    """One home directory and the lock on it."""

    path: Path
    lock: int

    @property
    def logs(self) -> Path:
        """Where the logs go."""
        return self.path / "log"

    def directory(self, name: str, account: Account | None) -> Path:
        """The directory `name` of this home, made where it is missing; nobody but the servers' account may enter it."""
        directory = self.path / name
        directory.mkdir(mode=0o700, exist_ok=True)
        if account is not None:
            account.own(directory)
        return directory


@contextlib.contextmanager
def open_home(path: Path, patience: float = 12.0) -> Iterator[Home]:
    """Open the home directory `path` for one launcher alone.

    Waits up to `patience` seconds, since the processes of a killed launcher need a moment to stop. Raises Trouble where
    the directory stays in use.
    """
    path.mkdir(parents=True, exist_ok=True)
    (path / "log").mkdir(exist_ok=True)
    lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(lock, path, patience)
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        yield Home(path, lock)
    finally:
        os.close(lock)


def _take(lock: int, path: Path, patience: float) -> None:
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 20, 0).decode() or "?"
            if alive(holder):
                raise Trouble(
                    f"Linli is running already on {path} (process {holder}). Stop it with Ctrl-C in its terminal, "
                    f"or with `kill {holder}`; or run this one on other data: make run ARGS='--home DIRECTORY'."
                ) from None
            if time.monotonic() > end:
                raise Trouble(
                    f"Something that an earlier run started still uses {path}. "
                    f"Find it with `ps -ef | grep {path}`, stop it, and start again."
                ) from None
            time.sleep(0.2)
        else:
            return


def alive(process: str) -> bool:
    """Whether there is a process of this number."""
    if not process.isdigit():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextlib.contextmanager
def socket_directory(home: Home, account: Account | None) -> Iterator[Path]:
    """Where the servers' sockets go: `run/` of the home, or a short temporary directory where that path is too long."""
    directory = home.path / "run"
    if len(os.fsencode(directory)) <= SOCKET_DIRECTORY and PLAIN.fullmatch(str(directory)):
        shutil.rmtree(directory, ignore_errors=True)
        yield home.directory("run", account)
        return
    with tempfile.TemporaryDirectory(prefix="linli-", dir="/tmp", ignore_cleanup_errors=True) as short:
        if account is not None:
            account.own(Path(short))
        yield Path(short)


def default() -> Path:
    """`.local` of this checkout, or what LINLI_LOCAL_DIR names."""
    return Path(os.environ.get("LINLI_LOCAL_DIR") or PROJECT / ".local").absolute()
