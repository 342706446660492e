"""The database backend: Django's own, with Linli's lower bound on the server's version, and cursors that are used again.

Django compares the bound at the first connection of every process, so web, worker, beat and every command refuse alike.
"""

from datetime import UTC
from functools import cache
from typing import Any

from django.db.backends import utils
from django.db.backends.postgresql import base, features
from django.db.utils import NotSupportedError
from psycopg import _queries
from psycopg.adapt import AdaptersMap
from psycopg.types.datetime import TimestamptzLoader

MINIMUM = (18,)
# The driver keeps where the parameters of a statement stand, but not of one that is longer than 4,096 characters. The statements
# that read a ticket or a page of them are longer, and finding their parameters anew costs as much as reading a row.
_queries.MAX_CACHED_STATEMENT_LENGTH = 16_384
MOST_KEPT = 4
MOST_ROWS = 1_000
"""Cursors with more rows are not kept, for a cursor holds its last result."""


class CursorWrapper(utils.CursorWrapper):
    """Gives its cursor back when it is closed, once."""

    def close(self) -> None:
        """Let the connection use the cursor again. Whoever closes twice closes nobody else's."""
        cursor, self.cursor = self.cursor, None
        if cursor is not None:
            self.db.give_back(cursor)


class DatabaseFeatures(features.DatabaseFeatures):
    minimum_database_version = MINIMUM


class KeptCursor(base.ServerBindingCursor):
    """A cursor that remembers how each type of column is read, and each type of parameter written, from statement to statement."""

    closed: bool
    rowcount: int
    _last_query: object

    def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
        """Send a statement."""
        # By itself it remembers that only while it repeats one statement.
        if self._last_query:
            self._last_query = query
        return super().execute(query, *arguments, **options)  # type: ignore[misc]


@cache
def _plain(adapters: AdaptersMap) -> AdaptersMap:
    """The adapters, but with moments read by psycopg itself, which makes them UTC's where the connection is."""
    plain = AdaptersMap(adapters)
    plain.register_loader("timestamptz", TimestamptzLoader)
    return plain


class DatabaseWrapper(base.DatabaseWrapper):
    features_class = DatabaseFeatures

    def check_database_version_supported(self) -> None:
        """Raise NotSupportedError, with what to do about it, where the server is older than PostgreSQL 18."""
        try:
            refuse_older_than(MINIMUM, self.get_database_version())
        except NotSupportedError:
            # Django asks once a connection: left open, this one would pass as checked.
            self.close()
            raise

    def get_connection_params(self) -> dict[str, Any]:
        """Django's own, without its way to read a moment: that gives each the time zone of the connection once more."""
        params: dict[str, Any] = super().get_connection_params()
        if params["cursor_factory"] is base.ServerBindingCursor:
            params["cursor_factory"] = KeptCursor
        if self.timezone is UTC:
            params["context"] = _plain(params["context"])
        return params

    def create_cursor(self, name: str | None = None) -> Any:
        """A cursor that was given back to this connection, or a new one.

        A new one learns anew how to read each type of column, which costs half as much again as a small statement.
        """
        if name is not None and self.timezone is UTC:
            return self.connection.cursor(name, scrollable=False, withhold=self.connection.autocommit)
        if name is None and (kept := self._kept_cursors()):
            return kept.pop()
        return self.connection.cursor() if self.timezone is UTC else super().create_cursor(name)

    def make_cursor(self, cursor: Any) -> CursorWrapper:
        """The cursor as Django uses it."""
        return CursorWrapper(cursor, self)

    def give_back(self, cursor: Any) -> None:
        """Keep the cursor for the next statement, or close it."""
        kept = self._kept_cursors() if cursor.connection is self.connection else None
        # What PostgreSQL holds open, such as a cursor with a name, is closed there.
        plain = isinstance(cursor, KeptCursor) and not cursor.closed and cursor.rowcount <= MOST_ROWS
        if kept is not None and plain and len(kept) < MOST_KEPT:
            kept.append(cursor)
        else:
            cursor.close()

    def _kept_cursors(self) -> list[Any]:
        # With a pool, each request has another connection.
        kept: list[Any] = self.connection.__dict__.setdefault("kept_cursors", [])
        return kept

    def _close(self) -> None:
        broken = self.connection is not None and self.connection.broken
        super()._close()  # type: ignore[misc]
        if broken and self.pool is not None:
            # One connection that was cut stands for all of them (a restart, a failover): those that lie in the pool are made anew
            # before a request gets them, so that only what was under way finds the database away.
            self.pool.drain()


def refuse_older_than(minimum: tuple[int, ...], found: tuple[int, ...]) -> None:
    """Raise NotSupportedError where the server's version `found` is below `minimum`."""
    if found < minimum:
        raise NotSupportedError(
            f"Linli needs PostgreSQL {minimum[0]} or later, "
            f"and DATABASE_URL leads to PostgreSQL {'.'.join(map(str, found))}. "
            "Upgrade that server (pg_upgrade, or dump and restore), name another one in DATABASE_URL, "
            "or unset DATABASE_URL and let `make run` start a private PostgreSQL."
        )
