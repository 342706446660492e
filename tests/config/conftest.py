"""What watches the house needs something going on in it: the catalogue, for tickets."""

from io import StringIO

import pytest
from django.core.management import call_command


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """The test database of this session, with the catalogue in it as well."""
    with django_db_blocker.unblock():
        call_command("load_categories", stdout=StringIO())
