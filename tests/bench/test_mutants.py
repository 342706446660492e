"""The mutants: which are made, how they get into a process that runs, and who is asked about them."""

import pytest

from bench.mutants import making, reach, swapping, tree
from bench.mutants.__main__ import chosen_modules
from tickets.models import Ticket
from workflow.prepared import Prepared

SOURCE = '''
"""Words."""
import logging

LIMIT: int = 3


def nearest(places, *, within: int = LIMIT):
    """Words, too."""
    if within > 2:
        raise ValueError("Too far away.")
    logging.info("Looking at %s", places)
    found = sorted(places, key=lambda place: place.distance)
    return found[0]
'''


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.setattr(making, "PROJECT", tmp_path)
    (tmp_path / "places.py").write_text(SOURCE)
    return making.Module("places.py")


def changed(module):
    """Every mutant's own line."""
    old = SOURCE.splitlines()
    return [
        next(new for new, line in zip(module.mutated(one).splitlines(), old, strict=True) if new != line).strip()
        for one in module.mutants
    ]


def test_each_mutant_changes_one_statement_that_is_known_by_its_lines(module):
    assert changed(module) == [
        "LIMIT: int = None",
        "LIMIT: int = 4",
        "if not (within > 2):",
        "if within >= 2:",
        "if within > 3:",
        "found = None",
        "found = sorted(None, key=lambda place: place.distance)",
        "found = sorted(places, key=None)",
        "found = sorted(key=lambda place: place.distance)",
        "found = sorted(places, )",
        "found = sorted(places, key=lambda place: None)",
        "return None",
        "return found[1]",
    ]
    assert [one.lines for one in module.mutants][2:5] == [range(10, 11)] * 3


def test_words_types_and_logs_are_left_alone(module):
    """The texts of errors, annotations and log lines are no behaviour that a test should hold."""
    assert not [line for line in changed(module) if "logging" in line or "raise" in line or "def " in line]


def test_what_is_changed_is_taken_from_the_tree(tmp_path, monkeypatch):
    monkeypatch.setattr(tree, "PROJECT", tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.importlinter]\nroot_packages = ["config", "assembly", "web"]\n')
    for name in ("config/a.py", "assembly/votes.py", "assembly/moves/count.py", "assembly/admin/votes.py", "web/a.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "tests/assembly").mkdir(parents=True)
    assert tree.packages() == ["assembly", "web"]
    assert tree.modules(tmp_path / "assembly") == ["assembly/moves/count.py", "assembly/votes.py"]
    assert tree.test_folders() == ["tests/assembly"]


def test_the_engine_is_changed_and_what_describes_it_is_not():
    chosen = set(chosen_modules([]))
    assert {"tickets/moves/work.py", "casework/acting.py", "workflow/writing.py", "tickets/models/ticket.py"} <= chosen
    assert not [name for name in chosen if "/admin" in name or "/migrations/" in name or name.startswith("config/")]


def code(source):
    return compile(source, "places.py", "exec")


def test_a_function_that_runs_gets_the_changed_code():
    old, new = code(SOURCE), code(SOURCE.replace("within > 2", "within > 3"))
    space: dict = {}
    exec(old, space)  # noqa: S102
    with pytest.raises(ValueError, match="Too far"):
        space["nearest"]([], within=3)
    swapping.swap(swapping.changed_codes(old, new), swapping.functions_of(["places.py"]))
    with pytest.raises(IndexError):
        space["nearest"]([], within=3)


def test_what_the_unchanged_code_found_is_forgotten():
    query = Prepared(Ticket.objects.all)
    query._wording = "as the unchanged code builds it"
    for forget in swapping.forget(()):
        forget()
    assert query._wording is None


def test_a_change_of_the_module_itself_needs_an_import():
    with pytest.raises(swapping.Cold):
        swapping.changed_codes(code(SOURCE), code(SOURCE.replace("= 3", "= 4")))


def test_a_change_of_lines_alone_is_no_change():
    assert swapping.same(code(SOURCE), code(SOURCE.replace("\n\n\n", "\n\n\n\n")))
    assert not swapping.same(code(SOURCE), code(SOURCE.replace("found[0]", "found[1]")))


def test_cheap_tests_of_many_files_are_asked_first_and_no_more_than_the_budget():
    known = reach.Map(
        seconds={"tests/a.py::1": 1, "tests/a.py::2": 2, "tests/b.py::1": 3, "tests/test_places.py::1": 9}
    )
    tests = set(known.seconds)
    assert known.in_turn("places.py", tests, 99) == [
        *("tests/test_places.py::1", "tests/a.py::1", "tests/b.py::1", "tests/a.py::2"),
    ]
    known.finders["places.py"]["tests/b.py::1"] = 1
    assert known.in_turn("places.py", tests, 4) == ["tests/b.py::1", "tests/test_places.py::1"]


def test_lines_are_found_again_after_a_change(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("a\nb\nc\n")
    new.write_text("a\nnew\nb\nchanged\n")
    assert reach.where_now(old, new) == {1: 1, 2: 1, 3: 2, 4: 3}
