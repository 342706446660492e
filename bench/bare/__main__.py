"""The bare framework in a race (`bench.turns`): its tables, its web server, and its two operations."""

import contextlib
import json
import os
import sys
import uuid
from collections.abc import Callable
from typing import Any

import django

from bench.contestant import compete
from bench.load import Client, request
from launcher.run import web_command

TEXT = "楼前垃圾桶满了两天，请尽快处理。"
MANY = """INSERT INTO bare_barereport (id, category, compound, title, text, state, created_at, updated_at)
  SELECT gen_random_uuid(), 'CL03', gen_random_uuid(), '', %s, 'submitted', now() - n * interval '1 minute', now()
  FROM generate_series(1, %s) AS n"""


def main() -> None:
    """Make the tables, and serve commands."""
    with contextlib.redirect_stdout(sys.stderr):
        os.environ["DJANGO_SETTINGS_MODULE"] = "bench.bare.settings"
        django.setup()
        from django.core.management import call_command  # noqa: PLC0415 - Django is set up only now
        from django.db import connection  # noqa: PLC0415

        call_command("migrate", verbosity=0, interactive=False, run_syncdb=True)

    def fill(size: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM bare_barereport")
            cursor.execute(MANY, [TEXT, size - cursor.fetchone()[0]])
            cursor.execute("VACUUM ANALYZE")

    def server(port: int, processes: int) -> list[str]:
        return [*web_command(port, processes)[:-1], "bench.bare.wsgi:application"]

    compete(server, fill, lambda port: operations())


def operations() -> dict[str, Callable[[int], Callable[[Client], int]]]:
    """Filing a report with three plain inserts, and a plain page of 25."""
    listing = request("GET", "/reports", "")

    def file(client: Client) -> int:
        body: dict[str, Any] = {"category": "CL03", "compound": str(uuid.uuid4()), "text": TEXT}
        return client.ask(request("POST", "/reports", "", json.dumps(body).encode()))[0]

    def page(client: Client) -> int:
        status, _, body = client.ask(listing)
        assert len(json.loads(body)["results"]) == 25, body
        return status

    return {"file": lambda _: file, "page": lambda _: page}


if __name__ == "__main__":
    main()
