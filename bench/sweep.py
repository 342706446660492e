"""`make bench-sweep`: how fast deadlines are fired, with events and outbox, and what it costs to look when nothing is due.

Starts its own PostgreSQL (durable, as in production) and fills it. Rungs of that many tickets come due in one second while sweeper
processes (`manage.py tick --loop --only clocks`) already run; measured is the time from the first due moment until nothing is due any
more, the share of rungs per second, and how late each was fired. Prints a table and writes JSON.
"""

import argparse
import os
import sys
import time
from datetime import datetime
from typing import Any

from bench.ground import Ground, parser, prepared, refuse_named_database, write
from launcher.family import Child

REMIND, ESCALATE = 0, 2
"""Rungs of the disposal's ladder: half of the time is gone; it has run out, and the level is raised."""
EVERY = 0.05
PATIENCE = 600.0

# The disposal clocks of so many tickets that have not been used yet: their rung comes due within a second from %(at)s on.
ARM = """
WITH chosen AS (
  SELECT id, subject_id, %(at)s::timestamptz + row_number() OVER (ORDER BY id) * interval '1 second' / %(count)s AS moment
  FROM tickets_ticketclock WHERE name = 'handle' AND rung = 2 AND epoch = 1 AND breached_at IS NULL
    AND fire_at > %(at)s + interval '3 hours'
  ORDER BY id LIMIT %(count)s
), armed AS (
  UPDATE tickets_ticketclock c SET rung = %(rung)s, fire_at = moment,
    started_at = moment - CASE %(rung)s WHEN 0 THEN interval '1 day' ELSE interval '7 days' END,
    due_at = moment + CASE %(rung)s WHEN 0 THEN interval '1 day' ELSE interval '0' END
  FROM chosen WHERE c.id = chosen.id RETURNING c.subject_id, c.due_at
), ticket AS (
  UPDATE tickets_ticket t SET due_at = armed.due_at, next_due_at = least(t.next_due_at, armed.due_at)
  FROM armed WHERE t.id = armed.subject_id RETURNING t.id, t.next_due_at
), assignment AS (
  UPDATE tickets_assignment a SET next_due_at = ticket.next_due_at FROM ticket WHERE a.ticket_id = ticket.id AND a.open
)
SELECT count(*) FROM armed
"""
MORE_CLOCKS = """
INSERT INTO tickets_ticketclock (
  id, name, holder_id, epoch, budget, policy, calendar, started_at, running_since, pauses, paused, spans, pause_reason, due_at, fire_at,
  rung, failures, error, street_id, subject_id)
SELECT uuidv7(), name, holder_id, epoch + 1000 * copy, budget, policy, calendar, started_at, running_since, 0, interval '0', '{}', '',
  due_at + copy * interval '1 hour', fire_at + copy * interval '1 hour', rung, 0, '', street_id, subject_id
FROM tickets_ticketclock, generate_series(1, %(copies)s) AS copy WHERE fire_at > now() + interval '1 hour' ORDER BY copy LIMIT %(count)s
"""


def main() -> None:
    """Measure and report."""
    asked = parser("make bench-sweep", __doc__)
    asked.add_argument("--rungs", type=int, default=20_000, help="rungs that come due in one second (default: 20000)")
    asked.add_argument("--overdue", type=int, default=10_000, help="overdue tickets to escalate (default: 10000)")
    asked.add_argument("--clocks", type=int, default=1_000_000, help="clocks of which none is due (default: 1000000)")
    asked.add_argument("--sweeps", type=int, default=200, help="sweeps with nothing due (default: 200)")
    asked.add_argument(
        "--sweepers", type=int, nargs="+", default=[1, 2], help="numbers of sweeper processes (default: 1 2)"
    )
    options = asked.parse_args()
    refuse_named_database(asked)
    with prepared() as ground:
        rows = measure(ground, options)
    write(options.json, rows)


def measure(ground: Ground, options: argparse.Namespace) -> list[dict[str, object]]:
    """Measure the bursts and then the empty sweeps."""
    from bench.fill import fill  # noqa: PLC0415 - Django is set up only now

    # Three of eight tickets are in progress.
    fill(1_000 + 3 * len(options.sweepers) * (options.rungs + options.overdue))
    print(f"{'what':<24} {'number':>8} {'sweepers':>8} {'seconds':>8} {'per s':>8} {'late p50':>8} {'late p99':>8}")
    rows = []
    for what, rung, count in (("remind", REMIND, options.rungs), ("escalate", ESCALATE, options.overdue)):
        for sweepers in options.sweepers:
            rows.append(burst(ground, what, rung, count, sweepers))
    rows.append(nothing_due(options.clocks, options.sweeps))
    return rows


