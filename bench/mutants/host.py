"""One pytest that has imported everything and made its database; every mutant runs in a fork of it.

`python -m bench.mutants.host PLAN` runs what the plan (a JSON file) asks for and adds a line to the session file for each mutant.
A mutant in what runs at the import has a pytest of its own: `python -m bench.mutants.host --alone PLAN`.
"""

import contextlib
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import random
import select
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest

from bench.mutants import reach, swapping
from bench.mutants.making import Module, Mutant
from launcher.account import die_with_parent
from launcher.family import PROJECT

OPTIONS = ["-q", "-s", "--no-cov", "-p", "no:cacheprovider"]
OURS = ("workflow", "tickets", "casework", "community", "notifications", "web", "config")
# Such tests commit, so the database is made anew after them.
COMMITTING = "transactional_db"
# Longer than this for one test is an endless loop; on a busy machine everything takes longer than when it was recorded.
PATIENCE, SLOWER = 20.0, 12
# For a pytest of its own: to start and to import.
START = 120.0
PASSED = b"passed"


@dataclass(frozen=True)
class Result:
    """What became of a mutant: found, late (an endless loop: found, too), survived, unreached, or none (the same program)."""

    outcome: str
    by: str
    seconds: float
    tests: int


class Host:
    """A plugin of pytest that runs mutants instead of tests."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.map = reach.read(Path(plan["map"]), plan["tests"])
        self.failed = ""
        self.items: dict[str, pytest.Item] = {}
        self.passing: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the first failure."""
        if report.failed and not self.failed:
            self.failed = report.nodeid
            if loud := os.environ.get("MUTANTS_LOUD"):
                with Path(loud).open("a") as file:
                    file.write(f"{report.nodeid}\n{report.longreprtext}\n")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Set up what the session needs, then run mutant after mutant."""
        if session.testsfailed:
            raise pytest.UsageError("The tests cannot be collected.")
        self.items = {item.nodeid: item for item in session.items}
        self.map.useless |= set(self.map.seconds) - set(self.items)
        first = next(
            item for item in session.items if "db" in item.fixturenames and COMMITTING not in item.fixturenames
        )
        first.config.hook.pytest_runtest_protocol(item=first, nextitem=session)
        if self.failed:
            raise pytest.UsageError(f"{self.failed} fails without any mutant.")
        self.database = Database()
        self.database.keep()
        named = dict.fromkeys(module for module, _ in self.plan["mutants"])
        self.functions = swapping.functions_of(str(PROJECT / module) for module in named)
        self.forgetting = swapping.forget(OURS)
        gc.collect()
        # Nothing of this is garbage, and forks share what is not looked at.
        gc.freeze()
        self.modules = {module: Module(module) for module in named}
        wanted = self.plan["mutants"]
        # Whoever stops it early has a fair sample.
        random.Random(0).shuffle(wanted)
        with Path(self.plan["session"]).open("a") as file:
            for count, (module, number) in enumerate(wanted, 1):
                mutant = self.modules[module].mutants[number]
                result = self.run(mutant)
                if result is None:
                    continue
                if result.outcome in {"found", "late"}:
                    self.map.finders[module][result.by] += 1
                line = {
                    "sha": self.plan["sources"][module],
                    "module": module,
                    "number": number,
                    "operator": mutant.operator,
                    "line": mutant.line,
                    "outcome": result.outcome,
                    "by": result.by,
                    "seconds": round(result.seconds, 1),
                    "of": result.tests,
                    "diff": self.modules[module].diff(mutant),
                }
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                file.flush()
                print(
                    f"{count:>5}/{len(wanted)} {result.outcome:<9} {module}:{mutant.line} {mutant.operator}, "
                    f"{result.seconds:.1f} s of {result.tests} tests {result.by.partition('::')[2][:60]}",
                    flush=True,
                )
        return True

    def run(self, mutant: Mutant) -> Result | None:
        """Run the tests that reach the mutant until one fails; None where it has to wait for another run."""
        module = self.modules[mutant.module]
        began = time.monotonic()
        changed = module.mutated(mutant)
        path = str(PROJECT / mutant.module)
        try:
            new = compile(changed, path, "exec", dont_inherit=True)
        except SyntaxError:
            return Result("none", "", 0, 0)
        old = compile(module.source, path, "exec", dont_inherit=True)
        if swapping.same(old, new):
            return Result("none", "", 0, 0)
        tests = self.map.reaching(mutant.module, mutant.lines)
        order = self.map.in_turn(mutant.module, tests, self.plan["budget"])
        outcome, by = "unreached", ""
        try:
            pairs = swapping.changed_codes(old, new)
            while order:
                order.sort(key=self._commits)
                outcome, by = self.fork(pairs, order)
                if outcome == "survived" or self._passes(by):
                    break
                order = [test for test in order if test not in self.map.useless]
                outcome, by = "unreached", ""
            at_import = self.map.imported[mutant.module].intersection(mutant.lines)
        except swapping.Cold:
            if self.plan["functions"]:
                return None
            at_import = set(mutant.lines)
        if at_import and outcome == "unreached" and self.plan["functions"]:
            return None
        if at_import and outcome in {"survived", "unreached"} and not self.plan["functions"]:
            order = order or self.map.in_turn(mutant.module, self.map.anywhere(mutant.module), self.plan["budget"])
            if order:
                outcome, by = self.alone(mutant, changed, order)
        return Result(outcome, by, time.monotonic() - began, len(order))

    def fork(self, pairs: list[tuple[CodeType, CodeType]], order: list[str]) -> tuple[str, str]:
        """Run these tests in a fork: the outcome and the test that found it."""
        reading, writing = os.pipe()
        with warnings.catch_warnings():
            # The recorder's and the fakes' threads are idle, and no lock is held here.
            warnings.simplefilter("ignore", DeprecationWarning)
            parent, child = os.getpid(), os.fork()
        if not child:
            self._in_child(parent, writing, pairs, order)
        os.close(writing)
        running, committed, told = "", False, b""
        try:
            while True:
                patience = PATIENCE + SLOWER * self.map.seconds.get(running, 0)
                if not select.select([reading], [], [], patience)[0]:
                    return "late", running
                more = os.read(reading, 4096)
                told += more
                *lines, told = told.split(b"\n")
                for line in lines:
                    if line == PASSED:
                        return "survived", ""
                    running = order[int(line)]
                    committed = committed or self._commits(running)
                if not more:
                    # It failed, or its process died.
                    return "found", running
        finally:
            os.close(reading)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            self.database.clean(committed)

    def _in_child(
        self, parent: int, writing: int, pairs: list[tuple[CodeType, CodeType]], order: Sequence[str]
    ) -> None:
        try:
            os.setpgid(0, 0)
            die_with_parent(parent, signal.SIGKILL)
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nowhere, stream)
            for forget in self.forgetting:
                forget()
            swapping.swap(pairs, self.functions)
            for place, test in enumerate(order):
                os.write(writing, b"%d\n" % place)
                item = self.items[test]
                # The session as the next one: everything of the test is torn down, and nothing of the session.
                following = self.items[order[place + 1]] if place + 1 < len(order) else item.session
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if self.failed:
                    break
            else:
                os.write(writing, PASSED + b"\n")
        finally:
            # Nothing of the session is torn down here: it is the parent's.
            os._exit(0)

    def _passes(self, test: str) -> bool:
        """Whether the test passes here where nothing is changed. Asked once; who fails is not asked any more."""
        if test not in self.passing:
            if self.fork([], [test])[0] != "survived":
                self.map.useless.add(test)
                return False
            self.passing.add(test)
        return True

    def _commits(self, test: str) -> bool:
        return COMMITTING in self.items[test].fixturenames  # type: ignore[attr-defined]

    def alone(self, mutant: Mutant, changed: str, order: list[str]) -> tuple[str, str]:
        """Run these tests in a pytest of their own, which imports the changed module."""
        plan = Path(self.plan["directory"]) / "alone.json"
        failed = plan.with_suffix(".failed")
        failed.unlink(missing_ok=True)
        plan.write_text(
            json.dumps(
                {
                    "module": mutant.module,
                    "source": changed,
                    "tests": order,
                    "failed": str(failed),
                    "database": self.database.name,
                }
            )
        )
        patience = START + SLOWER * sum(self.map.seconds[test] for test in order)
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.mutants.host", "--alone", str(plan)],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        try:
            code = process.wait(patience)
        except subprocess.TimeoutExpired:
            return "late", ""
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self.database.clean(any(COMMITTING in self.items[test].fixturenames for test in order))  # type: ignore[attr-defined]
        by = failed.read_text() if failed.exists() else "at the import"
        return ("survived", "") if code == 0 else ("found", by)


class Database:
    """The test database, which is made anew from a copy after tests that commit."""

    def __init__(self) -> None:
        import psycopg  # noqa: PLC0415 - only now is Django set up
        import redis  # noqa: PLC0415
        from django.conf import settings  # noqa: PLC0415
        from django.db import connection, connections  # noqa: PLC0415

        self.name = connection.settings_dict["NAME"]
        parameters = connection.get_connection_params()
        connections.close_all()
        chosen = {key: parameters[key] for key in ("host", "port", "user", "password") if parameters.get(key)}
        self.server = psycopg.connect(dbname="postgres", autocommit=True, **chosen)
        self.redis = redis.Redis.from_url(settings.REDIS_URL)

    def keep(self) -> None:
        """Make the copy."""
        self.server.execute(f'CREATE DATABASE "{self.name}_kept" TEMPLATE "{self.name}"')

    def clean(self, committed: bool) -> None:
        """Leave nothing of the last mutant."""
        self.redis.flushall()
        if committed:
            self.server.execute(f'DROP DATABASE "{self.name}" WITH (FORCE)')
            self.server.execute(f'CREATE DATABASE "{self.name}" TEMPLATE "{self.name}_kept"')


class Changed(importlib.abc.MetaPathFinder, importlib.machinery.SourceFileLoader):
    """Imports one module from a text instead of from its file."""

    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self.source = source

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The one module's spec."""
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def get_code(self, fullname: str) -> CodeType:
        """The text, compiled; no cache of bytecode is read or written."""
        return compile(self.source, self.path, "exec", dont_inherit=True)


