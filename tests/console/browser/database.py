"""A database of its own for what runs in browsers: the server commits to it, and the other tests see nothing of that."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from django.db import connection

from tests.workers import redis_database

NAME = "linli_in_browsers"
REDIS = 8


def url(name: str = NAME) -> str:
    """Where a database of the tests' PostgreSQL is."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def environment() -> dict[str, str]:
    """What processes need to know of it."""
    return {"DATABASE_URL": url(), "REDIS_URL": redis_database(REDIS)}


@contextmanager
def made() -> Iterator[None]:
    """Make it as a copy of what all tests begin with; it is dropped afterwards."""
    template = os.environ.get("LINLI_TEST_TEMPLATE", connection.settings_dict["NAME"])
    connection.close()
    with psycopg.connect(url("postgres"), autocommit=True) as administrator:
        administrator.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        administrator.execute(f'CREATE DATABASE {NAME} TEMPLATE "{template}"')
        try:
            yield
        finally:
            administrator.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")


@contextmanager
def entered() -> Iterator[None]:
    """Let this process's connection lead there."""
    own = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = NAME
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = own
