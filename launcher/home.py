"""The directory where a launched Linli keeps its data, its logs and its sockets: `.local` unless told otherwise.

lock          held by everything that uses the data, so that two servers never share it
postgres/     PostgreSQL's data            valkey/   Valkey's data
log/          one log per process          run/      sockets and other files of one run
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher.account import Account
from launcher.family import PROJECT, Trouble

# A socket's path has room for 107 bytes on Linux and 103 on macOS; PostgreSQL's is the longest in the directory.
SOCKET_DIRECTORY = 103 - len("/.s.PGSQL.5432")
ADDRESSES = "servers.json"
"""The file in a home that tells `make manage` and its like where the servers of the running launcher are."""
ELSEWHERE = "homes"
"""The directory in the default home that names the homes elsewhere on which a server was started."""
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
        """The directory `name` of this home, created where it is missing. Only the servers' account may enter it."""
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
    with in_words(path):
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


@dataclass(frozen=True, slots=True)
class Running:
    """What `make run` has started on a home: its private servers, and the address of its web server (empty until it answers)."""

    home: Path
    urls: Mapping[str, str]
    web: str


def note(home: Path, urls: Mapping[str, str], web: str = "") -> None:
    """Write down where the servers on `home` are; whole or not at all, since the writer may be killed."""
    fresh = home / f"{ADDRESSES}.new"
    fresh.write_text(json.dumps({"urls": dict(urls), "web": web}))
    fresh.replace(home / ADDRESSES)


def note_elsewhere(home: Path) -> None:
    """Write down that a server was started on `home`, so that it is found without being named. Where that is not possible, it is not."""
    with contextlib.suppress(OSError):
        (default() / ELSEWHERE).mkdir(parents=True, exist_ok=True)
        (default() / ELSEWHERE / hashlib.sha256(os.fsencode(home)).hexdigest()[:16]).write_text(str(home))


def running(asked: Path | None = None) -> Running | None:
    """The server that runs on the given home, otherwise on the default home, otherwise on the only other home.

    None where there is none. Raises Trouble where there are several, and none of them was asked for.
    """
    if asked is not None or (default() / "lock").exists():
        found = _running(asked or default())
        if asked is not None or found is not None:
            return found
    with in_words(default()):
        noted = sorted((default() / ELSEWHERE).iterdir()) if (default() / ELSEWHERE).is_dir() else []
        others = [one for entry in noted if (one := _running(Path(entry.read_text()))) is not None]
    if len(others) > 1:
        homes = ", ".join(str(one.home) for one in others)
        raise Trouble(f"Several servers run ({homes}): name one with ARGS='--home DIRECTORY'.")
    return others[0] if others else None


def _running(home: Path) -> Running | None:
    home = home.absolute()
    with in_words(home):
        if not _is_held(home / "lock"):
            return None
        try:
            noted = json.loads((home / ADDRESSES).read_text())
        except FileNotFoundError:
            return None
    return Running(home, noted["urls"], noted["web"])


def _is_held(lock: Path) -> bool:
    """Whether a living launcher holds the lock. What a killed one left behind is none, though it may hold it for a moment."""
    try:
        file = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return alive(os.pread(file, 20, 0).decode())
    finally:
        os.close(file)
    return False


@contextlib.contextmanager
def in_words(home: Path) -> Iterator[None]:
    """Turn what the file system refuses below into one sentence for the person at the terminal."""
    try:
        yield
    except PermissionError as error:
        place = error.filename or home
        raise Trouble(
            f"{place} belongs to somebody else (a run as root, perhaps): give it back with "
            f"`sudo chown -R $(id -un) {home}`, or use other data: make run ARGS='--home DIRECTORY'."
        ) from error
    except OSError as error:
        raise Trouble(f"{error.filename or home} cannot be used: {error.strerror or error}.") from error


def default() -> Path:
    """`.local` of this checkout, or what LINLI_LOCAL_DIR names."""
    return Path(os.environ.get("LINLI_LOCAL_DIR") or PROJECT / ".local").absolute()