def burst(ground: Ground, what: str, rung: int, count: int, sweepers: int) -> dict[str, object]:
    """Let `count` rungs come due in one second, and wait until they are fired; the figures."""
    moment = armed(rung, count)
    started = [sweeper(ground, number) for number in range(sweepers)]
    try:
        ahead = moment.timestamp() - time.time()
        if ahead < 2 or any(one.process.poll() is not None for one in started):
            raise SystemExit("The tickets were not ready in time, or a sweeper has died; see tick.log.")
        time.sleep(ahead + 1)
        await_fired(ground, moment)
    finally:
        for one in started:
            one.process.terminate()
            ground.family.finish(one)
    figures = fired(moment)
    verb = "remind" if rung == REMIND else "raise_level"
    if [figures[name] for name in ("rungs", "events", "outbox", "verbs")] != [count, count, count, [verb]]:
        raise SystemExit(f"{count} rungs should have been fired, each with an event that is to be told, but: {figures}")
    seconds = figures["seconds"]
    row = {"what": what, "number": count, "sweepers": sweepers, "seconds": round(seconds, 2)}
    row |= {"per_second": round(count / seconds, 1), "late_p50_s": round(figures["p50"], 2)}
    row |= {"late_p99_s": round(figures["p99"], 2)}
    print(
        f"{what:<24} {count:>8} {sweepers:>8} {seconds:>8.2f} {count / seconds:>8.1f} {figures['p50']:>7.2f}s {figures['p99']:>7.2f}s",
        flush=True,
    )
    return row


def armed(rung: int, count: int) -> datetime:
    """The moment from which on `count` rungs come due within a second; time enough for sweepers to start."""
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp() + %s * interval '1 second'", [4 + count / 1000])
        moment: datetime = cursor.fetchone()[0]
        cursor.execute(ARM, {"at": moment, "count": count, "rung": rung})
        found = cursor.fetchone()[0]
        if found != count:
            raise SystemExit(f"Only {found} of {count} clocks could be set.")
        cursor.execute("VACUUM ANALYZE tickets_ticketclock, tickets_ticket, tickets_assignment")
        cursor.execute("CHECKPOINT")
    return moment


def sweeper(ground: Ground, number: int) -> Child:
    """Start a process that sweeps repeatedly."""
    command = [sys.executable, "manage.py", "tick", "--loop", "--only", "clocks", "--every", str(EVERY)]
    return ground.family.start(f"sweeper {number}", command, environment=os.environ, log=ground.home.logs / "tick.log")


def await_fired(ground: Ground, moment: datetime) -> None:
    """Wait until nothing is due any more."""
    from django.db import connection  # noqa: PLC0415

    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM tickets_ticketclock WHERE fire_at <= now())")
            if not cursor.fetchone()[0]:
                return
        ground.family.watch()
        time.sleep(0.2)
    raise SystemExit(f"Something is still due after {PATIENCE:g} seconds; see tick.log.")


def fired(moment: datetime) -> dict[str, Any]:
    """What was fired of the rungs that came due in the second after `moment`, and when.

    When is read from the id of the outbox row, which PostgreSQL makes as it writes the batch.
    """
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*), count(DISTINCT f.event_id), count(o.id), array_agg(DISTINCT e.verb),
              extract(epoch FROM max(uuid_extract_timestamp(o.id)) - %(at)s),
              percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM uuid_extract_timestamp(o.id) - f.due_at)),
              percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM uuid_extract_timestamp(o.id) - f.due_at))
            FROM tickets_ticketfiring f JOIN tickets_ticketevent e ON e.id = f.event_id
            LEFT JOIN tickets_ticketoutbox o ON o.event_id = f.event_id
            WHERE f.due_at BETWEEN %(at)s AND %(at)s::timestamptz + interval '2 seconds'
            """,
            {"at": moment},
        )
        rungs, events, outbox, verbs, seconds, p50, p99 = cursor.fetchone()
    return {
        "rungs": rungs, "events": events, "outbox": outbox, "verbs": verbs,
        "seconds": float(seconds or 0), "p50": float(p50 or 0), "p99": float(p99 or 0),
    }  # fmt: skip


def nothing_due(clocks: int, sweeps: int) -> dict[str, object]:
    """Sweep again and again where nothing of so many clocks is due; the figures."""
    from django.db import connection  # noqa: PLC0415

    from casework import duties  # noqa: PLC0415
    from tickets.kind import TICKETS  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT count(*) FROM tickets_ticketclock WHERE fire_at > now() + interval '1 hour'")
        (there,) = cursor.fetchone()
        if there < clocks:
            cursor.execute(MORE_CLOCKS, {"copies": -(-(clocks - there) // there), "count": clocks - there})
        cursor.execute("VACUUM ANALYZE tickets_ticketclock")
        cursor.execute("SET statement_timeout = DEFAULT")
    duties.sweep(TICKETS)
    took = []
    for _ in range(sweeps):
        began = time.perf_counter()
        swept = duties.sweep(TICKETS)
        took.append(1000 * (time.perf_counter() - began))
        assert swept.rungs == 0
    took.sort()
    p50, p99 = took[len(took) // 2], took[min(len(took) - 1, int(0.99 * len(took)))]
    print(f"{'nothing due':<24} {max(clocks, there):>8} {1:>8} {'':>8} {'':>8} {p50:>6.2f}ms {p99:>6.2f}ms", flush=True)
    return {"what": "nothing due", "number": max(clocks, there), "p50_ms": round(p50, 3), "p99_ms": round(p99, 3)}


if __name__ == "__main__":
    main()
