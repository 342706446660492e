import sys

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
