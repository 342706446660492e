"""`make bench-rest`: what Linli costs when nothing happens: processor time of an idle second, and memory.

Starts everything that `make run` starts, with the demo street, and lets it come to rest. CPU is from the kernel's accounts of each thread
(`/proc/PID/task/*/schedstat`); memory is the proportional set size (PSS), which counts a page that several processes share once in all.
Only on Linux. Prints a table and writes JSON.
"""

import os
import time
from pathlib import Path

from bench.ground import Ground, parser, prepared, refuse_named_database, write
from launcher.family import SERVERS
from launcher.run import await_health, free_port, start_apps


def main() -> None:
    """Measure and report."""
    asked = parser("make bench-rest", __doc__)
    asked.add_argument("--settle", type=float, default=30.0, help="seconds to come to rest before (default: 30)")
    asked.add_argument("--seconds", type=float, default=40.0, help="seconds to measure (default: 40)")
    options = asked.parse_args()
    refuse_named_database(asked)
    with prepared() as ground:
        port = free_port(8900)
        start_apps(ground.home, ground.family, port, os.environ)
        await_health(ground.family, port)
        time.sleep(options.settle)
        rows = measure(ground, options.seconds)
    print(f"{'process':<60} {'ms of CPU a second':>20} {'MiB':>8}")
    for row in rows:
        print(f"{row['process']:<60} {row['cpu_ms']:>20} {row['pss_mib']:>8}")
    write(options.json, rows, seconds=options.seconds)


def measure(ground: Ground, seconds: float) -> list[dict[str, object]]:
    """Each process with its CPU time and memory, and the sums: the server's own, those in the background, and PostgreSQL's."""
    found = {process: child.name for child in ground.family.children for process in below(child.process.pid)}
    before, began = {process: spent(process) for process in found}, time.monotonic()
    time.sleep(seconds)
    elapsed = time.monotonic() - began
    cpu = {process: (spent(process) - before[process]) / elapsed for process in found}
    memory = {process: proportional(process) for process in found}
    database = {child.name for child in ground.family.children if child.stage == SERVERS and "PostgreSQL" in child.name}
    sums = {
        "all but PostgreSQL": [process for process, name in found.items() if name not in database],
        "background (worker, sweeper, postman, beat)": [
            process for process, name in found.items() if name == "background"
        ],
        "PostgreSQL": [process for process, name in found.items() if name in database],
    }
    single = {f"{name}: {title(process)}"[:60]: [process] for process, name in found.items() if name not in database}
    return [
        {
            "process": words,
            "cpu_ms": round(sum(cpu[one] for one in members), 2),
            "pss_mib": round(sum(memory[one] for one in members), 1),
        }
        for words, members in (single | sums).items()
    ]


def below(process: int) -> list[int]:
    """The process and all below it."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(one for child in children for one in below(int(child)))]


def spent(process: int) -> float:
    """Milliseconds of CPU that all threads of the process have used."""
    return sum(int(thread.read_text().split()[0]) for thread in Path(f"/proc/{process}/task").glob("*/schedstat")) / 1e6


def proportional(process: int) -> float:
    """The MiB of the process's proportional set size."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def title(process: int) -> str:
    """What the process calls itself, without the directory of its program."""
    program, _, rest = Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ").strip().partition(" ")
    return f"{program.rpartition('/')[2]} {rest}"


if __name__ == "__main__":
    main()
