import pytest
from django.db import connection
from django.db.utils import NotSupportedError

from config.postgresql.base import refuse_older_than


@pytest.mark.parametrize("found", [(17, 6), (9, 6)])
def test_an_older_postgresql_is_refused_with_what_to_do(found):
    with pytest.raises(
        NotSupportedError, match=rf"needs PostgreSQL 18 or later, .* PostgreSQL {found[0]}\.6.*\bUpgrade"
    ):
        refuse_older_than((18,), found)


@pytest.mark.parametrize("found", [(18, 0), (18, 6), (19, 1)])
def test_postgresql_18_and_later_are_welcome(found):
    refuse_older_than((18,), found)


@pytest.mark.django_db
def test_every_connection_asks_for_the_version():
    other = connection.copy()
    # What libpq reports is cached here; django compares it when the first connection of a process is made.
    other.__dict__["pg_version"] = 170006
    with pytest.raises(NotSupportedError, match=r"PostgreSQL 17\.6"):
        other.check_database_version_supported()
    connection.check_database_version_supported()


def test_a_refused_connection_is_not_left_open(monkeypatch, django_db_blocker):
    monkeypatch.setattr("django.db.backends.base.base.RAN_DB_VERSION_CHECK", set())
    other = connection.copy()
    other.__dict__["pg_version"] = 170006
    with django_db_blocker.unblock():
        for _ in range(2):
            with pytest.raises(NotSupportedError):
                other.ensure_connection()
            assert other.connection is None
