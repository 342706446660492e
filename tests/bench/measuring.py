"""A measurement as a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from launcher.family import PROJECT


def measured(directory: Path, module: str, *options: str) -> tuple[list[dict[str, Any]], int]:
    """The rows that a measurement writes, on servers of its own in `directory`, and its exit code."""
    figures = directory / "figures.json"
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    done = subprocess.run(
        [sys.executable, "-m", module, *options, "--json", figures],
        cwd=PROJECT, env=kept | {"LINLI_LOCAL_DIR": str(directory)}, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert figures.exists(), done.stdout + done.stderr
    return json.loads(figures.read_text())["rows"], done.returncode
