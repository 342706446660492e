"""What a web process and a worker make sure of before they begin."""

import sys

from django.db import OperationalError, connection
from django.db.utils import NotSupportedError
from psycopg_pool import PoolTimeout


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
