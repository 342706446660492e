import os
import subprocess
import sys
from pathlib import Path

import pytest

from launcher import bootstrap


def told(path) -> list[str]:
    """A command that tells where a cache lies."""
    return [sys.executable, "-c", f"print({str(path)!r})"]


@pytest.mark.parametrize(
    ("environment", "there", "kept"),
    [
        ({}, False, bootstrap.LOCAL / "uv-cache-dir"),
        ({}, True, None),
        ({"UV_CACHE_DIR": "/elsewhere"}, False, "/elsewhere"),
        ({"UV_CACHE_DIR": "/elsewhere"}, True, "/elsewhere"),
        ({"UV_CACHE_DIR": ""}, False, bootstrap.LOCAL / "uv-cache-dir"),
    ],
)
def test_a_cache_lies_within_the_project_unless_the_person_has_one(tmp_path, environment, there, kept):
    asking = told(tmp_path if there else tmp_path / "missing")
    bootstrap.keep_within(environment, "UV_CACHE_DIR", asking)
    assert environment.get("UV_CACHE_DIR") == (str(kept) if kept else None)


def test_a_program_that_tells_nothing_leaves_it_within_the_project():
    environment = {}
    bootstrap.keep_within(environment, "PIP_CACHE_DIR", [sys.executable, "-c", "raise SystemExit(1)"])
    assert environment == {"PIP_CACHE_DIR": str(bootstrap.LOCAL / "pip-cache-dir")}


def uv_that(tmp_path, **answers: str) -> str:
    """A uv that finds these Pythons, makes nothing and fetches nothing."""
    cases = "\n".join(f'*" {asked}") echo {python}; exit 0;;' for asked, python in answers.items())
    program = tmp_path / "uv"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\ncase "$*" in\n{cases}\nesac\nexit 1\n')
    program.chmod(0o755)
    return str(program)


def test_without_a_python_it_says_what_to_install_and_how_to_name_a_mirror(tmp_path):
    environment = dict(os.environ)
    with pytest.raises(bootstrap.Stuck) as stuck:
        bootstrap.make_venv(uv_that(tmp_path), environment)
    for words in (
        "no Python 3.12, 3.13 or 3.14",
        "apt install python3 python3-venv",
        "brew install python@3.13",
        "pyenv install 3.13",
        "export UV_PYTHON_INSTALL_MIRROR=https://",
    ):
        assert words in str(stuck.value)
    assert environment["UV_PYTHON_INSTALL_DIR"] == str(bootstrap.LOCAL / "python")


def test_a_python_that_is_there_is_used_and_none_is_fetched(tmp_path):
    uv = uv_that(tmp_path, **{bootstrap.PYTHONS: "/usr/bin/python3.12"})
    with pytest.raises(bootstrap.Stuck, match=r"/usr/bin/python3\.12 cannot make \.venv"):
        bootstrap.make_venv(uv, dict(os.environ))
    asked = (tmp_path / "asked").read_text().splitlines()
    assert [line.split()[-1] for line in asked[:2]] == ["3.13", bootstrap.PYTHONS]
    assert "--python /usr/bin/python3.12" in asked[2]


def test_the_readme_says_so_too():
    readme = (bootstrap.PROJECT / "README.md").read_text()
    for words in ("apt install python3", "brew install python@3.13", "pyenv install 3.13", "UV_PYTHON_INSTALL_MIRROR"):
        assert words in readme


def test_what_cannot_be_written_is_one_sentence(tmp_path, monkeypatch):
    closed = tmp_path / "closed"
    closed.mkdir()
    monkeypatch.setattr(os, "access", lambda place, mode: Path(place) != closed)
    with pytest.raises(bootstrap.Stuck, match="belongs to somebody else"):
        bootstrap.check_owner(closed)
    bootstrap.check_owner(tmp_path / "missing")


def test_an_environment_whose_python_is_gone_is_made_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / "bin" / "python")
    (tmp_path / "linli.stamp").write_text(bootstrap.fingerprint())
    assert not bootstrap.up_to_date()


def test_a_disk_that_is_full_or_a_file_in_the_way_is_one_sentence(tmp_path):
    project = tmp_path / "clone"
    (project / "launcher").mkdir(parents=True)
    (project / "launcher" / "bootstrap.py").write_text((bootstrap.PROJECT / "launcher" / "bootstrap.py").read_text())
    (project / ".local").write_text("a file")
    refused = subprocess.run([sys.executable, project / "launcher" / "bootstrap.py"], capture_output=True, text=True)
    assert refused.returncode == 1
    assert refused.stderr.strip() == f"{project}/.local cannot be used: File exists."
