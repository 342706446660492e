"""One name means one thing: no two public classes or type aliases of the project have the same name."""

import ast
from collections import defaultdict

from launcher.family import PROJECT

FOLDERS = (
    "bench",
    "casework",
    "community",
    "config",
    "console",
    "launcher",
    "notifications",
    "tickets",
    "web",
    "workflow",
)
FIXED = {"Command"}
"""Names that a framework asks for."""


def public_names() -> dict[str, list[str]]:
    """The files that define each public class or type alias at the top level; migrations are history and left out."""
    found = defaultdict(list)
    for folder in FOLDERS:
        for path in sorted((PROJECT / folder).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef):
                    found[node.name].append(str(path.relative_to(PROJECT)))
                elif isinstance(node, ast.TypeAlias):
                    found[node.name.id].append(str(path.relative_to(PROJECT)))
    return {name: files for name, files in found.items() if not name.startswith("_")}


def test_no_two_classes_have_one_name():
    several = {name: files for name, files in public_names().items() if len(files) > 1}
    assert {name: files for name, files in several.items() if name not in FIXED} == {}
