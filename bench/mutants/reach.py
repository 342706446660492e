"""Which tests can notice a mutant: those that reach its lines, from the map that mapping.py has written."""

import difflib
import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from bench.mutants.mapping import IMPORTS, file_hash
from launcher.family import PROJECT


@dataclass
class Map:
    """Of every module: line, then the tests that reach it. Lines are those of the module as it is now."""

    lines: dict[str, dict[int, set[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))
    seconds: dict[str, float] = field(default_factory=dict)
    imported: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    # Tests that fail (or are skipped) without any mutant show nothing.
    useless: set[str] = field(default_factory=set)
    # Tests that found mutants of a module already: they are asked first.
    finders: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def reaching(self, module: str, lines: range) -> set[str]:
        """The tests that run one of these lines."""
        by_line = self.lines[module]
        return set().union(*(by_line.get(line, ()) for line in lines)) - self.useless

    def anywhere(self, module: str) -> set[str]:
        """The tests that run any line of the module."""
        return set().union(*self.lines[module].values()) - self.useless

    def in_turn(self, module: str, tests: set[str], budget: float) -> list[str]:
        """These tests, cheap ones and those of many files first, until they take `budget` seconds together."""
        stem = Path(module).stem
        by_file: dict[str, list[str]] = defaultdict(list)
        for test in sorted(tests, key=lambda test: (self.seconds[test], test)):
            by_file[test.partition("::")[0]].append(test)
        files = sorted(by_file, key=lambda file: (stem not in Path(file).stem, self.seconds[by_file[file][0]], file))
        turns = [(turn, place, test) for place, file in enumerate(files) for turn, test in enumerate(by_file[file])]
        found = self.finders[module]
        turns.sort(key=lambda each: (-found[each[2]], each[:2]))
        chosen: list[str] = []
        for _, _, test in turns:
            if budget <= 0:
                break
            chosen.append(test)
            budget -= self.seconds[test]
        return chosen


def outdated(directory: Path, files: list[str]) -> list[str]:
    """The test files that are not in the map, or have changed since."""
    if not (directory / IMPORTS).exists():
        return files
    return [file for file in files if sha_of(directory / of_file(file)) != file_hash(PROJECT / file)]


def of_file(file: str) -> str:
    """The name of a test file's part of the map."""
    return file.replace("/", "+") + ".json"


def sha_of(path: Path) -> str | None:
    """The version of the test file that a part was made with."""
    return json.loads(path.read_text())["sha"] if path.exists() else None


def read(directory: Path, files: list[str]) -> Map:
    """The map of these test files."""
    found = Map()
    moved: dict[tuple[str, str], dict[int, int]] = {}
    for file in files:
        part = json.loads((directory / of_file(file)).read_text())
        names = {int(number): name for number, (name, _) in part["tests"].items()}
        found.seconds |= dict(part["tests"].values())
        found.useless |= set(part["failed"])
        for module, by_line in part["lines"].items():
            sha = part["sources"][module]
            if (module, sha) not in moved:
                moved[module, sha] = where_now(directory / "sources" / sha, PROJECT / module)
            for new, old in moved[module, sha].items():
                if tests := by_line.get(str(old)):
                    found.lines[module][new].update(names[number] for number in tests)
    for module, lines in json.loads((directory / IMPORTS).read_text()).items():
        found.imported[module] = set(lines)
    return found


def where_now(old: Path, new: Path) -> dict[int, int]:
    """The line of `old` that stands for each line of `new`; a changed line has the one before it."""
    if not new.exists():
        return {}
    before, after = old.read_text().splitlines(), new.read_text().splitlines()
    if before == after:
        return {line: line for line in range(1, len(after) + 1)}
    stands: dict[int, int] = {}
    for kind, old_from, old_to, new_from, new_to in difflib.SequenceMatcher(None, before, after, False).get_opcodes():
        for offset in range(new_to - new_from):
            same = old_from + offset if kind == "equal" else min(old_from + offset, max(old_to - 1, old_from - 1, 0))
            stands[new_from + offset + 1] = same + 1
    return stands
