"""Which tests are left out of `make test ARGS=fast`."""

import ast
import json

import pytest

from launcher.family import PROJECT
from tests import costs


def functions(path):
    """The names of the tests in a file."""
    return {
        node.name for node in ast.walk(ast.parse((PROJECT / path).read_text())) if isinstance(node, ast.FunctionDef)
    }


def test_what_is_named_slow_is_there():
    named = [line.split("::") for line in costs.SLOW.read_text().split()]
    known = {path: functions(path) for path in {path for path, _ in named} if (PROJECT / path).exists()}
    assert not [f"{path}::{name}" for path, name in named if name not in known.get(path, ())]


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """Two functions of tests were measured, one of them dear on the average of its cases."""
    monkeypatch.setattr(costs, "COSTS", tmp_path / "costs")
    monkeypatch.setattr(costs, "SLOW", tmp_path / "slow.txt")
    costs.COSTS.mkdir()
    lines = [["tests/a.py::test_quick[1]", 0.01], ["tests/a.py::test_dear[1]", 0.01], ["tests/a.py::test_dear[2]", 0.2]]
    (costs.COSTS / "gw0.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_function_is_slow_that_is_dear_on_the_average_of_its_cases(measured):
    costs.main()
    assert costs.SLOW.read_text() == "tests/a.py::test_dear\n"
    with pytest.raises(SystemExit, match="Nothing was measured"):
        costs.main()
