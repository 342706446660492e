import re
import tomllib

from launcher.bootstrap import UV_VERSION
from launcher.family import PROJECT

PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())
LOCKS = sorted((PROJECT / "requirements").glob("*.txt"))


def names(requirements):
    return {re.match(r"[\w-]+", line)[0].lower() for line in requirements if isinstance(line, str)}


def test_every_dependency_has_its_line():
    groups = PYPROJECT["dependency-groups"]
    wanted = names(PYPROJECT["project"]["dependencies"]) | names(groups["embedded"]) | names(groups["dev"])
    cells = re.findall(
        r"^\| ([\w-]+(?:, [\w-]+)*) \|", (PROJECT / "docs" / "dependencies.md").read_text(), re.MULTILINE
    )
    described = {name for cell in cells for name in cell.split(", ")} - {"package"}
    assert described == wanted


def test_every_dependency_is_pinned_with_a_hash_and_no_lock_names_a_registry():
    assert [lock.name for lock in LOCKS] == ["dev.txt", "production.txt", "uv.txt"]
    for lock in LOCKS:
        text = lock.read_text()
        assert "://" not in text, lock
        pins = re.findall(r"^([\w.-]+)==\S+", text, re.MULTILINE)
        hashed = re.findall(r"^([\w.-]+)==[^\n]*\\\n    --hash=sha256:", text, re.MULTILINE)
        assert pins
        assert pins == hashed, lock


def test_production_and_development_run_the_same_versions():
    production, development = (
        dict(re.findall(r"^([\w.-]+)==(\S+)", (PROJECT / "requirements" / name).read_text(), re.MULTILINE))
        for name in ("production.txt", "dev.txt")
    )
    assert production.items() <= development.items()


def test_the_pinned_uv_is_the_one_that_the_bootstrap_asks_for():
    assert f"uv=={UV_VERSION} \\" in (PROJECT / "requirements" / "uv.txt").read_text()
