"""`make test` and `make lint`: every check there is, on servers of its own that are thrown away afterwards."""

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from launcher import clocks, template
from launcher import home as homes
from launcher.family import PROJECT, Child, Family, Trouble
from launcher.run import Stopping, say, server_urls

BIN = Path(sys.executable).parent
MANAGE = [sys.executable, "manage.py"]
type Results = dict[str, float | None]
"""Seconds that a check took, or None where it failed."""
LINT: dict[str, list[str | Path]] = {
    "ruff check": [BIN / "ruff", "check"],
    "ruff format": [BIN / "ruff", "format", "--check"],
    "lint-imports": [BIN / "lint-imports"],
    "mypy": [BIN / "mypy", "."],
}
FORMAT: dict[str, list[str | Path]] = {
    "ruff check": [BIN / "ruff", "check", "--fix"],
    "ruff format": [BIN / "ruff", "format"],
}
MODELS: dict[str, list[str | Path]] = {"checks, migrations": [*MANAGE, "makemigrations", "--check", "--dry-run"]}
"""Django's checks run before every command, so that they take no process of their own."""
PYTEST: list[str | Path] = [sys.executable, "-m", "pytest"]
# A process for each core, up to what the servers' connections are enough for.
CORES = min(os.cpu_count() or 1, 4)
SIDE_BY_SIDE = ["-n", str(CORES), "--dist", "loadscope"]
# And one more: tests that start servers, which take longest and run first, wait for them.
WITH_SERVERS = ["-n", str(min(CORES + 1, 4)), "--dist", "loadscope"]


def main() -> int:
    """Run what was asked for; 0 where everything is right."""
    asked = argparse.ArgumentParser(prog="launcher.check", description=__doc__)
    asked.add_argument("what", choices=["all", "fast", "lint", "format", "pytest", "clocks"])
    asked.add_argument("pytest", nargs=argparse.REMAINDER, help="arguments for pytest: make test ARGS='-k ladder'")
    options = asked.parse_args()
    if options.what == "all" and options.pytest[:1] == ["fast"]:
        options.what, options.pytest = "fast", options.pytest[1:]
    stopping = Stopping()
    try:
        with homes.in_words(homes.default()), Family() as family:
            stopping.family = family
            if options.what == "lint":
                return verdict(run(family, LINT, without_servers()))
            if options.what == "format":
                return verdict(run(family, FORMAT, without_servers()))
            with thrown_away(family) as directory:
                if options.what == "clocks":
                    return verdict(at_other_times(family, directory))
                # Servers stop with all of their family, so that what runs beside them is of another.
                with Family() as another:
                    lint = begin_lint(another, directory) if options.what == "all" else None
                    results = on_servers(family, directory, options.what, options.pytest)
                    if lint is not None:
                        results |= shown(another, lint)
                # Where nobody waits for it; a person asks for it by `launcher.check clocks`.
                if options.what == "all" and os.environ.get("CI"):
                    results |= at_other_times(family, directory)
        return verdict(results)
    except Trouble as trouble:
        say(f"\n{trouble}")
    except KeyboardInterrupt:
        say("Interrupted.")
    return 1


def begin_lint(family: Family, directory: Path) -> Child:
    """Start `make lint`, which keeps one core busy while the tests' database is made; its output stays in `directory`."""
    command = [sys.executable, "-m", "launcher.check", "lint"]
    return family.start("lint, awaited", command, environment=os.environ, log=directory / "lint.log", ends=True)


def shown(family: Family, child: Child) -> Results:
    """Wait for a child's end, and show what it has said."""
    waited = time.monotonic()
    failed = family.finish(child)
    assert child.log is not None
    say(child.log.read_text())
    return {child.name: None if failed else time.monotonic() - waited}


def without_servers() -> dict[str, str]:
    """An environment for checks that read the settings and connect to nothing."""
    return {
        **os.environ,
        "LINLI_ENV": "test",
        "DATABASE_URL": "postgres://nowhere/linli",
        "REDIS_URL": "redis://nowhere",
    }


@contextlib.contextmanager
def thrown_away(family: Family) -> Iterator[Path]:
    """A directory for servers, which goes again with all that is in it."""
    # In the project, not in /tmp: what a power cut leaves behind is found by whoever looks into .local.
    parent = homes.default() / "check"
    parent.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(dir=parent))
    # The servers' account must pass.
    directory.chmod(0o755)
    family.throw_away(directory)
    try:
        yield directory
    finally:
        family.stop()
        shutil.rmtree(directory, ignore_errors=True)


