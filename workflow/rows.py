"""New rows of several tables, and one changed row, written by one statement that is worded once in a process.

A filing inserts into five tables. The ORM words each INSERT anew and sends it by itself, which costs more than PostgreSQL needs to
carry it out; this does what `bulk_create` and `save` do for these rows, and nothing else of it. Rows travel as JSON, one parameter
a table, so that the statement is the same however many there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from django.db import DatabaseError, connection, models
from django.db.models.expressions import DatabaseDefault


@dataclass(frozen=True, slots=True)
class Change:
    """A stored row, and the attributes of it that are to be written."""

    row: models.Model
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """What tells one statement from another: the table, and the columns that are given; to insert, or to change."""

    model: type[models.Model]
    given: tuple[str, ...]
    changes: bool = False


@cache
def _columns(model: type[models.Model]) -> dict[str, str]:
    """The quoted column of each attribute of `model`."""
    return {field.attname: connection.ops.quote_name(str(field.column)) for field in model._meta.concrete_fields}


@cache
def _statement(shapes: tuple[Shape, ...]) -> str:
    parts, keys = [], []
    for number, shape in enumerate(shapes):
        table = connection.ops.quote_name(shape.model._meta.db_table)
        columns = [_columns(shape.model)[attname] for attname in shape.given]
        key = _columns(shape.model)[shape.model._meta.pk.attname]
        # Every name is a model's own; what comes from outside is a parameter.
        if shape.changes:
            setting = ", ".join(f"{column} = r.{column}" for column in columns)
            row = f"jsonb_populate_record(NULL::{table}, %s::jsonb) AS r"
            part = f"UPDATE {table} SET {setting} FROM {row} WHERE {table}.{key} = %s RETURNING {table}.{key}"  # noqa: S608
        else:
            names, rows = ", ".join(columns), f"jsonb_populate_recordset(NULL::{table}, %s::jsonb)"
            part = f"INSERT INTO {table} ({names}) SELECT {names} FROM {rows} RETURNING {key}"  # noqa: S608
        parts.append(f"g{number} AS ({part})")
        keys.append(f"ARRAY(SELECT {key} FROM g{number})")  # noqa: S608
    return f"WITH {', '.join(parts)} SELECT {', '.join(keys)}"


def _as_json(value: Any) -> Any:
    """What JSON has no word for, as PostgreSQL reads it from a string."""
    if isinstance(value, bytes | memoryview):
        return f"\\x{bytes(value).hex()}"
    raise TypeError(f"{type(value).__name__} cannot be inserted this way.")


def _json(rows: Sequence[models.Model], names: Sequence[str]) -> str:
    return orjson.dumps([{name: row.__dict__[name] for name in names} for row in rows], default=_as_json).decode()


def write_rows(*groups: Sequence[models.Model], change: Change | None = None) -> None:
    """Insert new rows, each group those of one table, and write one changed row, by one statement for all of them.

    Foreign keys among the groups may be given, for PostgreSQL looks at them when the transaction ends; a place under a unique key
    that the change sets free is not free for the new rows yet. Rows whose id PostgreSQL makes have it afterwards. Raises TypeError
    for a value that is neither JSON's nor a UUID, a date, a time or bytes.
    """
    shapes: list[Shape] = []
    parameters: list[Any] = []
    for rows in groups:
        model = type(rows[0])
        # What the database fills in is left out; rows of one group leave out alike.
        first = rows[0].__dict__
        given = tuple(name for name in _columns(model) if not isinstance(first[name], DatabaseDefault))
        shapes.append(Shape(model, given))
        parameters.append(_json(rows, given))
    if change is not None:
        model = type(change.row)
        shapes.append(Shape(model, change.names, changes=True))
        parameters += [_json([change.row], change.names)[1:-1], change.row.pk]
    with connection.cursor() as cursor:
        cursor.execute(_statement(tuple(shapes)), parameters)
        made = cursor.fetchone()
    for rows, keys in zip(groups, made, strict=False):
        for row, key in zip(rows, keys, strict=True):
            row.pk = key
            row._state.adding, row._state.db = False, connection.alias
    if change is not None and len(made[-1]) != 1:
        raise DatabaseError(f"{change.row!r} is not there to be changed.")
