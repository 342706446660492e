"""New and changed rows of several tables, written by one statement that is worded once in a process.

A filing inserts into six tables, a sweep into four, for hundreds of subjects. The ORM words each INSERT anew and sends it by itself,
which costs more than PostgreSQL needs to carry it out; this does what `bulk_create`, `save` and `bulk_update` do for these rows, and
nothing else of it. Rows travel as JSON, one parameter a table, so that the statement is the same however many there are.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache
from operator import itemgetter
from typing import Any, Literal

import orjson
from django.db import DatabaseError, connection, models
from django.db.models.expressions import DatabaseDefault

from workflow.prepared import array_of


@dataclass(frozen=True, slots=True)
class Change:
    """Stored rows of one table, and the attributes of them that are to be written."""

    rows: Sequence[models.Model]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """What tells one statement from another: the table, and the columns that are given; to insert, or to change one or many."""

    model: type[models.Model]
    given: tuple[str, ...]
    changes: Literal["", "one", "many"] = ""


@cache
def attributes(model: type[models.Model]) -> tuple[str, ...]:
    """The attributes of the columns of `model`."""
    return tuple(field.attname for field in model._meta.concrete_fields)


@cache
def all_of(model: type[models.Model]) -> Callable[[Mapping[str, object]], tuple[object, ...]]:
    """Takes the values of `attributes`, in their order, out of an instance's dictionary."""
    return itemgetter(*attributes(model))


@cache
def _filled_in(model: type[models.Model]) -> tuple[str, ...]:
    """Those that the database may fill in."""
    return tuple(field.attname for field in model._meta.concrete_fields if field.has_db_default())


@cache
def _but(model: type[models.Model], left_out: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in attributes(model) if name not in left_out)


@cache
def _columns(model: type[models.Model]) -> dict[str, str]:
    """The column of each attribute of `model`."""
    return {field.attname: str(field.column) for field in model._meta.concrete_fields}


@cache
def _statement(shapes: tuple[Shape, ...]) -> str:
    parts, keys = [], []
    for number, shape in enumerate(shapes):
        table = connection.ops.quote_name(shape.model._meta.db_table)
        quoted = {name: connection.ops.quote_name(column) for name, column in _columns(shape.model).items()}
        columns, key = [quoted[name] for name in shape.given], quoted[shape.model._meta.pk.attname]
        # Every name is a model's own; what comes from outside is a parameter.
        if shape.changes:
            setting = ", ".join(f"{column} = r.{column}" for column in columns)
            # Rows are found by a parameter of their ids: of a set of JSON the planner guesses that it is a hundred, and scans.
            one = shape.changes == "one"
            rows = f"jsonb_populate_record{'' if one else 'set'}(NULL::{table}, %s::jsonb) AS r"
            found = "= %s" if one else f"= ANY(%s) AND {table}.{key} = r.{key}"
            part = f"UPDATE {table} SET {setting} FROM {rows} WHERE {table}.{key} {found} RETURNING {table}.{key}"  # noqa: S608
        else:
            names, rows = ", ".join(columns), f"jsonb_populate_recordset(NULL::{table}, %s::jsonb)"
            part = f"INSERT INTO {table} ({names}) SELECT {names} FROM {rows} RETURNING {key}"  # noqa: S608
        parts.append(f"g{number} AS ({part})")
        keys.append(f"ARRAY(SELECT {key} FROM g{number})")  # noqa: S608
    return f"WITH {', '.join(parts)} SELECT {', '.join(keys)}"


def _as_json(value: object) -> object:
    """What JSON has no word for, as PostgreSQL reads it from a string."""
    if isinstance(value, bytes | memoryview):
        return f"\\x{bytes(value).hex()}"
    if isinstance(value, timedelta):
        return f"{value.days} days {value.seconds} seconds {value.microseconds} microseconds"
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be inserted this way.")


@cache
def _told(model: type[models.Model], names: tuple[str, ...]) -> tuple[list[str], Callable[[Mapping[str, object]], Any]]:
    """The columns of the names, and what takes their values out of an instance's dictionary."""
    # One name more than there are columns, for a single name would give no tuple.
    return [_columns(model)[name] for name in names], itemgetter(*names, names[0])


def _json(rows: Sequence[models.Model], names: Sequence[str]) -> str:
    columns, values = _told(type(rows[0]), tuple(names))
    return orjson.dumps(
        [dict(zip(columns, values(row.__dict__), strict=False)) for row in rows], default=_as_json
    ).decode()


def write_rows(*groups: Sequence[models.Model], changes: Sequence[Change] = ()) -> None:
    """Insert new rows, each group those of one table, and write changed rows, by one statement for all of them.

    Foreign keys among the groups may be given, for PostgreSQL looks at them when the transaction ends; a place under a unique key
    that a change sets free is not free for the new rows yet. Rows whose id PostgreSQL makes have it afterwards. Raises TypeError
    for a value that is neither JSON's nor a UUID, a date, a time, a duration, a Decimal or bytes, DatabaseError for a changed row
    that is gone.
    """
    shapes: list[Shape] = []
    parameters: list[str | uuid.UUID] = []
    for rows in groups:
        model = type(rows[0])
        # What the database fills in is left out; rows of one group leave out alike.
        first = rows[0].__dict__
        given = _but(model, tuple(name for name in _filled_in(model) if isinstance(first[name], DatabaseDefault)))
        shapes.append(Shape(model, given))
        parameters.append(_json(rows, given))
    for change in changes:
        model = type(change.rows[0])
        if len(change.rows) == 1:
            shapes.append(Shape(model, change.names, "one"))
            parameters += [_json(change.rows, change.names)[1:-1], change.rows[0].pk]
        else:
            shapes.append(Shape(model, change.names, "many"))
            key = model._meta.pk.attname
            parameters += [_json(change.rows, (*change.names, key)), array_of(row.__dict__[key] for row in change.rows)]
    with connection.cursor() as cursor:
        cursor.execute(_statement(tuple(shapes)), parameters)
        made = cursor.fetchone()
    for rows, keys in zip(groups, made, strict=False):
        name, alias = rows[0]._meta.pk.attname, connection.alias
        for row, key in zip(rows, keys, strict=True):
            row.__dict__[name] = key
            row._state.adding, row._state.db = False, alias
    for change, keys in zip(changes, made[len(groups) :], strict=True):
        if len(keys) < len(change.rows):
            gone = {row.pk for row in change.rows} - set(keys)
            raise DatabaseError(f"{type(change.rows[0]).__name__} {sorted(gone)} is not there to be changed.")