def on_servers(family: Family, directory: Path, what: str, arguments: list[str]) -> Results:
    """Run the checks and the suite on servers that keep their data in `directory`."""
    results = prepared(family, directory, anew=what == "all")
    if None in results.values():
        return results
    with homes.open_home(directory) as home, server_urls(home, family, durable=False) as urls:
        environment = for_tests(urls, directory)
        if "DATABASE_URL" not in os.environ:
            environment["LINLI_TEST_TEMPLATE"] = urlsplit(urls["DATABASE_URL"]).path.strip("/")
            environment[template.KEPT] = str(template.kept_database())
        checks: dict[str, list[str | Path]] = {"pytest": [*PYTEST, *arguments]}
        if what == "all":
            checks = {**MODELS, "pytest": [*PYTEST, *WITH_SERVERS, *arguments]}
        if what == "fast":
            quick = {name: command for name, command in LINT.items() if name != "mypy"}
            checks = {**quick, "pytest": [*PYTEST, *SIDE_BY_SIDE, "-m", "not slow", *arguments]}
        return results | run(family, checks, environment)


def for_tests(urls: Mapping[str, str], directory: Path) -> dict[str, str]:
    """An environment for what runs on the servers in `directory`."""
    # Some machines forbid Python to keep what it compiled: each of the hundreds of processes would compile everything anew.
    kept = {"PYTHONDONTWRITEBYTECODE": ""}
    return {**os.environ, **kept, **urls, "LINLI_ENV": "test", "LINLI_LOCAL_DIR": str(directory)}


def prepared(family: Family, directory: Path, *, anew: bool) -> Results:
    """Have the tests' database in `directory`: the kept one, or one that is made now where that is out of date or `anew` asks for it."""
    if "DATABASE_URL" in os.environ or (directory / template.PEOPLE).exists():
        return {}
    if not anew and template.restore(directory):
        return {}
    with homes.open_home(directory) as home, server_urls(home, family, durable=False) as urls:
        command: list[str | Path] = [sys.executable, "-m", "launcher.prepare", "--people", directory / template.PEOPLE]
        environment = for_tests(urls, directory)
        # With the tables of the tests' own subject, and passwords that are quick to check.
        results = run(family, {"test database": command}, environment | {"DJANGO_SETTINGS_MODULE": "tests.settings"})
    if None not in results.values():
        template.keep(directory)
    return results


# What reads the time of day or the calendar: quiet hours, digests, limits of a day, deadlines, codes that expire.
AT_OTHER_TIMES = [
    "tests/notifications/test_deliver.py",
    "tests/notifications/test_digest.py",
    "tests/notifications/test_sms.py",
    "tests/community/test_signin.py",
    "tests/community/test_timers.py",
    "tests/tickets/test_clocks_api.py",
    "tests/tickets/test_filing_limit.py",
    "tests/tickets/test_verify_audit.py",
    # PostgreSQL's clock and Python's are then apart by a fraction of a second, which it measures.
    *("--deselect", "tests/notifications/test_deliver.py::test_a_lease_that_lasts_is_left_alone"),
]


def at_other_times(family: Family, directory: Path) -> Results:
    """Run a part of the suite at night, at the end of a month and of a year, and on a leap day, with PostgreSQL started anew for each."""
    if clocks.library() is None:
        say("\nThe suite at other times is left out: Debian's package faketime is not installed.")
        return {"at other times": None} if os.environ.get("CI") else {}
    results: Results = {}
    for name, offset in clocks.moments(datetime.now(UTC)).items():
        os.environ[clocks.OFFSET] = str(round(offset.total_seconds()))
        say(f"\n── {name}")
        told = on_servers(family, directory, "pytest", [*SIDE_BY_SIDE, *AT_OTHER_TIMES])
        results[name] = told.get("pytest")
    del os.environ[clocks.OFFSET]
    return results


def run(family: Family, checks: Mapping[str, list[str | Path]], environment: Mapping[str, str]) -> Results:
    """Run one check after the other, also after one has failed: seconds for each that is right, None for the others."""
    results: Results = {}
    for name, command in checks.items():
        say(f"\n── {name}")
        began = time.monotonic()
        child = family.start(name, command, environment=environment)
        results[name] = None if family.finish(child) else time.monotonic() - began
    return results


def verdict(results: Results) -> int:
    """Say what is right and what is not; the exit code."""
    say("")
    for name, seconds in results.items():
        say(f"  {name:<22} " + ("FAILED" if seconds is None else f"ok {seconds:6.1f} s"))
    return int(None in results.values())


if __name__ == "__main__":
    os.chdir(PROJECT)
    sys.exit(main())
