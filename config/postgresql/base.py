"""The database backend: Django's own, with Linli's lower bound on the server's version.

Django compares the bound at the first connection of every process, so web, worker, beat and every command refuse alike.
"""

from django.db.backends.postgresql import base, features
from django.db.utils import NotSupportedError

MINIMUM = (18,)


class DatabaseFeatures(features.DatabaseFeatures):
    minimum_database_version = MINIMUM


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
