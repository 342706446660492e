"""`make run`: a whole Linli server on this machine, from the data to the web, until Ctrl-C."""

import argparse
import contextlib
import ctypes
import http.client
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from launcher import home as homes
from launcher import servers
from launcher.account import LINUX, PR_SET_PDEATHSIG
from launcher.family import PROJECT, TOLD, Child, Family, Trouble

HOST = "127.0.0.1"
PATIENCE = 60.0
"""Seconds the web server, the workers and beat get until `/healthz` is content."""
FIRST_TICKETS, MONTH_TICKETS = 45, 180
"""How many of the demo's tickets are there when the server is, and how many soon after."""
POSTMEN = 24
"""Threads that wait for servers of others: more than all channels have slots, so that one is always free to look for work."""


def main(arguments: list[str] | None = None) -> int:
    """Run until a signal, or until a process dies. Returns the exit code."""
    options = parser().parse_args(arguments)
    stopping = Stopping()
    place = (options.home or homes.default()).absolute()
    try:
        with homes.in_words(place), homes.open_home(place) as home, Family(keep_open=[home.lock]) as family:
            stopping.family = family
            if options.home is not None:
                homes.note_elsewhere(place)
            with server_urls(home, family) as urls:
                serve(home, family, options, urls)
    except Trouble as trouble:
        # Where nothing was started here, what runs elsewhere goes on.
        say(f"\n{trouble}" + ("\n\nEverything that was started here has been stopped." if stopping.family else ""))
        return 1
    except KeyboardInterrupt:
        pass
    say("Stopped. The data stays; `make run` finds it again.")
    return 0


def parser() -> argparse.ArgumentParser:
    """What can be asked for on the command line."""
    asked = argparse.ArgumentParser(
        prog="make run",
        description="Run a whole Linli server on this machine, with its database, until Ctrl-C.",
        epilog="With make, options go into ARGS: make run ARGS='--port 8080'. "
        "DATABASE_URL and REDIS_URL in the environment name servers to use instead of private ones.",
    )
    asked.add_argument(
        "--port", type=port_number, default=8000, help="port of the web server, else the next free one (default: 8000)"
    )
    asked.add_argument("--home", type=Path, help="directory of data and logs (default: .local in the checkout)")
    demo = asked.add_mutually_exclusive_group()
    demo.add_argument("--no-demo", action="store_true", help="do not load the demo street")
    demo.add_argument(
        "--demo",
        action="store_true",
        help="load the demo street even into the database that DATABASE_URL names; its administrator's password is public",
    )
    return asked


def port_number(text: str) -> int:
    """A valid port number."""
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 0 < number < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 1 to 65535")
    return number


def wants_demo(options: argparse.Namespace) -> bool:
    """Whether the demo street is loaded: into a private database unless told not to, into a named one only when told to."""
    return bool(options.demo or not (options.no_demo or os.environ.get("DATABASE_URL")))


class Stopping:
    """Turns the signals that end a process into KeyboardInterrupt; the second one kills what is still there."""

    def __init__(self) -> None:
        self.asked = False
        self.family: Family | None = None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Under nohup a closed terminal is no reason to stop.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self.heard)
        if LINUX and "MAKELEVEL" in os.environ:
            # A signal to make is meant for this process, too.
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)

    def heard(self, number: int, frame: FrameType | None) -> None:
        """Answer a signal."""
        if not self.asked:
            self.asked = True
            say("\nStopping … (once more to kill)")
            raise KeyboardInterrupt
        if self.family is not None:
            self.family.kill()


@contextlib.contextmanager
def server_urls(home: homes.Home, family: Family, durable: bool = True) -> Iterator[dict[str, str]]:
    """DATABASE_URL and REDIS_URL: those of the environment, else those of private servers, which are started here."""
    urls = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL") if os.environ.get(name)}
    if len(urls) == 2:
        say("Using the servers that DATABASE_URL and REDIS_URL name.")
        yield urls
        return
    account = servers.account_for(home.path)
    with homes.socket_directory(home, account) as sockets:
        family.throw_away(sockets)
        place = servers.ServerPlace(home, sockets, account, durable)
        if "REDIS_URL" not in urls:
            servers.start_valkey(family, place)
        if "DATABASE_URL" not in urls:
            if not (home.path / "postgres").exists():
                say("Making a database …")
            servers.initdb(family, place)
            say("Starting PostgreSQL …")
            servers.start_postgres(family, place)
            servers.await_postgres(family, place)
        else:
            say("Using the database that DATABASE_URL names.")
        if "REDIS_URL" not in urls:
            say("Starting Valkey …")
            servers.await_valkey(family, place)
        else:
            say("Using the server that REDIS_URL names.")
        private = {"DATABASE_URL": servers.database_url(place), "REDIS_URL": servers.redis_url(place)}
        try:
            yield private | urls
        finally:
            # The sockets' directory goes last.
            family.stop()


