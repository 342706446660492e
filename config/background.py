"""Several Celery processes that share the memory of one loaded Linli: `python -m config.background COMMAND -- COMMAND …`.

Each command is what follows `celery --app config.celery`. The code is loaded once, and each command runs in a fork of this process; four
processes of their own need 200 MiB more. They live together: a signal to stop goes to all, and where one ends by itself,
this process ends the others and then itself, so that its supervisor restarts all of them.
"""

import argparse
import contextlib
import ctypes
import gc
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

import django
from celery.bin.celery import celery as command_line
from django.conf import settings

from config.celery import app

PR_SET_PDEATHSIG = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the commands until a signal, or until one ends. Returns the exit code: 0 where a signal ended them."""
    options, commands = read(sys.argv[1:] if arguments is None else arguments)
    if options.logs is not None:
        options.logs.mkdir(parents=True, exist_ok=True)
    load()
    running = {start(name, command, options.logs): name for name, command in commands.items()}
    asked = False

    def stop(number: int = signal.SIGTERM, frame: FrameType | None = None) -> None:
        nonlocal asked
        asked = asked or frame is not None
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    failed = False
    while running:
        process, status = os.wait()
        name = running.pop(process, None)
        if name is not None and not asked and not failed:
            failed = True
            sys.stderr.write(f"{name} has stopped by itself (exit code {os.waitstatus_to_exitcode(status)}).\n")
            stop()
    return int(failed)


def read(arguments: Sequence[str]) -> tuple[argparse.Namespace, Mapping[str, list[str]]]:
    """The options, and the commands by their names: `--hostname` up to the @, else the command's first word."""
    asked = argparse.ArgumentParser(
        prog="python -m config.background",
        usage="%(prog)s [-h] [--logs DIRECTORY] COMMAND -- COMMAND ...",
        description="Run several Celery processes that share the memory of one loaded Linli.",
        epilog="Each command is what follows `celery --app config.celery`: "
        "worker --queues default --hostname worker@%h -- beat --schedule /srv/linli/state/beat-schedule",
    )
    asked.add_argument(
        "--logs", type=Path, help="write the output of each into NAME.log there (default: all to the standard output)"
    )
    asked.add_argument("commands", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = asked.parse_args(arguments)
    commands: dict[str, list[str]] = {}
    command: list[str] = []
    for word in [*options.commands, "--"]:
        if word != "--":
            command.append(word)
            continue
        if not command:
            asked.error("name at least one command, and one on each side of --")
        name = (
            command[command.index("--hostname") + 1].partition("@")[0] if "--hostname" in command[:-1] else command[0]
        )
        if name in commands:
            asked.error(f"two commands are called {name}: give one of them another --hostname")
        commands[name], command = command, []
    if settings.PULSE_FILE:
        asked.error("LINLI_PULSE is the file of one process: leave it out")
    return options, commands


def load() -> None:
    """Load what all of them need, so that it lies in memory once."""
    gc.disable()
    django.setup()
    app.loader.import_default_modules()
    app.finalize()
    # What is loaded stays: no search for cycles writes on its pages, which would copy them.
    gc.collect()
    gc.freeze()
    gc.enable()


def start(name: str, command: Sequence[str], logs: Path | None) -> int:
    """Fork a process that runs one command of Celery's; its number."""
    parent = os.getpid()
    process = os.fork()
    if process:
        return process
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)
    if logs is not None:
        with (logs / f"{name}.log").open("wb") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
    # The process shows its command line under its name.
    sys.argv = ["celery", "--app", "config.celery", "--quiet", *command]
    command_line(args=sys.argv[1:], prog_name="celery", auto_envvar_prefix="CELERY")
    return 0


if __name__ == "__main__":
    sys.exit(main())
