"""Whether rows wait for their moment, asked so cheaply that it can be asked every second."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

NOW = "statement_timestamp()"


def any_row(*sources: str, values: Sequence[Any] = ()) -> bool:
    """Whether one of the sources, each what follows a FROM, has a row. One statement."""
    asked = " OR ".join(f"EXISTS (SELECT FROM {one})" for one in sources)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {asked}", values)
        (found,) = cursor.fetchone()
    return bool(found)
