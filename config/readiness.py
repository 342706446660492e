"""What has to be there before a server is whole: every migration applied, every static file collected.

`/healthz` says it of a running server, and `manage.py check --deploy` of one that is about to start. Imports no model.
"""

from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.checks import CheckMessage, Warning
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from psycopg_pool import PoolTimeout


def unapplied_migrations() -> int:
    """How many migrations of this code are not applied. Raises a database error where nobody can tell."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def missing_static_files() -> int:
    """How many static files of this code were not collected when this process started; none where they need no collecting."""
    if not isinstance(staticfiles_storage, ManifestFilesMixin):
        return 0
    collected = staticfiles_storage.hashed_files
    return sum(path not in collected for finder in get_finders() for path, _ in finder.list([]))


def check_migrations(app_configs: object, **options: object) -> list[CheckMessage]:
    """A warning where migrations wait, or where the database does not say."""
    try:
        waiting = unapplied_migrations()
    except (Error, PoolTimeout) as error:
        return [Warning(f"The database does not say which migrations are applied: {error}", id="linli.W002")]
    if waiting:
        return [Warning(f"{waiting} migrations are not applied.", hint="Run `manage.py migrate`.", id="linli.W001")]
    return []


def check_static_files(app_configs: object, **options: object) -> list[CheckMessage]:
    """A warning where static files are not collected: every page would be an error."""
    if missing := missing_static_files():
        words = f"{missing} static files are not collected."
        return [Warning(words, hint="Run `manage.py collectstatic --noinput`.", id="linli.W003")]
    return []
