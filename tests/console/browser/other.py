"""Browsers beside Debian's Chromium: Chromium 109, which is the oldest that the console supports, and Debian's Firefox."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.console.browser.looking import WIDTHS, session_of
from tests.npm import NODE, workshop

ENGINES = Path(__file__).parent / "engines"
FIREFOX = shutil.which("firefox-esr")
everywhere = pytest.mark.parametrize(
    "looking",
    [pytest.param((engine, width), id=f"{engine}-{width}") for engine in ("chromium", "oldest") for width in WIDTHS],
    indirect=True,
)
"""A test with this mark runs in both Chromiums at both widths."""


def chromium_109() -> Path:
    """The program, unpacked once."""
    need(NODE, "Node")
    place = workshop(ENGINES)
    program = place / "chromium-109"
    if not program.exists():
        fresh = place / "chromium-109.part"
        subprocess.run(["node", "unpack.mjs", fresh], cwd=place, check=True)
        fresh.rename(program)
    return program


def in_firefox(address: str, cast: Mapping[str, object], who: str, steps: Sequence[Sequence[object]]) -> list[str]:
    """Walk through the steps of engines/drive.mjs as `who`; what went wrong on the pages. Raises AssertionError for a step that fails."""
    need(NODE, "Node")
    need(FIREFOX, "Debian's package firefox-esr")
    asked = {"firefox": FIREFOX, "address": address, "session": session_of(cast[who]), "steps": steps}  # type: ignore[arg-type]
    made = subprocess.run(
        ["node", "drive.mjs"],
        cwd=workshop(ENGINES),
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert made.returncode == 0, made.stderr
    return list(json.loads(made.stdout))


def need(there: object, what: str) -> None:
    """Skip the test, and say why, where something is not there; in continuous integration fail."""
    if not there:
        assert "CI" not in os.environ, f"Continuous integration needs {what}."
        pytest.skip(f"There is no {what} here; continuous integration has it.")
