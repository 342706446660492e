"""The engine is tried through the ticket, its first subject: tables make the keys and locks real."""

from io import StringIO

import pytest
from django.core.management import call_command

from tests.tickets.paths import Scene


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """The test database of this session, with the catalogue in it as well."""
    with django_db_blocker.unblock():
        call_command("load_categories", stdout=StringIO())


@pytest.fixture
def scene(cast):
    """The demo street at work through the engine itself, at moments that the test decides."""
    return Scene(cast)
