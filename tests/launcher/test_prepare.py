import pytest
from django.core.management import call_command
from django.db import connection, connections

from launcher.prepare import quick_states

SHAPE = """
SELECT 'column', table_name, column_name, data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '')
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
ORDER BY 1, 2, 3, 4
"""


def shape(alias):
    with connections[alias].cursor() as cursor:
        cursor.execute(SHAPE)
        return cursor.fetchall()


@pytest.fixture
def empty(transactional_db):
    """The alias of an empty database beside that of the tests."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE quickly_made")
    connections.databases["quick"] = connections.databases["default"] | {"NAME": "quickly_made"}
    yield "quick"
    connections["quick"].close()
    del connections.databases["quick"]
    with connection.cursor() as cursor:
        cursor.execute("DROP DATABASE quickly_made")


def test_a_schema_that_was_made_quickly_is_that_of_every_other_server(empty):
    with quick_states():
        call_command("migrate", database=empty, interactive=False, verbosity=0)
    quick, slow = shape(empty), shape("default")
    assert len(slow) > 500
    assert quick == slow
