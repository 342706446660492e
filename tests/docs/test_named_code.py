"""Where the documents name a file, class, function or value of the code, it is there."""

import ast
import re

import pytest

from launcher.family import PROJECT

DOCUMENTS = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])
NAMED = re.compile(r"`([\w./-]+\.py)(?:::([\w.]+))?`")


def names(path: str) -> set[str]:
    """What a module defines: its functions, classes and values, and those of its classes as `Class.name`."""
    found = set()
    for node in ast.parse((PROJECT / path).read_text()).body:
        found |= set(defined(node))
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{name}" for one in node.body for name in defined(one)}
    return found


def defined(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Assign():
            return [one.id for one in node.targets if isinstance(one, ast.Name)]
        case ast.AnnAssign(target=ast.Name() as target):
            return [target.id]
    return []


def missing(text: str) -> list[str]:
    """The places that the text names and that are not in the code."""
    found = []
    for path, name in NAMED.findall(text):
        # A file without its folder is spoken of, not pointed to.
        if "/" not in path:
            continue
        if not (PROJECT / path).is_file() or (name and name not in names(path)):
            found.append(f"{path}::{name}" if name else path)
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_names_is_in_the_code(document):
    assert missing(document.read_text()) == []


def test_the_walks_and_the_glossary_name_code():
    for name, least in {"architecture.md": 30, "glossary.md": 60}.items():
        assert len(NAMED.findall((PROJECT / "docs" / name).read_text())) >= least, name


@pytest.mark.parametrize(
    "place",
    [
        "workflow/nowhere.py",
        "workflow/writing.py::nobody",
        "workflow/writing.py::Draft.nobody",
        "workflow/writing.py::Draft.drafts",
    ],
)
def test_what_is_not_in_the_code_is_found_missing(place):
    assert missing(f"See `{place}`.") == [place]


@pytest.mark.parametrize(
    "place",
    [
        "workflow/writing.py",
        "workflow/writing.py::store",
        "workflow/writing.py::Draft.record",
        "tickets/states.py::State.CLOSED",
    ],
)
def test_what_is_in_the_code_is_not(place):
    assert missing(f"See `{place}`.") == []
