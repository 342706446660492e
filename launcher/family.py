"""The family: every process that the launcher started, from its birth to its end."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from launcher import warden
from launcher.account import Account, die_with_parent

PROJECT = Path(__file__).resolve().parent.parent
SERVERS, APPS = 0, 1
"""The two stages: servers start first and stop last."""
TOLD = "» "
"""How the lines of a child's log begin that are for the person at the terminal."""


class Trouble(Exception):
    """Something that stops the launcher; the words are for the person at the terminal."""


@dataclass(slots=True)
class Child:
    """A running process: its name for people, its log (None: the terminal), its stop signal and its stage.

    `ends` says that it is expected to end by itself; its starter reads its exit code.
    """

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path | None
    stop_signal: int
    stage: int
    ends: bool = False

    def last_words(self, lines: int = 15) -> str:
        """The tail of its log."""
        if self.log is None or not self.log.exists():
            return ""
        return "\n".join(f"    {line}" for line in self.log.read_text(errors="replace").splitlines()[-lines:])


@dataclass(slots=True)
class Family:
    """Starts processes, and makes sure that none is left however the launcher ends.

    Each child leads its own process group. The warden knows all groups, and on Linux the kernel signals a child when
    the launcher dies. Use it as a context manager: leaving it stops everything.
    """

    keep_open: Sequence[int] = ()
    """File descriptors (the lock of the data) that the servers and the warden hold as long as they live."""
    children: list[Child] = field(default_factory=list)
    _pipe: int = -1
    _warden: "subprocess.Popen[bytes] | None" = None

    def __enter__(self) -> Self:
        read, self._pipe = os.pipe()
        self._warden = subprocess.Popen(
            [sys.executable, "-m", "launcher.warden"],
            stdin=read,
            cwd=PROJECT,
            start_new_session=True,
            pass_fds=self.keep_open,
        )
        os.close(read)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._tell("done")
        os.close(self._pipe)
        if self._warden is not None:
            self._warden.wait()

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str],
        log: Path | None = None,
        stage: int = APPS,
        stop_signal: int = signal.SIGTERM,
        account: Account | None = None,
        ends: bool = False,
        directory: Path = PROJECT,
    ) -> Child:
        """Start `command` as a child in `directory`; its output goes to `log`, or to the terminal."""
        launcher, pipe = os.getpid(), self._pipe

        def before_exec() -> None:
            # The child registers itself, so that there is no moment in which it runs and the warden does not know.
            os.write(pipe, f"started {os.getpid()} {int(stop_signal)} {stage}\n".encode())
            if account is not None:
                account.become()
            # A change of account clears the parent-death signal, so it comes last.
            die_with_parent(launcher, stop_signal)

        output = None if log is None else log.open("wb")
        try:
            process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=None if output is None else subprocess.STDOUT,
                cwd=directory,
                env=dict(environment),
                start_new_session=True,
                pass_fds=self.keep_open if stage == SERVERS else (),
                preexec_fn=before_exec,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise Trouble(f"{name} could not be started: {error}") from error
        finally:
            if output is not None:
                output.close()
        child = Child(name, process, log, stop_signal, stage, ends)
        self.children.append(child)
        return child

    def finish(self, child: Child, meanwhile: Callable[[], object] = lambda: None) -> int:
        """Wait until `child` ends by itself, and call `meanwhile` repeatedly. Returns the exit code.

        Raises Trouble if another child dies meanwhile.
        """
        while child.process.poll() is None:
            self.watch(besides=child)
            meanwhile()
            time.sleep(0.03)
        self._forget(child)
        return child.process.returncode

    def watch(self, besides: Child | None = None) -> None:
        """Raise Trouble if a child that should be running, or the warden, has died."""
        for child in self.children:
            if child is not besides and not child.ends and child.process.poll() is not None:
                raise Trouble(
                    f"{child.name} has stopped by itself (exit code {child.process.returncode}). "
                    f"Its last words ({child.log}):\n{child.last_words()}"
                )
        if self._warden is not None and self._warden.poll() is not None:
            raise Trouble("The warden, which cleans up after the launcher, was killed.")

    def throw_away(self, directory: Path) -> None:
        """Have the warden remove `directory` should the launcher be killed."""
        self._tell(f"remove {directory}")

    def stop(self) -> None:
        """Stop every child: the apps first, then the servers. Kill those that do not stop within seconds."""
        for stage in (APPS, SERVERS):
            members = [child for child in self.children if child.stage == stage]
            for child in members:
                warden.send(child.process.pid, child.stop_signal)
            end = time.monotonic() + 2 * warden.PATIENCE
            for child in members:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.process.wait(max(0.0, end - time.monotonic()))
                self.put_down(child)

    def put_down(self, child: Child) -> None:
        """Kill one child and its process group with SIGKILL. It may have ended already."""
        warden.send(child.process.pid, signal.SIGKILL)
        child.process.wait()
        self._forget(child)

    def kill(self) -> None:
        """Kill every child at once: for a person who pressed Ctrl-C twice."""
        for child in self.children:
            warden.send(child.process.pid, signal.SIGKILL)

    def _forget(self, child: Child) -> None:
        # A leader that died may leave members of its group behind.
        warden.send(child.process.pid, signal.SIGKILL)
        self._tell(f"gone {child.process.pid}")
        self.children.remove(child)

    def _tell(self, line: str) -> None:
        # A dead warden is found by watch().
        with contextlib.suppress(BrokenPipeError):
            os.write(self._pipe, f"{line}\n".encode())
