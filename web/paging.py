"""Keyset paging: a page begins where the last one ended, without counting and without OFFSET."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Protocol, Self

import orjson
from django.core.exceptions import ValidationError
from django.db.models import BooleanField, F, Field, Func, Model, QuerySet, Value
from rest_framework.request import Request

from web.problems import Fault, Problem, invalid
from web.words import bilingual

DEFAULT_LIMIT = 25
MAX_LIMIT = 100
_CURSOR_LENGTH = 1024

_LIMIT_REASON = bilingual("limit 应为 1 至 100 的整数。", "limit must be a whole number from 1 to 100.")
_CURSOR_REASON = bilingual("cursor 无效，请从第一页重新读取。", "The cursor is not valid; start from the first page.")


@dataclass(frozen=True, slots=True)
class Page[Row]:
    """One page of a list; `next_cursor` is None on the last."""

    rows: list[Row]
    next_cursor: str | None

    def of[Other](self, rows: list[Other]) -> "Page[Other]":
        """The same page with other rows in the place of its own."""
        return Page(rows, self.next_cursor)

    def envelope(self, results: Sequence[object] | None = None) -> dict[str, object]:
        """The answer's body, with `results` or its own rows."""
        return {"results": self.rows if results is None else results, "next_cursor": self.next_cursor}


class First[Row: Model](Protocol):
    """Finds the first `count` of `rows` in the order of `keys`, in a way of its own."""

    def __call__(self, rows: QuerySet[Row], keys: Sequence[str], count: int) -> QuerySet[Row]: ...


class _Row(Func):
    template = "(%(expressions)s)"
    output_field = BooleanField()


class _After(Func):
    arg_joiner = " > "
    template = "%(expressions)s"
    output_field = BooleanField()


class _Before(_After):
    arg_joiner = " < "


def _bad_cursor() -> Problem:
    return Problem("bad_cursor", 400, errors=[Fault("cursor", "invalid", _CURSOR_REASON)])


def _limit(asked: int | str, most: int) -> int:
    text = str(asked)
    if text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= most:
        return int(text)
    raise invalid(Fault("limit", "invalid", _LIMIT_REASON))


def _encode(values: Sequence[object]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(values)).rstrip(b"=").decode()


def _decode(cursor: str, fields: Sequence["Field[Any, Any]"]) -> list[object]:
    """The key values in `cursor`, each as its field's own type; raises a 400 Problem for anything else."""
    try:
        if len(cursor) > _CURSOR_LENGTH:
            raise _bad_cursor()
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        values = orjson.loads(raw)
        if not isinstance(values, list) or len(values) != len(fields):
            raise _bad_cursor()
        return [_typed(value, field) for value, field in zip(values, fields, strict=True)]
    except (ValueError, TypeError, OverflowError, binascii.Error, ValidationError):
        raise _bad_cursor() from None


def _typed(value: object, field: "Field[Any, Any]") -> object:
    value = field.to_python(value)
    # A naive time would be read in the active time zone; PostgreSQL does not accept NUL in text.
    naive = isinstance(value, datetime) and value.tzinfo is None
    if value is None or naive or (isinstance(value, str) and "\0" in value):
        raise ValueError
    field.run_validators(value)
    return value


def _field(queryset: QuerySet[Model], name: str) -> "Field[Any, Any]":
    if name in queryset.query.annotations:
        return queryset.query.annotations[name].output_field
    field: Any = None
    model = queryset.model
    for part in name.split("__"):
        field = model._meta.get_field(part)
        model = field.related_model
    found: Field[Any, Any] = field.target_field if field.is_relation else field
    return found


def page[Row: Model](
    request: Request, queryset: QuerySet[Row], *key_fields: str, first: "First[Row] | None" = None
) -> Page[Row]:
    """The page of `queryset` that the request's `cursor` and `limit` ask for; see `PageRequest.page`."""
    return PageRequest.of(request.query_params).page(queryset, *key_fields, first=first)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page of a list is asked for: after which `cursor`, and how many rows at most; `most` is how many may be asked for."""

    cursor: str | None = None
    limit: int | str = DEFAULT_LIMIT
    most: int = MAX_LIMIT

    @classmethod
    def of(cls, params: Mapping[str, str]) -> Self:
        """The page that the parameters of an address ask for."""
        return cls(params.get("cursor"), params.get("limit", DEFAULT_LIMIT))

    def page[Row: Model](
        self, queryset: QuerySet[Row], *key_fields: str, first: "First[Row] | None" = None
    ) -> Page[Row]:
        """The page of `queryset`, ordered by `key_fields`.

        The keys are not null, together unique, and all rising (`"next_due_at", "id"`) or all falling (`"-closed_at",
        "-id"`), so that one index gives order and position. `first` may find the first rows in its own way. Costs one
        statement. Raises a 400 Problem for a bad cursor or limit.
        """
        position = self.position(self.fields(queryset, key_fields)) if self.cursor else None
        names = [key.removeprefix("-") for key in key_fields]
        rows = list(self.narrowed(queryset, key_fields, position, first))
        return self.cut(rows, lambda row: [_value(row, name) for name in names])

    def fields(self, queryset: QuerySet[Any], key_fields: Sequence[str]) -> list["Field[Any, Any]"]:
        """The columns of the keys, which read a position."""
        return [_field(queryset, key.removeprefix("-")) for key in key_fields]

    def position(self, fields: Sequence["Field[Any, Any]"]) -> list[object]:
        """The keys of the row after which the page begins; nothing on the first page. Raises a 400 Problem for a bad cursor."""
        return _decode(self.cursor, fields) if self.cursor else []

    def narrowed[Row: Model](
        self,
        queryset: QuerySet[Row],
        key_fields: Sequence[str],
        position: Sequence[object] | None,
        first: "First[Row] | None" = None,
    ) -> QuerySet[Row]:
        """The rows of the page and one more, after the position where there is one. Raises a 400 Problem for a bad limit."""
        limit = _limit(self.limit, self.most)
        falling = {key.startswith("-") for key in key_fields}
        if len(falling) != 1:
            raise ValueError("Keys must all rise or all fall.")
        if position:
            values = map(Value, position, self.fields(queryset, key_fields))
            beyond = _Before if True in falling else _After
            queryset = queryset.filter(beyond(_Row(*(F(key.removeprefix("-")) for key in key_fields)), _Row(*values)))
        if first is not None:
            queryset = first(queryset, key_fields, limit + 1)
        return queryset.order_by(*key_fields)[: limit + 1]

    def cut[Row](self, rows: list[Row], keys: Callable[[Row], Sequence[object]]) -> Page[Row]:
        """The page of what `narrowed` finds; `keys` reads a row's keys."""
        limit = _limit(self.limit, self.most)
        return Page(rows, None) if len(rows) <= limit else Page(rows[:limit], _encode(keys(rows[limit - 1])))


def _value(row: object, name: str) -> object:
    """The value of a key in a row; `lead__due_at` reads `row.lead.due_at` where the row has no such attribute itself."""
    return getattr(row, name) if hasattr(row, name) else attrgetter(name.replace("__", "."))(row)
