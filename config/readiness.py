"""What has to be there before a server is whole: every migration applied, every static file collected.

`/healthz` says it of a running server, and `manage.py check --deploy` of one that is about to start. Imports no model.
"""

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.checks import CheckMessage, Warning
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from psycopg_pool import PoolTimeout

MOST_IDLE = 12 * 60
"""Minutes after which a browser that nobody uses should be signed out: nobody works longer at a stretch."""


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


def check_sign_in(app_configs: object, **options: object) -> list[CheckMessage]:
    """Warnings where staff sign in less safely than a street office should let them."""
    found: list[CheckMessage] = []
    if settings.SECOND_FACTOR_FOR == "nobody":
        words = "A code by SMS or a password is enough for the street's seats and for the admin."
        found.append(Warning(words, hint="Set SECOND_FACTOR_FOR to street or staff.", id="linli.W004"))
    if settings.IDLE_MINUTES > MOST_IDLE:
        words = f"A browser that nobody uses stays signed in for {settings.IDLE_MINUTES} minutes."
        found.append(Warning(words, hint=f"Set IDLE_MINUTES to {MOST_IDLE} or less.", id="linli.W005"))
    server = settings.OIDC["OIDC_SERVER"]
    if server and not server.startswith("https://"):
        words = "What the identity provider says travels without TLS, and its signature is not looked at."
        found.append(Warning(words, hint="Set OIDC_SERVER to an address with https://.", id="linli.W006"))
    return found
