"""Which test reaches which line, and how long it takes: recorded once, by coverage.py, for the test files that are asked for.

`python -m bench.mutants.mapping DIRECTORY TEST_FILE…` writes one file into DIRECTORY for each test file.
"""

import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import coverage
import pytest

from launcher.family import PROJECT

SOURCES = ["workflow", "tickets", "notifications"]
# What the session's fixtures run (the demo data, say) belongs to no test.
NOBODY = "nobody"
# What runs when modules are imported cannot be changed in a process that has imported them.
IMPORT, IMPORTS = "import", "imports.json"


class Recorder:
    """A plugin of pytest that tells coverage.py which test runs, and keeps what the test took."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self.measured = measured
        self.test = NOBODY
        self.seconds: dict[str, float] = defaultdict(float)
        self.failed: set[str] = set()
        self.wanted: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Everything until the test's end is its own."""
        self.test = item.nodeid
        self.measured.switch_context(self.test)
        try:
            return (yield)
        finally:
            self.test = NOBODY
            self.measured.switch_context(NOBODY)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
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
        self.measured.switch_context(NOBODY)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up the three parts of a test."""
        self.seconds[report.nodeid] += report.duration
        if report.failed or report.skipped:
            self.failed.add(report.nodeid)


def main(directory: Path, files: list[str]) -> int:
    """Run `files` and write what was recorded; pytest's exit code."""
    measured = coverage.Coverage(data_file=None, config_file=False, source=SOURCES, omit=["*/migrations/*"])
    recorder = Recorder(measured)
    measured.start()
    measured.switch_context(IMPORT)
    code = pytest.main(["-q", "--no-cov", "-p", "no:cacheprovider", *files], plugins=[recorder])
    measured.stop()
    data = measured.get_data()
    imported: dict[str, list[int]] = defaultdict(list)
    lines: dict[str, dict[str, dict[int, list[str]]]] = defaultdict(lambda: defaultdict(dict))
    for measured_file in data.measured_files():
        module = str(Path(measured_file).relative_to(PROJECT))
        for line, tests in data.contexts_by_lineno(measured_file).items():
            if IMPORT in tests:
                imported[module].append(line)
            by_file = defaultdict(list)
            for test in set(tests) - {IMPORT, NOBODY}:
                by_file[test.partition("::")[0]].append(test)
            for file, those in by_file.items():
                lines[file][module][line] = sorted(those)
    (directory / IMPORTS).write_text(json.dumps(imported))
    written = {module: digest(PROJECT / module) for file in lines.values() for module in file}
    keep_sources(directory, written)
    # Whoever interrupts it keeps the files that were run to their end.
    unfinished = {test.partition("::")[0] for test in recorder.wanted - recorder.seconds.keys()}
    for file in {test.partition("::")[0] for test in recorder.seconds} - unfinished:
        numbers = {test: number for number, test in enumerate(sorted(recorder.seconds)) if test.startswith(f"{file}::")}
        of_file = {
            "sha": digest(PROJECT / file),
            "sources": {module: written[module] for module in lines[file]},
            "tests": {number: [test, round(recorder.seconds[test], 4)] for test, number in numbers.items()},
            "failed": sorted(test for test in recorder.failed if test in numbers),
            "lines": {
                module: {line: [numbers[test] for test in tests] for line, tests in by_line.items()}
                for module, by_line in lines[file].items()
            },
        }
        path = directory / f"{file.replace('/', '+')}.json"
        path.write_text(json.dumps(of_file))
    return int(code)


def keep_sources(directory: Path, written: dict[str, str]) -> None:
    """Keep the text that lines were counted in, so that they are found again after a change."""
    for module, sha in written.items():
        kept = directory / "sources" / sha
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes((PROJECT / module).read_bytes())


def digest(path: Path) -> str:
    """What tells one version of a file from another."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:20]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
