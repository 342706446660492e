import contextlib
import os
import signal
import subprocess
import sys

import pytest

from launcher.family import PROJECT, Family, Trouble
from tests.launcher.conftest import await_end, processes

STUBBORN = "trap '' TERM INT; echo ready; sleep 60 & wait; sleep 60"


def warden():
    return subprocess.Popen([sys.executable, "-m", "launcher.warden"], stdin=subprocess.PIPE, cwd=PROJECT)


def stubborn():
    process = subprocess.Popen(["sh", "-c", STUBBORN], start_new_session=True, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    process.stdout.close()
    return process


def group_of(pid):
    with contextlib.suppress(ProcessLookupError):
        return os.getpgid(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")
def test_the_warden_ends_whole_groups_and_removes_directories_when_the_launcher_is_gone(tmp_path):
    directory = tmp_path / "thrown away"
    directory.mkdir()
    process, watching = stubborn(), warden()
    watching.stdin.write(f"started {process.pid} {int(signal.SIGTERM)} 1\nremove {directory}\n".encode())
    watching.stdin.close()
    assert process.wait(10) == -signal.SIGKILL
    assert watching.wait(10) == 0
    await_end({(pid, start) for pid, (_, start) in processes().items() if group_of(pid) == process.pid})
    assert not directory.exists()


def test_the_warden_leaves_directories_alone_where_the_launcher_has_cleaned_up(tmp_path):
    process, watching = stubborn(), warden()
    watching.stdin.write(f"started {process.pid} {int(signal.SIGTERM)} 1\nremove {tmp_path}\n".encode())
    watching.stdin.write(f"gone {process.pid}\ndone\n".encode())
    watching.stdin.close()
    assert watching.wait(10) == 0
    assert process.poll() is None
    assert tmp_path.exists()
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_child_whose_birth_was_interrupted_is_ended_even_by_a_launcher_that_says_it_is_done(when):
    process, watching = stubborn(), warden()
    born = f"started {process.pid} {int(signal.SIGTERM)} 1\n"
    watching.stdin.write((born + "done\n" if when == "before" else "done\n" + born).encode())
    watching.stdin.close()
    assert process.wait(10) == -signal.SIGKILL
    assert watching.wait(10) == 0


def test_a_child_that_dies_is_named_with_its_last_words(tmp_path):
    with Family() as family:
        family.start("web", ["sh", "-c", "echo out of paper; exit 3"], environment={}, log=tmp_path / "web.log")
        family.children[0].process.wait(10)
        with pytest.raises(Trouble, match=r"web has stopped by itself \(exit code 3\)(.|\n)*out of paper"):
            family.watch()


def test_a_program_that_is_not_there_is_trouble_and_not_a_traceback():
    with Family() as family, pytest.raises(Trouble, match="beat could not be started"):
        family.start("beat", ["/nowhere/beat"], environment={})
