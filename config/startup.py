"""What a web process and a worker make sure of before they begin."""

import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection
from django.db.utils import NotSupportedError, ProgrammingError
from psycopg_pool import PoolTimeout

from community import public_password
from notifications.channels import channels


def refuse_old_postgresql() -> None:
    """End this process, saying what to do, where PostgreSQL is too old. A server that is away may come back: no refusal."""
    if connection.connection is not None:
        # Checked when it was made.
        return
    try:
        connection.ensure_connection()
    except NotSupportedError as error:
        sys.exit(str(error))
    except (OperationalError, PoolTimeout):
        return
    connection.close()


def refuse_demo_password() -> None:
    """End this process in production where somebody still has the password that everybody knows from the demo street.

    Each member of staff with a password costs a good part of a second. No refusal while the database is away or empty.
    """
    if not settings.PRODUCTION:
        return
    try:
        phones = public_password.holders()
    except (OperationalError, PoolTimeout, ProgrammingError):
        return
    finally:
        connection.close()
    if phones:
        sys.exit(
            f"{', '.join(phones)} has the demo street's password, which everybody knows. The demo street is no place for "
            "a production: name another database in DATABASE_URL, or give that person a password of their own "
            "(`manage.py changepassword PHONE`)."
        )


def refuse_bad_channels() -> None:
    """End this process, naming the setting, where a way to reach people is set up so that it cannot work."""
    try:
        channels()
    except ImproperlyConfigured as error:
        sys.exit(str(error))
