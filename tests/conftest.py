"""What every test can ask for: the demo street, loaded once, and its cast; and no way out to the network."""

import socket
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from community import demo
from community.models import Street


@pytest.fixture(autouse=True, scope="session")
def no_way_out() -> Iterator[None]:
    """The tests' own process connects to nothing but this machine."""
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            raise AssertionError(f"A test tried to connect to {address!r}.")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", local_only)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """The test database, with the demo street and all reference data in it for the whole session."""
    with django_db_blocker.unblock():
        call_command("load_demo", stdout=StringIO())
        call_command("load_reference", stdout=StringIO())


@pytest.fixture
def transactional_db(django_db_setup, django_db_blocker):
    """The test database without a test transaction, for threads; nothing is flushed: who writes here removes it again.

    Has pytest-django's own name, by which it knows that a test database is needed and that such tests come last.
    """
    with django_db_blocker.unblock():
        yield
        connection.close()


@pytest.fixture
def street(db):
    """The demo street."""
    return Street.objects.get(code="xueyuanlu")


@pytest.fixture
def cast(db):
    """The people of the demo street by key: resident, neighbour, chair, dispatcher, worker, desk_officer, outsider …"""
    return demo.cast()