def serve(home: homes.Home, family: Family, options: argparse.Namespace, urls: Mapping[str, str]) -> None:
    """Prepare the database, start the apps, and stay until interrupted. Raises Trouble where one of them dies."""
    environment = os.environ | dict(urls) | {"LINLI_LOCAL_DIR": str(home.path), "PYTHONUNBUFFERED": "1"}
    environment.setdefault("LINLI_ENV", "development")
    sms = LogFollower(home.logs / "sms.log", "[sms] ")
    # What the environment names may hold a password and stays out of the file.
    private = {name: url for name, url in urls.items() if not os.environ.get(name)}
    with addresses(home):
        homes.note(home.path, private)
        people = prepare(home, family, options, environment)
        port = free_port(options.port)
        if port != options.port:
            say(f"Port {options.port} is taken; using {port}.")
        environment.setdefault("SITE_URL", f"http://{HOST}:{port}")
        say("Starting web, workers and beat …")
        start_apps(home, family, port, environment)
        month = Month(home, family, environment) if people else None
        if month is not None:
            month.begin()
        report = await_health(family, port)
        homes.note(home.path, private, f"http://{HOST}:{port}")
        say(welcome(port, people, report))
        if month is not None:
            month.go_on()
        while True:
            family.watch()
            sms.echo()
            if month is not None:
                month.look()
            time.sleep(0.2)


@contextlib.contextmanager
def addresses(home: homes.Home) -> Iterator[None]:
    """Forget in the end where the servers are."""
    try:
        yield
    finally:
        (home.path / homes.ADDRESSES).unlink(missing_ok=True)


def prepare(home: homes.Home, family: Family, options: argparse.Namespace, environment: Mapping[str, str]) -> str:
    """Migrate and load the demo; the words about the demo's people."""
    demo = wants_demo(options)
    say("Preparing the database and the demo street …" if demo else "Preparing the database …")
    if not demo and not options.no_demo:
        say("The database is one that DATABASE_URL names: the demo street is not loaded into it, ARGS='--demo' would.")
    log, people = home.logs / "prepare.log", home.path / "people.txt"
    command = [sys.executable, "-m", "launcher.prepare", "--people", str(people)]
    command += [] if demo else ["--no-demo"]
    child = family.start("The preparation of the database", command, environment=environment, log=log)
    progress = LogFollower(log, "  ", only=TOLD)
    if family.finish(child, meanwhile=progress.echo):
        raise Trouble(f"The database could not be prepared ({log}):\n{child.last_words()}")
    return people.read_text() if people.exists() else ""


@dataclass(slots=True)
class Month:
    """The demo street's simulated month of tickets: a part is created at the first start, the rest while the server runs.

    A file in the home says that the rest is missing, so that it is created at the next start if this run is stopped.
    """

    home: homes.Home
    family: Family
    environment: Mapping[str, str]
    child: Child | None = None
    progress: "LogFollower | None" = None

    @property
    def to_come(self) -> Path:
        """The file that is there until the whole month is."""
        return self.home.path / "month-to-come"

    def begin(self) -> None:
        """Bring the first tickets to a street that has none, beside the apps that start meanwhile. Raises Trouble where that fails."""
        child = self._simulate("month-first.log", "--tickets", str(FIRST_TICKETS), "--once")
        assert child.log is not None
        if self.family.finish(child, meanwhile=self._echo):
            raise Trouble(f"The demo's tickets could not be made ({child.log}):\n{child.last_words()}")
        if "nothing new" not in child.log.read_text():
            self.to_come.touch()

    def go_on(self) -> None:
        """Start on the rest, where it is still to come."""
        if self.to_come.exists():
            more = ["--tickets", str(MONTH_TICKETS - FIRST_TICKETS), "--seed", "8", "--into-used"]
            say(f"{FIRST_TICKETS} tickets are there, more of the demo's month are being made …")
            self.child = self._simulate("month.log", *more)

    def look(self) -> None:
        """Show how far it has come, and when it is there."""
        self._echo()
        if self.child is None or self.child.process.poll() is None:
            return
        child, self.child = self.child, None
        if self.family.finish(child):
            say(f"The rest of the demo's tickets could not be made; {child.log} says why.")
        else:
            say("The demo's whole month of tickets is there.")
            self.to_come.unlink(missing_ok=True)

    def _simulate(self, log: str, *options: str) -> Child:
        command = [sys.executable, "manage.py", "simulate", "--days", "30", "--lines", TOLD, "--verbosity", "0"]
        command += options
        path = self.home.logs / log
        path.unlink(missing_ok=True)
        self.progress = LogFollower(path, "  ", only=TOLD)
        return self.family.start("The demo's month", command, environment=self.environment, log=path, ends=True)

    def _echo(self) -> None:
        if self.progress is not None:
            self.progress.echo()


