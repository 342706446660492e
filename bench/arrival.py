"""`make bench-arrival`: does every message arrive once at its recipient, whichever processes are killed meanwhile?

Starts its own PostgreSQL (durable, as in production), Valkey, Linli's worker, two postmen and beat. A mail server, SMS,
WeChat, group robots and webhook systems run as separate processes, and each logs its requests. Tickets are filed
and moved through the engine. In the end the receivers' logs are compared with the database.

calm   nothing fails: everything arrives, and nothing twice.
chaos  5 % of all answers are slow, 5 % are server errors, 5 % are "busy" (HTTP 200 with an errcode). Meanwhile worker, postmen,
       beat and Valkey (with its data) are killed with -9 repeatedly, and a process of PostgreSQL once. In the end the
       power fails, everything is started again, and long waits are shortened. Nothing may be lost, and a message that arrives
       twice must have the same key.
hang   one channel after the other hangs for a minute: how much are the other channels delayed?
flood  ten times as many messages as robots accept: the limits are kept, and the excess arrives as digests.

Prints a table and writes JSON. Fails if a promise is broken.
"""

import argparse
import contextlib
import json
import math
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.ground import parser, prepared, refuse_named_database, write
from bench.ledger import LedgerLine
from bench.receivers import ROBOTS
from bench.stack import POSTGRESQL, VALKEY, Stack
from launcher.family import PROJECT
from tests.fakes.robots import LIMITS

if TYPE_CHECKING:
    from bench.play import Play

SCENES = ("calm", "chaos", "hang", "flood")
BAD = {"slow": 0.05, "failing": 0.05, "busy": 0.05}
"""Shares of all answers."""
HANGING = ("email", "sms", "wechat", "robots", "webhook")
MOST_DELAY = 1.0
"""Seconds by which one channel that hangs may delay the others, at p99."""


def main() -> None:
    """Measure and report."""
    asked = parser("make bench-arrival", __doc__)
    asked.add_argument("scenes", nargs="*", metavar="SCENE", help=f"of {', '.join(SCENES)} (default: all)")
    asked.add_argument("--tickets", type=int, default=100, help="tickets of calm and chaos (default: 100)")
    asked.add_argument("--followers", type=int, default=5, help="cosigners of each ticket (default: 5)")
    asked.add_argument("--pause", type=float, default=0.1, help="seconds between two moves (default: 0.1)")
    asked.add_argument("--every", type=float, default=6.0, help="seconds between two kills in chaos (default: 6)")
    asked.add_argument(
        "--kills", type=int, default=None, help="kills in chaos (default: until hardly anything is left to be sent)"
    )
    asked.add_argument(
        "--takes", type=float, default=9.0, help="seconds of a slow answer; channels wait for 5 to 8 (default: 9)"
    )
    asked.add_argument(
        "--patience", type=float, default=900.0, help="seconds until everything must have arrived (default: 900)"
    )
    asked.add_argument("--minute", type=float, default=60.0, help="seconds that a channel hangs (default: 60)")
    asked.add_argument("--seed", type=int, default=1, help="seed for choosing which process is killed (default: 1)")
    asked.add_argument(
        "--postman", metavar="MODULE", help="a module that delivers in place of the postmen, to test the bench itself"
    )
    options = asked.parse_args()
    if unknown := set(options.scenes) - set(SCENES):
        asked.error(f"there is no scene {' or '.join(sorted(unknown))}")
    refuse_named_database(asked)
    scenes = options.scenes or SCENES
    rows = [SCENE[scenes[0]](options)] if len(scenes) == 1 else [alone(name, options) for name in scenes]
    write(options.json, rows)
    broken = [f"{row['scene']}: {fault}" for row in rows for fault in row["broken"]]
    if broken:
        sys.exit("\n".join(["", "Promises were broken:", *broken]))


def alone(scene: str, options: argparse.Namespace) -> dict[str, Any]:
    """A scene in a process of its own: Django is set up for one database."""
    path = options.json.with_suffix(f".{scene}.json")
    command = [
        sys.executable,
        "-m",
        "bench.arrival",
        *(one for one in sys.argv[1:] if one not in SCENES),
        scene,
        "--json",
        path,
    ]
    path.unlink(missing_ok=True)
    done = subprocess.run([str(part) for part in command], cwd=PROJECT, stderr=sys.stderr, check=False)
    if not path.exists():
        raise SystemExit(f"{scene} came to no end (exit code {done.returncode}).")
    (row,) = json.loads(path.read_text())["rows"]
    path.unlink()
    return dict(row)


def calm(options: argparse.Namespace) -> dict[str, Any]:
    """Everything arrives, and nothing twice."""
    with playing(options, {}) as play:
        play.stack.start_all()
        play.live()
        play.settle()
        return shown(play.report("calm", repeats=False))


def chaos(options: argparse.Namespace) -> dict[str, Any]:
    """Everything arrives, and what comes twice comes under the same key."""
    dice = random.Random(options.seed)
    with playing(options, {**BAD, "takes": options.takes}) as play:
        stack = play.stack
        stack.start_all()
        driver = threading.Thread(target=play.live)
        driver.start()
        # Everybody once, PostgreSQL only then; after that by chance, until hardly anything is left to be sent.
        victims = [*dice.sample([*stack.apps, VALKEY], len(stack.apps) + 1), POSTGRESQL]
        most = 0
        while driver.is_alive() or victims or play.due() > most // 10:
            if options.kills is not None and stack.kills.total() >= options.kills:
                break
            most = max(most, play.due())
            time.sleep(options.every * dice.uniform(0.5, 1.5))
            stack.tend()
            stack.replace(victims.pop(0) if victims else dice.choice([*stack.apps, *stack.apps, VALKEY]))
        driver.join()
        stack.kill_all()
        play.hours_pass(leases=True)
        stack.start_all()
        play.settle()
        return shown(play.report("chaos", repeats=True))


