"""Who receives for an organisation: itself, or its head office where it has no member."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, DateField, DateTimeField, F, Func, Value
from django.db.models.sql.compiler import SQLCompiler

from community import live


@dataclass(frozen=True, slots=True)
class Receiver:
    """An organisation, and the organisation that receives for it. `receiver_id` is None where there is none."""

    organisation_id: uuid.UUID
    kind: str
    function: str
    street_id: uuid.UUID | None
    parent_id: uuid.UUID | None
    receiver_id: uuid.UUID | None
    name: str
    name_en: str


_HERE, _HEAD = live.today("clock.at", "street"), live.today("clock.at", "its_street")
SQL = f"""
SELECT o.id, o.kind, o.function, o.street_id, o.parent_id,
  CASE WHEN {live.staffed("o", "here.day")} THEN o.id
       WHEN {live.lives("head", "there.day")} AND {live.staffed("head", "there.day")} THEN head.id END,
  o.name, o.name_en
FROM (SELECT %(at)s::timestamptz AS at) clock, community_organisation o
LEFT JOIN community_street street ON street.id = o.street_id
LEFT JOIN community_organisation head ON head.id = o.parent_id
LEFT JOIN community_street its_street ON its_street.id = head.street_id
CROSS JOIN LATERAL (SELECT {_HERE} AS day) here
CROSS JOIN LATERAL (SELECT {_HEAD} AS day) there
WHERE {{which}} AND {live.lives("o", "here.day")}
"""  # noqa: S608 - all words are our own
# Of one organisation by its id: with an array of them PostgreSQL plans anew each time.
OF_ONE = SQL.format(which="o.id = %(key)s")
OF_SEVERAL = SQL.format(which="o.id = ANY(%(key)s)")
OF_STREET = SQL.format(which="(o.street_id = %(key)s OR o.street_id IS NULL)")


def receivers(ids: Collection[uuid.UUID], at: datetime) -> Mapping[uuid.UUID, Receiver]:
    """Who receives for each of the organisations `ids` at `at`, in one statement.

    Organisations that do not exist on that day are left out. One that exists has `receiver_id` None where neither it
    nor its head office has a member.
    """
    asked = set(ids)
    with connection.cursor() as cursor:
        if len(asked) == 1:
            cursor.execute(OF_ONE, {"key": asked.pop(), "at": at})
        else:
            cursor.execute(OF_SEVERAL, {"key": list(asked), "at": at})
        return {row[0]: Receiver(*row) for row in cursor.fetchall()}


def receivers_in(street: uuid.UUID, at: datetime) -> list[Receiver]:
    """The organisations of a street, and those that all streets share, for which somebody receives at `at`. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(OF_STREET, {"key": street, "at": at})
        return [one for row in cursor.fetchall() if (one := Receiver(*row)).receiver_id is not None]


def local_day(at: datetime) -> date:
    """The date of `at` in the server's time zone."""
    return at.astimezone(ZoneInfo(settings.TIME_ZONE)).date()


def receives(organisation: str, when: date | datetime) -> "Living":
    """A query expression: whether the organisation in the column `organisation` receives for itself.

    Give a moment, which is a different day in different time zones, or a day that is the same everywhere.
    """
    return Living(F(organisation), _when(when), staffed=True)


def is_there(organisation: str, when: date | datetime) -> "Living":
    """A query expression like `receives`: whether the organisation exists, with members or without."""
    return Living(F(organisation), _when(when), staffed=False)


def _when(when: date | datetime) -> Value:
    return Value(when, output_field=DateTimeField() if isinstance(when, datetime) else DateField())


class Living(Func):
    """`receives` and `is_there`, as SQL."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, organisation: object, when: object, *, staffed: bool):
        super().__init__(organisation, when)
        self.staffed = staffed

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, *args: object, **kwargs: object
    ) -> tuple[str, tuple[Any, ...]]:
        """One EXISTS."""
        organisation, when = self.get_source_expressions()
        column, of_column = compiler.compile(organisation)
        moment, of_moment = compiler.compile(when)
        at_moment = isinstance(when.output_field, DateTimeField)
        cast, day = ("timestamptz", live.today("clock.at", "street")) if at_moment else ("date", "clock.at")
        conditions = [live.lives("o", "today.day"), *([live.staffed("o", "today.day")] if self.staffed else [])]
        sql = f"""EXISTS (
SELECT FROM (SELECT {moment}::{cast} AS at) clock, community_organisation o
LEFT JOIN community_street street ON street.id = o.street_id
CROSS JOIN LATERAL (SELECT {day} AS day) today
WHERE o.id = {column} AND {" AND ".join(conditions)})"""
        return sql, (*of_moment, *of_column)
