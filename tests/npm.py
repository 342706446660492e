"""Programs that tests bring from npm: what a package-lock.json names."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from launcher.family import PROJECT

NODE = bool(shutil.which("node") and shutil.which("npm"))
needs_node = pytest.mark.skipif(not NODE and not os.environ.get("CI"), reason="no Node here; CI has one")


def workshop(source: Path) -> Path:
    """A directory with a copy of `source`, which has a package.json and its lock; what they name is fetched where it is not there yet."""
    place = PROJECT / ".local" / source.name
    shutil.copytree(source, place, dirs_exist_ok=True)
    stamp, lock = place / "node_modules" / "linli.stamp", (place / "package-lock.json").read_text()
    if not stamp.exists() or stamp.read_text() != lock:
        fetched = subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=place, capture_output=True, text=True)
        assert fetched.returncode == 0, fetched.stderr
        stamp.write_text(lock)
    return place
