"""What tests start ends with them, also where they are killed."""

import os
import signal
import subprocess
import sys

import pytest

from launcher.account import LINUX
from launcher.family import PROJECT
from tests.launcher.conftest import processes
from tests.processes import wait_until, with_us

PARENT = """
import subprocess, sys, time
from tests.processes import with_us
child = [sys.executable, "-c", "import time; time.sleep(600)"]
print(subprocess.Popen(child, start_new_session=True, preexec_fn=with_us()).pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not LINUX, reason="Only Linux tells a process that its parent has died.")
def test_what_a_test_started_ends_with_it_also_where_it_is_killed():
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=PROJECT, stdout=subprocess.PIPE, text=True, preexec_fn=with_us()
    )
    with parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert child in processes()
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    wait_until(lambda: child not in processes(), 20)
