"""What an export costs: processor time, memory and size of a street's list as Excel and as CSV.

`python -m bench.exports` starts servers of its own, fills in tickets, half of them open, and writes each file in a process of its own, as a
worker does. CPU of that process and of its PostgreSQL backend is from the kernel's accounts, memory is the process's peak above what it
holds before. Prints a table and writes JSON.
"""

import json
import os
import resource
import time
from pathlib import Path

from bench.ground import parser, prepared, refuse_named_database, write


def main() -> None:
    """Measure and report."""
    asked = parser("bench-exports", __doc__)
    asked.add_argument("--rows", type=int, default=50_000, help="open tickets to export (default: 50000)")
    options = asked.parse_args()
    refuse_named_database(asked)
    with prepared():
        from django.db import connection  # noqa: PLC0415 - Django is set up only now

        from bench.fill import fill  # noqa: PLC0415

        fill(2 * options.rows)
        # A fork has connections of its own.
        connection.close()
        rows = [_apart(format) for format in ("xlsx", "csv")]
    for row in rows:
        print(row)
    write(options.json, rows)


def _apart(format: str) -> dict[str, object]:
    """Measure in a fork, so that each begins with the same memory."""
    receive, send = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(receive)
        os.write(send, json.dumps(measure(format)).encode())
        os._exit(0)
    os.close(send)
    os.waitpid(process, 0)
    with os.fdopen(receive) as told:
        return dict(json.load(told))


def measure(format: str) -> dict[str, object]:
    """Ask for the street's open tickets, and write the file."""
    from django.db import connection  # noqa: PLC0415

    from community import actors, demo  # noqa: PLC0415
    from console import exports  # noqa: PLC0415

    caller = actors.by_person(demo.cast()["street_lead"].pk)
    assert caller is not None
    export = exports.ask(caller, "tickets", "scope=street", format)
    backend = connection.connection.info.backend_pid
    before, database, held, began = time.process_time(), _spent(backend), _peak(), time.monotonic()
    exports.run(export.pk)
    took = time.monotonic() - began
    export.refresh_from_db()
    assert export.state == "done", export.state
    return {
        "format": format,
        "rows": export.total,
        "seconds": round(took, 1),
        "cpu_s": round(time.process_time() - before, 1),
        "postgresql_cpu_s": round(_spent(backend) - database, 1),
        "peak_mib": round(_peak() - held, 1),
        "mib": round(export.bytes / 2**20, 1),
    }


def _spent(process: int) -> float:
    """Seconds of CPU of a process."""
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9


def _peak() -> float:
    """The most MiB that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
