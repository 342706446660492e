"""The suite in several processes: each has a database of its own in PostgreSQL and in Valkey, and some tests stay together.

pytest-django names the databases in PostgreSQL. This module is read before Django's settings are, so that they find the other.
"""

import os
import re
from urllib.parse import urlsplit

import pytest

# These start servers and whole stacks, on ports and in databases that two of them at once would take from each other.
START_SERVERS = (
    "tests/bench/",
    "tests/clients/",
    "tests/launcher/",
    "tests/production/",
    "tests/web/test_slow_bodies.py",
)


def redis_database(number: int) -> str:
    """The URL of another database of the tests' Valkey."""
    url = os.environ["REDIS_URL"]
    if "db=" in url:
        return re.sub(r"db=\d+", f"db={number}", url)
    return urlsplit(url)._replace(path=f"/{number}").geturl()


if "PYTEST_XDIST_WORKER" in os.environ and "REDIS_URL" in os.environ:
    os.environ["REDIS_URL"] = redis_database(int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw")))


# Before xdist reads the marks.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep together what shares servers, and what shares a fixture of its module."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    for item in items:
        path = item.nodeid.partition("::")[0]
        if path.startswith(START_SERVERS):
            item.add_marker(pytest.mark.xdist_group("servers"))
        elif any(one.scope == "module" for name in item.fixturenames for one in _definitions(item, name)):
            item.add_marker(pytest.mark.xdist_group(path))


def _definitions(item: pytest.Item, name: str) -> list[pytest.FixtureDef[object]]:
    found: dict[str, list[pytest.FixtureDef[object]]] = getattr(item, "_fixtureinfo").name2fixturedefs  # noqa: B009
    return list(found.get(name, ()))[-1:]