class Alone:
    """A plugin of pytest that runs the tests of one mutant in their order, on the database that is there."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """The chosen tests alone."""
        by_name = {item.nodeid: item for item in items}
        chosen = [by_name[test] for test in self.plan["tests"]]
        items[:] = sorted(chosen, key=lambda item: COMMITTING in item.fixturenames)  # type: ignore[attr-defined]

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: pytest.FixtureRequest) -> bool | None:
        """The database is there, with the reference data in it."""
        if fixturedef.argname != "django_db_setup":
            return None
        from django.db import connection  # noqa: PLC0415 - only now is Django set up

        connection.settings_dict["NAME"] = self.plan["database"]
        fixturedef.cached_result = (None, fixturedef.cache_key(request), None)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Say which test found it."""
        if report.failed:
            Path(self.plan["failed"]).write_text(report.nodeid)


def main(arguments: list[str]) -> int:
    """Run the plan; pytest's exit code."""
    *how, path = arguments
    plan = json.loads(Path(path).read_text())
    if not how:
        return int(pytest.main([*OPTIONS, *plan["tests"]], plugins=[Host(plan)]))
    die_with_parent(os.getppid(), signal.SIGKILL)
    module = PROJECT / plan["module"]
    name = plan["module"].removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    sys.meta_path.insert(0, Changed(name, str(module), plan["source"]))
    files = dict.fromkeys(test.partition("::")[0] for test in plan["tests"])
    return int(pytest.main([*OPTIONS, "-x", *files], plugins=[Alone(plan)]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
