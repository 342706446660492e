"""What a test asks of the database: the statements that are made, how PostgreSQL reads for them, and what is taken back."""

import json
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

from django.db import connection, transaction
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that are made inside, savepoints included; they are there after the block."""
    made: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield made
    made += [one["sql"] for one in captured.captured_queries]


def cost(client: Client, address: str) -> int:
    """How many statements a page takes that has been read before."""
    client.get(address)
    with statements() as made:
        assert client.get(address).status_code == 200
    return len(made)


def plan(sql: str, options: str = "FORMAT JSON") -> dict[str, Any]:
    """How PostgreSQL reads for a statement that was made: the uppermost node."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN ({options}) {sql.replace('%', '%%')}", [])
        (explained,) = cursor.fetchone()
    found = json.loads(explained) if isinstance(explained, str) else explained
    return dict(found[0]["Plan"])


def general_plan(sql: str) -> dict[str, Any]:
    """How PostgreSQL reads for a statement of which it knows no value; each stands in it as `%s`."""
    numbers = count(1)
    numbered = re.sub("%s", lambda _: f"${next(numbers)}", sql).replace("%%", "%")
    return plan(numbered, "GENERIC_PLAN, FORMAT JSON")


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's nodes, the uppermost first."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def more_like(row: Model, others: Sequence[uuid.UUID], **columns: str) -> list[uuid.UUID]:
    """A copy of the row for each of `others`, with the SQL in `columns`, where that is called `other`; the ids of the copies.

    The ORM takes seconds for thousands.
    """
    if not others:
        return []
    names = [one.column for one in row._meta.concrete_fields]
    values = [({"id": "uuidv7()"} | columns).get(name, f'"{name}"') for name in names]
    table = row._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO {table} ("{'", "'.join(names)}") SELECT {", ".join(values)}'  # noqa: S608
            f" FROM {table}, unnest(%s::uuid[]) AS made(other) WHERE id = %s RETURNING id",
            [others, row.pk],
        )
        return [made for (made,) in cursor.fetchall()]


@contextmanager
def undone() -> Iterator[None]:
    """Whatever happens inside is taken back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
