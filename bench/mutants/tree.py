"""What of the project is changed, and which tests are asked: the packages that import-linter keeps apart, as they are now."""

import tomllib
from pathlib import Path

from launcher.family import PROJECT

# Settings, and what puts the server together.
WIRING = "config"
# What shows, loads or describes, and decides nothing. The documents that are drawn from the code notice every change.
DECIDES_NOTHING = frozenset(
    {
        *("migrations", "apps", "admin", "management", "demo", "simulation"),
        *("drawing", "markdown", "news_table", "timetable", "schema", "schemas", "schema_names"),
    }
)


def packages() -> list[str]:
    """The packages whose code is changed."""
    with (PROJECT / "pyproject.toml").open("rb") as file:
        named: list[str] = tomllib.load(file)["tool"]["importlinter"]["root_packages"]
    return [name for name in named if name != WIRING]


def modules(folder: Path) -> list[str]:
    """Every source file in a folder of the project that decides something."""
    paths = (path.relative_to(PROJECT) for path in sorted(folder.rglob("*.py")))
    return [str(path) for path in paths if DECIDES_NOTHING.isdisjoint(path.with_suffix("").parts)]


def test_folders() -> list[str]:
    """The folders of tests that the packages have."""
    return [f"tests/{name}" for name in packages() if (PROJECT / "tests" / name).is_dir()]
