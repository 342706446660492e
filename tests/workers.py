"""The suite in several processes: each has a database of its own in PostgreSQL and in Valkey, and what starts servers stays together.

Tests that start servers or are named in slow.txt have the mark `slow`.

pytest-django names the databases in PostgreSQL. This module is read before Django's settings are, so that they find the other.
"""

import gc
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

# These start servers and whole stacks, on ports and in databases that two of them at once would take from each other.
START_SERVERS = (
    "tests/bench/",
    "tests/clients/",
    "tests/console/browser/",
    "tests/launcher/",
    "tests/production/",
    "tests/web/test_slow_bodies.py",
)

BROWSERS = "tests/console/browser/"
"""These share a browser and a server, which the others do not need: they stay together in another process."""

SLOW = Path(__file__).parent / "slow.txt"
"""Functions of tests that are left out of `make test ARGS=fast`; tests/costs.py writes it."""


def redis_database(number: int) -> str:
    """The URL of another database of the tests' Valkey."""
    url = os.environ["REDIS_URL"]
    if "db=" in url:
        return re.sub(r"db=\d+", f"db={number}", url)
    return urlsplit(url)._replace(path=f"/{number}").geturl()


if "PYTEST_XDIST_WORKER" in os.environ and "REDIS_URL" in os.environ:
    os.environ["REDIS_URL"] = redis_database(int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw")))


class ServersTogether(LoadScopeScheduling):
    """Gives each test to whichever process is free, but all that start servers to one."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(BROWSERS):
            return "browsers"
        return "servers" if nodeid.startswith(START_SERVERS) else nodeid

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """Forget what is complete: xdist looks through all that a process was ever given, after each test."""
        super().mark_test_complete(node, item_index, duration)
        scope = self._split_scope(self.registered_collections[node][item_index])
        if all(self.assigned_work[node][scope].values()):
            del self.assigned_work[node][scope]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ServersTogether:
    """Which process gets which tests. Marks of groups would say it as well, but pytest 9.2 loses them without a word."""
    return ServersTogether(config, log)


def function(nodeid: str) -> str:
    """The test without the parameters of the case."""
    return nodeid.partition("[")[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow."""
    slow = set(SLOW.read_text().split())
    for item in items:
        if item.nodeid.startswith(START_SERVERS) or function(item.nodeid) in slow:
            item.add_marker("slow")


def pytest_collection_finish() -> None:
    """Leave what is there for the whole session out of garbage collection, which took a twentieth of all time."""
    gc.collect()
    gc.freeze()
