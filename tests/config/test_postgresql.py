import uuid
from datetime import UTC, date, datetime

import pytest
from django.db import connection, transaction
from django.db.utils import NotSupportedError, OperationalError, ProgrammingError
from psycopg import _queries

from config.postgresql.base import DatabaseWrapper, refuse_older_than


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


@pytest.mark.django_db
def test_a_restart_of_the_database_costs_a_process_one_request():
    database = {**connection.settings_dict, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False}
    database["OPTIONS"] = {**database["OPTIONS"], "pool": {"min_size": 1, "max_size": 4, "timeout": 5}}

    def pooled() -> DatabaseWrapper:
        return DatabaseWrapper(database)

    def answers(asked: DatabaseWrapper) -> bool:
        try:
            with asked.cursor() as cursor:
                cursor.execute("SELECT 1")
        except OperationalError:
            return False
        finally:
            asked.close()
        return True

    together = [pooled() for _ in range(4)]
    pids = []
    for one in together:
        with one.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pids += cursor.fetchone()
    assert len(set(pids)) == 4
    for one in together:
        one.close()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid, 5000) FROM unnest(%s::int[]) AS pid", [pids])
        assert [answers(pooled()) for _ in range(6)] == [False, True, True, True, True, True]
    finally:
        pooled().close_pool()


@pytest.mark.django_db
def test_a_cursor_is_used_again_after_it_was_closed_and_by_one_at_a_time():
    with connection.cursor() as first:
        used = first.cursor
        with connection.cursor() as second:
            assert second.cursor is not used
            second.execute("SELECT 2")
            first.execute("SELECT 1")
            assert (first.fetchone(), second.fetchone()) == ((1,), (2,))
    with connection.cursor() as third:
        assert third.cursor is used
        # The first one's holder closes it once more.
        first.close()
        with connection.cursor() as fourth:
            assert fourth.cursor is not used
            fourth.execute("SELECT 4")
            third.execute("SELECT 3")
            assert (third.fetchone(), fourth.fetchone()) == ((3,), (4,))


@pytest.mark.django_db
def test_a_cursor_that_holds_many_rows_is_closed():
    with connection.cursor() as many:
        many.execute("SELECT generate_series(1, 2000)")
        used = many.cursor
    assert used.closed
    with connection.cursor() as few:
        assert few.cursor is not used


@pytest.mark.django_db
def test_after_an_error_a_cursor_is_used_again():
    with connection.cursor() as cursor:
        used = cursor.cursor
        with pytest.raises(ProgrammingError), transaction.atomic():
            cursor.execute("SELECT nothing_of_this_name")
    with connection.cursor() as again:
        assert again.cursor is used
        again.execute("SELECT 1")
        assert again.fetchone() == (1,)


@pytest.mark.django_db
def test_a_cursor_of_a_connection_that_was_closed_is_not_kept():
    other = connection.copy()
    with other.cursor() as cursor:
        used = cursor.cursor
        other.close()
    assert used.closed
    with other.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    other.close()


@pytest.mark.django_db
@pytest.mark.parametrize("chunked", [False, True])
def test_a_moment_is_read_in_utc(chunked):
    with connection.chunked_cursor() if chunked else connection.cursor() as cursor:
        cursor.execute(
            "SELECT '2026-03-01 08:00:00.000001+08'::timestamptz, ARRAY['1900-01-01 00:00+08:05:43'::timestamptz]"
        )
        read, (old,) = cursor.fetchone()
    assert (read, read.tzinfo) == (datetime(2026, 3, 1, 0, 0, 0, 1, tzinfo=UTC), UTC)
    assert (old.isoformat(), old.tzinfo) == ("1899-12-31T15:54:17+00:00", UTC)


@pytest.mark.django_db
def test_the_parameters_of_a_long_statement_are_found_once():
    long = f"SELECT %s /* {'x' * 10_000} */"
    with connection.cursor() as cursor:
        cursor.execute(long, [1])
        before = _queries._query2pg.cache_info()
        cursor.execute(long, [2])
        assert cursor.fetchone() == (2,)
    after = _queries._query2pg.cache_info()
    assert (after.hits, after.misses) == (before.hits + 1, before.misses)


@pytest.mark.django_db
def test_what_a_cursor_remembers_of_one_statement_does_not_change_the_next():
    def read(sql: str, *parameters: object) -> object:
        with connection.cursor() as cursor:
            used.add(id(cursor.cursor))
            cursor.execute(sql, parameters)
            return cursor.fetchone()

    used: set[int] = set()
    key = uuid.uuid4()
    for _ in range(2):
        assert read("SELECT %s::uuid, %s::int", key, 7) == (key, 7)
        assert read("SELECT %s::int, %s::uuid", 7, key) == (7, key)
        assert read("SELECT %s::text, %s::int[]", "7", [7]) == ("7", [7])
        assert read("SELECT %s::uuid, %s::text[]", None, ["7"]) == (None, ["7"])
        assert read("SELECT %s::date, %s::bytea", date(2026, 3, 1), b"7") == (date(2026, 3, 1), b"7")
    assert len(used) == 1
