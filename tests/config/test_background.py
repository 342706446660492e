"""Worker, sweeper, postman and beat in one process tree."""

import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest

from config.background import read
from tests.processes import start, wait_until

WORKER = ["worker", "--queues", "nobody-asks", "--concurrency", "1", "--hostname", "first@%h", "--loglevel", "INFO"]


def test_commands_are_named_by_their_host_or_their_first_word():
    options, commands = read(["--logs", "/somewhere", *WORKER, "--", "beat", "--pidfile", ""])
    assert str(options.logs) == "/somewhere"
    assert commands == {"first": WORKER, "beat": ["beat", "--pidfile", ""]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name at least one command"),
        (["beat", "--"], "one on each side of --"),
        (["beat", "--", "--", "worker"], "one on each side of --"),
        (["worker", "--", "worker"], "two commands are called worker"),
    ],
)
def test_what_names_no_command_or_one_name_twice_is_refused(arguments, words, capsys):
    with pytest.raises(SystemExit) as ended:
        read(arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_the_file_for_the_pulse_of_one_process_is_refused(settings, capsys):
    settings.PULSE_FILE = "/somewhere/pulse"
    with pytest.raises(SystemExit):
        read(["beat"])
    assert "LINLI_PULSE" in capsys.readouterr().err


@pytest.fixture
def background(tmp_path):
    """Two workers that share what they have loaded, ready; and their own processes by their names."""
    second = ["second@%h" if word == "first@%h" else word for word in WORKER]
    process = start("-m", "config.background", "--logs", str(tmp_path), *WORKER, "--", *second)
    try:
        for name in ("first", "second"):
            log = tmp_path / f"{name}.log"
            wait_until(lambda log=log: log.exists() and "ready" in log.read_text())
        yield (
            process,
            {name: one for one in below(process.pid) for name in ("first", "second") if f"{name}@" in title(one)},
        )
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def below(process):
    """The numbers of the processes that this one started."""
    return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def title(process):
    return Path(f"/proc/{process}/cmdline").read_text()


def gone(process):
    """Whether it has ended, or waits to be collected."""
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"


def test_one_that_dies_takes_the_others_with_it(background):
    process, workers = background
    os.kill(workers["first"], signal.SIGKILL)
    assert process.wait(30) == 1
    assert gone(workers["second"])


def test_a_signal_to_the_first_process_alone_stops_all_in_order(background, tmp_path):
    process, workers = background
    process.terminate()
    assert process.wait(30) == 0
    for name, worker in workers.items():
        assert gone(worker)
        assert "Warm shutdown" in (tmp_path / f"{name}.log").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has died")
def test_none_is_left_where_the_first_process_is_killed(background):
    process, workers = background
    assert len(workers) == 2
    process.kill()
    process.wait()
    wait_until(lambda: all(map(gone, workers.values())))
