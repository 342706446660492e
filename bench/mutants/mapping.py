"""Which test reaches which line, and how long it takes: recorded once, by coverage.py, for the test files that are asked for.

`python -m bench.mutants.mapping DIRECTORY TEST_FILE…` writes one file into DIRECTORY for each test file.
"""

import hashlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import coverage
import pytest

from bench.mutants import swapping, tree
from launcher.family import PROJECT

# What the session's fixtures run (the demo data, say) belongs to no test.
NOBODY = "nobody"
# What runs when modules are imported cannot be changed in a process that has imported them.
IMPORT, IMPORTS = "import", "imports.json"
# Seconds after which what is finished is written.
OFTEN = 90


class Recorder:
    """A plugin of pytest that tells coverage.py which test runs, and keeps what the test took."""

    def __init__(self, measured: coverage.Coverage, directory: Path) -> None:
        self.measured = measured
        self.directory = directory
        self.written: set[str] = set()
        self.last_written = time.monotonic()
        self.test = NOBODY
        self.seconds: dict[str, float] = defaultdict(float)
        self.failed: set[str] = set()
        self.wanted: set[str] = set()
        self.forgetting: list[Callable[[], None]] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Everything until the test's end is its own, also what builds a query that an earlier test has used."""
        for forget in self.forgetting:
            forget()
        self.test = item.nodeid
        self.measured.switch_context(self.test)
        try:
            return (yield)
        finally:
            self.test = NOBODY
            self.measured.switch_context(NOBODY)
            # Whoever interrupts it keeps the files that were run to their end.
            if time.monotonic() - self.last_written > OFTEN:
                self.write()
                self.last_written = time.monotonic()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Iterator[None]:
        """Except for what it happens to be the first to need."""
        if fixturedef.scope != "session":
            return (yield)
        self.measured.switch_context(NOBODY)
        try:
            return (yield)
        finally:
            self.measured.switch_context(self.test)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Everything is imported."""
        self.wanted = {item.nodeid for item in session.items}
        # Caches are left alone: many tests count the statements of a process that has filled them.
        self.forgetting = swapping.forget(())
        self.measured.switch_context(NOBODY)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up the three parts of a test."""
        self.seconds[report.nodeid] += report.duration
        if report.failed or report.skipped:
            self.failed.add(report.nodeid)

    def write(self) -> None:
        """Write a part of the map for every test file that has been run to its end."""
        files = {test.partition("::")[0] for test in self.seconds} - self.written
        files -= {test.partition("::")[0] for test in self.wanted - self.seconds.keys()}
        data = self.measured.get_data()
        imported: dict[str, list[int]] = defaultdict(list)
        lines: dict[str, dict[str, dict[int, list[str]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
        for measured_file in data.measured_files():
            module = str(Path(measured_file).relative_to(PROJECT))
            for line, tests in data.contexts_by_lineno(measured_file).items():
                for test in tests:
                    if test == IMPORT:
                        imported[module].append(line)
                    elif (file := test.partition("::")[0]) in files:
                        lines[file][module][line].append(test)
        (self.directory / IMPORTS).write_text(json.dumps(imported))
        versions = {
            module: file_hash(PROJECT / module) for module in imported.keys() | {m for f in lines.values() for m in f}
        }
        keep_sources(self.directory, versions)
        for file in files:
            tests = sorted(test for test in self.seconds if test.startswith(f"{file}::"))
            numbers = {test: number for number, test in enumerate(tests)}
            part = {
                "sha": file_hash(PROJECT / file),
                "sources": {module: versions[module] for module in lines[file]},
                "tests": {number: [test, round(self.seconds[test], 4)] for test, number in numbers.items()},
                "failed": sorted(self.failed & numbers.keys()),
                "lines": {
                    module: {line: sorted(numbers[test] for test in tests) for line, tests in by_line.items()}
                    for module, by_line in lines[file].items()
                },
            }
            (self.directory / f"{file.replace('/', '+')}.json").write_text(json.dumps(part))
        self.written |= files


def main(directory: Path, files: list[str]) -> int:
    """Run `files` and write what was recorded; pytest's exit code."""
    measured = coverage.Coverage(data_file=None, config_file=False, source=tree.packages(), omit=["*/migrations/*"])
    recorder = Recorder(measured, directory)
    measured.start()
    measured.switch_context(IMPORT)
    code = pytest.main(["-q", "--no-cov", "-p", "no:cacheprovider", *files], plugins=[recorder])
    measured.stop()
    recorder.write()
    return int(code)


def keep_sources(directory: Path, written: dict[str, str]) -> None:
    """Keep the text that lines were counted in, so that they are found again after a change."""
    for module, sha in written.items():
        kept = directory / "sources" / sha
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes((PROJECT / module).read_bytes())


def file_hash(path: Path) -> str:
    """What tells one version of a file from another."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:20]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
