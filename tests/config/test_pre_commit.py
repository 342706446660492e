"""The hooks run the project's own tools, the same as `make lint`, and fetch nothing."""

from pathlib import Path

import yaml

from launcher import check
from launcher.family import PROJECT

CONFIG = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text())
HOOKS = {hook["id"]: hook for repository in CONFIG["repos"] for hook in repository["hooks"]}


def test_hooks_are_local_and_run_programs_of_the_virtual_environment():
    assert [repository["repo"] for repository in CONFIG["repos"]] == ["local"]
    for hook in HOOKS.values():
        program = hook["entry"].split()[0]
        assert (hook["language"], str(Path(program).parent)) == ("system", ".venv/bin")
        assert (check.BIN / Path(program).name).exists()


def test_a_commit_runs_the_fast_checks_of_make_lint_and_a_push_runs_all_of_it():
    commit = [Path(hook["entry"].split()[0]).name for hook in HOOKS.values() if "stages" not in hook]
    fast = [Path(command[0]).name for name, command in check.LINT.items() if name != "mypy"]
    assert commit == fast
    assert HOOKS["lint"]["stages"] == ["pre-push"]
    assert HOOKS["lint"]["entry"].split()[1:] == ["-m", "launcher.check", "lint"]
    assert CONFIG["default_install_hook_types"] == ["pre-commit", "pre-push"]
    assert CONFIG["default_stages"] == ["pre-commit"]


def test_hooks_check_and_change_nothing():
    assert HOOKS["ruff-format"]["entry"].split()[1:3] == ["format", "--check"]
    assert "--fix" not in HOOKS["ruff-check"]["entry"]