def hang(options: argparse.Namespace) -> dict[str, Any]:
    """One channel after the other answers nothing for a minute; the others do not mind."""
    delays: dict[str, dict[str, float]] = {}
    with playing(options, {}, postmen=1, allowed=math.inf, robots=["feishu"]) as play:
        play.stack.start_all()
        play.minute(options.minute / 6, besides="")
        for name in ("", *HANGING):
            if name:
                play.receivers.close(name)
                play.receivers.open(name, {"slow": 1.0, "takes": options.minute})
            delays[name or "none"] = play.minute(options.minute, besides=name)
            if name:
                play.receivers.close(name)
                play.receivers.open(name, {})
            play.settle()
    usual = delays.pop("none")
    later = {
        name: {channel: round(delay - usual[channel], 3) for channel, delay in found.items()}
        for name, found in delays.items()
    }
    print(
        f"\nhang: seconds from a delivery's birth to its receiver, p99, while one channel hangs for {options.minute:g} s"
    )
    print(f"  {'hanging':<10}" + "".join(f"{channel:>10}" for channel in usual))
    for name, found in {"none": usual, **delays}.items():
        print(
            f"  {name:<10}"
            + "".join(f"{found[channel]:>9.2f}s" if channel in found else f"{'–':>10}" for channel in usual)
        )
    broken = [
        f"while {name} hangs, {channel} arrives {delay:.1f} s later"
        for name, found in later.items()
        for channel, delay in found.items()
        if delay > MOST_DELAY
    ]
    return {"scene": "hang", "p99_s": usual, "p99_s_while_hanging": delays, "later_s": later, "broken": broken}


def flood(options: argparse.Namespace) -> dict[str, Any]:
    """Ten times as much as robots take, for two minutes."""
    with playing(options, {}, postmen=1, robots=ROBOTS, endpoints_each=0) as play:
        play.stack.start_all()
        filed = 0
        end = time.monotonic() + 2 * options.minute
        while time.monotonic() < end:
            # Fifty in a second and a thousand in a minute: ten times of either limit of Feishu's, and more than that of the others'.
            burst = time.monotonic()
            for _ in range(50):
                filed += 1
                play.neighbourhood.file("resident", f"楼道有蟑螂，第{filed}处。", urgent=filed % 25 == 0)
            play.hours_pass()
            time.sleep(max(0.0, burst + 3 - time.monotonic()))
        play.settle()
        row = shown(play.report("flood", repeats=False))
        row |= {"filed": filed, "robots": {vendor: crowd(play.receivers.books()[vendor], vendor) for vendor in ROBOTS}}
    for vendor, one in row["robots"].items():
        print(f"  {vendor}: {one}")
        if one["refused"]:
            row["broken"].append(f"{vendor} refused {one['refused']}")
        row["broken"] += [
            f"{vendor}: {most} within {window:g} s" for window, most, limit in one["windows"] if most > limit
        ]
    return row


def crowd(lines: Sequence[LedgerLine], vendor: str) -> dict[str, object]:
    """What one robot was sent: how many, how many of them digests, how many were refused, and the most within each of its windows."""
    moments = sorted(line.at for line in lines)
    windows = [
        (period, max(sum(one <= other < one + period for other in moments) for one in moments), number)
        for number, period in LIMITS[vendor]
    ]
    digests = sum("条新消息" in line.said for line in lines)
    return {
        "sent": len(lines),
        "digests": digests,
        "refused": sum(not line.taken for line in lines),
        "windows": windows,
    }


SCENE = {"calm": calm, "chaos": chaos, "hang": hang, "flood": flood}


@contextlib.contextmanager
def playing(
    options: argparse.Namespace,
    weather: Mapping[str, float],
    *,
    postmen: int = 2,
    allowed: float = 4,
    **outlets: Any,
) -> "Iterator[Play]":
    """A scene with its own database and so many postmen; `allowed` as Receivers has it, `outlets` as Neighbourhood does."""
    with prepared() as ground:
        from bench.neighbourhood import Neighbourhood  # noqa: PLC0415 - Django is set up only now
        from bench.play import Play  # noqa: PLC0415
        from bench.receivers import Receivers  # noqa: PLC0415

        receivers = Receivers(ground, weather, allowed)
        receivers.start()
        neighbourhood = Neighbourhood(max(40, 2 * options.tickets), receivers.urls["webhook"], **outlets)
        stack = Stack(ground, os.environ | receivers.settings(), postmen, options.postman)
        yield Play(options, receivers, neighbourhood, stack)


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """The figures of a scene, printed."""
    print(
        f"\n{row['scene']}: {row['expected']} pairs of event and receiver, {row['messages']} messages, {row['seconds']:.0f} s"
    )
    if row["kills"]:
        print("  killed: " + ", ".join(f"{name} {times}" for name, times in sorted(row["kills"].items())))
        print(f"  fell by themselves, and were started again: {sum(row['falls'].values())}")
    print(f"  {'channel':<10} {'due':>7} {'arrived':>8} {'repeats':>8}")
    for name, one in row["channels"].items():
        print(f"  {name:<10} {one['due']:>7} {one['arrived']:>8} {one['repeats']:>8}")
    print(f"  {'all':<10} {row['due']:>7} {row['arrived']:>8} {row['repeats']:>8}")
    print(
        f"  lost {row['lost']}, not told {row['untold']}, repeats under another key {row['repeats_under_another_key']}"
    )
    print(f"  attempts {row['attempts']}, states {row['states']}")
    for fault in row["broken"]:
        print(f"  BROKEN: {fault}")
    sys.stdout.flush()
    return row


if __name__ == "__main__":
    main()
