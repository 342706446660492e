"""The warden: a process beside the launcher that ends what the launcher leaves behind.

The launcher writes one line for each thing it starts and ends, and `done` when it has cleaned up itself. When the pipe has
closed, the warden stops in order every process group that was not said to be gone: all of them where the launcher was
killed, and one whose child was just being born where it was interrupted. Without `done` it removes the throw-away directories
as well.

    started <process group> <stop signal> <stage>
    gone <process group>
    remove <directory>
    done
"""

import os
import shutil
import signal
import sys
import time
from typing import IO

PATIENCE = 4.0
"""Seconds that one stage gets to stop before it is killed."""


def watch(lines: IO[str]) -> None:
    """Read the launcher's lines until they end, then clean up after it."""
    groups: dict[int, tuple[int, int]] = {}
    directories: list[str] = []
    # Read to the end also after `done`: a child holds the pipe until its program starts, and may still have to register.
    for line in lines:
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "started":
            group, stop_signal, stage = map(int, rest.split())
            groups[group] = (stage, stop_signal)
        elif word == "gone":
            groups.pop(int(rest), None)
        elif word == "remove":
            directories.append(rest)
        elif word == "done":
            directories.clear()
    for stage in sorted({stage for stage, _ in groups.values()}, reverse=True):
        stop({group: stop_signal for group, (its, stop_signal) in groups.items() if its == stage})
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)


def stop(groups: dict[int, int], patience: float = PATIENCE) -> None:
    """Send each process group its stop signal, and kill after `patience` seconds what is still there."""
    for group, stop_signal in groups.items():
        send(group, stop_signal)
    end = time.monotonic() + patience
    left = set(groups)
    while left and time.monotonic() < end:
        time.sleep(0.05)
        left = {group for group in left if send(group, 0)}
    for group in left:
        send(group, signal.SIGKILL)


def send(group: int, number: int) -> bool:
    """Send signal `number` to a process group; False where the group has no process any more."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        # macOS says this for a group of zombies.
        return False
    return True


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    watch(sys.stdin)