def start_apps(home: homes.Home, family: Family, port: int, environment: Mapping[str, str]) -> list[Child]:
    """Start the web server; and worker, sweeper, postman and beat, which share the memory of what they load."""
    return [
        family.start(
            "web",
            web_command(port),
            environment={**environment, "LINLI_DATABASE_POOL": "1"},
            log=home.logs / "web.log",
        ),
        family.start("background", background_command(home), environment=environment, log=home.logs / "background.log"),
    ]


# Workers need not know of each other; every ten seconds each shows that it lives.
QUIET = ["--without-gossip", "--without-mingle", "--heartbeat-interval", "10", "--loglevel", "INFO"]


def background_command(home: homes.Home) -> list[str]:
    """The command that starts worker, sweeper, postman and beat, each with a log of its own."""
    command = [sys.executable, "-m", "config.background", "--logs", str(home.logs)]
    for number, one in enumerate(celery_commands(home).values()):
        command += [*(["--"] if number else []), *one]
    return command


def celery_commands(home: homes.Home) -> Mapping[str, Sequence[str]]:
    """What follows `celery --app config.celery` for worker, sweeper, postman and beat."""
    worker = ["worker", "--queues", "default", "--concurrency", "1", "--hostname", "worker@%h", *QUIET]
    sweeper = ["worker", "--queues", "clocks", "--concurrency", "1", "--hostname", "sweeper@%h", *QUIET]
    postman = ["worker", "--queues", "post", "--pool", "threads", "--concurrency", str(POSTMEN)]
    postman += ["--hostname", "postman@%h", *QUIET]
    beat = ["beat", "--schedule", str(home.path / "beat-schedule"), "--pidfile", "", "--loglevel", "WARNING"]
    return {"worker": worker, "sweeper": sweeper, "postman": postman, "beat": beat}


def web_command(port: int, processes: int = 2) -> list[str]:
    """The command that starts the web server on `port`."""
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws"]
    command += ["--host", HOST, "--port", str(port), "--workers", str(processes), "--blocking-threads", "2"]
    command += ["--http1-buffer-size", "65536", "--http1-header-read-timeout", "10000"]
    return [*command, "config.wsgi:application"]


def free_port(wanted: int) -> int:
    """`wanted`, or the next port after it that nobody listens on. Raises Trouble where a hundred are taken."""
    for port in range(wanted, min(wanted + 100, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except (OSError, OverflowError):
                continue
            return port
    raise Trouble(f"No port is free from {wanted} on; name another with ARGS='--port N'.")


def await_health(family: Family, port: int, enough: Collection[str] = ("ok",)) -> dict[str, object]:
    """Wait until `/healthz` says what is `enough`; its last answer, which may say less where PATIENCE ran out."""
    end = time.monotonic() + PATIENCE
    report: dict[str, object] = {}
    while time.monotonic() < end:
        family.watch()
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            connection = http.client.HTTPConnection(HOST, port, timeout=5)
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            if answer.status == http.HTTPStatus.BAD_REQUEST:
                raise Trouble(
                    f"The web server does not answer to the name {HOST} (400 Bad Request). "
                    f"ALLOWED_HOSTS, where it is set, must name {HOST} as well; see web.log."
                )
            report = json.loads(answer.read())
            connection.close()
            if report["status"] in enough:
                return report
        time.sleep(0.1)
    if not report:
        raise Trouble("The web server does not answer; see web.log.")
    return report


def welcome(port: int, people: str, report: Mapping[str, object]) -> str:
    """What the person at the terminal wants to know now."""
    address = f"http://{HOST}:{port}"
    lines = [
        "",
        "Linli 邻里办 is running." if report["status"] == "ok" else f"Linli 邻里办 is running, but not whole: {report}",
        "",
        f"  Web          {address}/",
        f"  API docs     {address}/api/docs/",
        f"  Admin        {address}/admin/",
        f"  Health       {address}/healthz",
        "",
        *people.rstrip().splitlines(),
        "" if people else "(The demo street is not loaded.)",
        "Sign-in codes appear here. Ctrl-C stops everything.",
    ]
    return "\n".join(lines)


class LogFollower:
    """Shows what is added to a file from now on, each line after `before`; with `only`, the lines that begin with that."""

    def __init__(self, path: Path, before: str, only: str = "") -> None:
        self.path, self.before, self.only = path, before, only
        self.read = path.stat().st_size if path.exists() else 0

    def echo(self) -> None:
        """Show the whole lines that were added since the last time."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self.read)
            added, newline, _ = file.read().rpartition(b"\n")
        if newline:
            self.read += len(added) + 1
            for line in added.decode(errors="replace").splitlines():
                if line.startswith(self.only):
                    say(f"{self.before}{line.removeprefix(self.only)}")


def say(words: str) -> None:
    """Print a line for the person at the terminal."""
    with contextlib.suppress(BrokenPipeError, OSError):
        sys.stdout.write(words + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    os.chdir(PROJECT)
    sys.exit(main())
