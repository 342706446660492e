"""The mutants of a module: the operators of mutmut and three of our own, without the changes that no test should notice."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libcst as cst
import libcst.matchers as m
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider
from mutmut.mutation.mutators import mutation_operators, operator_keywords, operator_string, operator_swap_op

from launcher.family import PROJECT

type Operator = Callable[[Any], Iterable[cst.CSTNode]]


def negate_condition(node: cst.If | cst.While | cst.IfExp | cst.CompIf) -> Iterable[cst.CSTNode]:
    """`if a:` becomes `if not a:`."""
    if m.matches(node.test, m.UnaryOperation(operator=m.Not())):
        # mutmut takes the `not` away.
        return
    negated = cst.UnaryOperation(
        operator=cst.Not(), expression=node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    )
    yield node.with_changes(test=negated)


def leave_out_statement(node: cst.Expr) -> Iterable[cst.CSTNode]:
    """A statement that is a call (`ticket.save()`) is left out."""
    if isinstance(node.value, cst.Call | cst.Await | cst.Yield):
        yield cst.Pass()


def return_nothing(node: cst.Return) -> Iterable[cst.CSTNode]:
    """`return a` becomes `return None`."""
    if node.value is not None and not m.matches(node.value, m.Name("None")):
        yield node.with_changes(value=cst.Name("None"))


OWN: list[tuple[type, Operator]] = [
    (cst.If, negate_condition),
    (cst.While, negate_condition),
    (cst.IfExp, negate_condition),
    (cst.CompIf, negate_condition),
    (cst.Expr, leave_out_statement),
    (cst.Return, return_nothing),
]
# What these two look for among all nodes.
NARROWED: dict[Operator, tuple[type, ...]] = {
    operator_keywords: (cst.Is, cst.IsNot, cst.In, cst.NotIn, cst.Break, cst.Continue),
    operator_swap_op: (
        cst.BinaryOperation,
        cst.UnaryOperation,
        cst.BooleanOperation,
        cst.ComparisonTarget,
        cst.AugAssign,
    ),
}
# Most texts are words for people, and a wrong name of a field is an error at once.
OPERATORS: list[tuple[type | tuple[type, ...], Operator]] = [
    *(
        (NARROWED.get(operator, kind), operator)
        for kind, operator in mutation_operators
        if operator is not operator_string
    ),
    *OWN,
]
STATEMENTS = (
    *(cst.SimpleStatementLine, cst.If, cst.For, cst.While, cst.With, cst.Try, cst.ExceptHandler, cst.Match),
    *(cst.MatchCase, cst.FunctionDef, cst.ClassDef),
)
# What of a compound statement is not its body.
HEADS = ("target", "iter", "test", "subject", "pattern", "guard", "type")
LOGS = {"log", "logger", "logging", "warnings"}
# Calls and arguments whose whole meaning is words or types.
WORDS = {"_", "gettext", "gettext_lazy", "ngettext", "pgettext", "cast", "TypeVar", "format_html"}
# Calls that make a query or a class quicker, and change nothing of what it is.
QUICKER = {"select_related", "prefetch_related", "only", "defer", "iterator", "dataclass"}
QUICKER_ARGUMENTS = {"update_fields", "chunk_size", "batch_size", "strict", "maxsize"}
# One of these in another's place is seldom another program.
EMPTY = m.Name("None") | m.Name("False") | m.SimpleString('""') | m.Tuple(elements=[])
WORDY_ARGUMENTS = {
    "verbose_name",
    "verbose_name_plural",
    "help_text",
    "label",
    "description",
    "summary",
    "violation_error_message",
}


@dataclass(frozen=True)
class Mutant:
    """One change of one module. `number` counts the module's mutants; `lines` is the statement that is changed."""

    module: str
    number: int
    operator: str
    line: int
    lines: range

    @property
    def name(self) -> str:
        """What it is called in the session file."""
        return f"{self.module}:{self.number}"


class Module:
    """A source file and every mutant of it."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.source = (PROJECT / module).read_text()
        wrapper = MetadataWrapper(cst.parse_module(self.source))
        self._tree = wrapper.module
        self._positions = wrapper.resolve(PositionProvider)
        self._parents = wrapper.resolve(ParentNodeProvider)
        self._changes: list[tuple[cst.CSTNode, cst.CSTNode]] = []
        self.mutants: list[Mutant] = []
        self._last = (-1, "")
        for node in self._nodes(self._tree):
            for kind, operator in OPERATORS:
                if isinstance(node, kind):
                    for changed in operator(node):
                        self._add(node, changed, operator.__name__)

    def _nodes(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """Every node in which a change is a change of what the program does."""
        if isinstance(node, cst.Annotation | cst.TypeAlias | cst.TypeParameters | cst.Import | cst.ImportFrom):
            return
        if isinstance(node, cst.If) and m.matches(node.test, m.Name("TYPE_CHECKING")):
            return
        if isinstance(node, cst.Call) and called(node) in LOGS | WORDS:
            return
        if isinstance(node, cst.Call) and name_of(node) in QUICKER:
            # What comes before the dot is looked at all the same.
            yield from self._nodes(node.func)
            return
        if (
            isinstance(node, cst.Arg)
            and node.keyword is not None
            and node.keyword.value in WORDY_ARGUMENTS | QUICKER_ARGUMENTS
        ):
            return
        # "__all__", "app_name" and the like; and a docstring is no statement.
        if isinstance(node, cst.Expr) and isinstance(node.value, cst.SimpleString | cst.ConcatenatedString):
            return
        yield node
        for child in node.children:
            yield from self._nodes(child)

    def _add(self, node: cst.CSTNode, changed: cst.CSTNode, operator: str) -> None:
        """Keep the change as a mutant, unless it means nothing."""
        if isinstance(node, cst.Call) and isinstance(changed, cst.Call) and without_meaning(node, changed):
            return
        if isinstance(node, cst.Assign | cst.AnnAssign) and node.value is not None:
            empty = m.matches(node.value, EMPTY) and isinstance(changed, cst.Assign | cst.AnnAssign)
            if empty or wordy(node.value):
                return
        if isinstance(node, cst.Expr) and isinstance(node.value, cst.Call) and called(node.value) in LOGS:
            return
        position = self._positions[node]
        self._changes.append((node, changed))
        number = len(self.mutants)
        self.mutants.append(Mutant(self.module, number, operator, position.start.line, self._lines(node, changed)))

    def _lines(self, node: cst.CSTNode, changed: cst.CSTNode) -> range:
        """The lines of the statement that the node belongs to: of a compound statement, its head alone."""
        if isinstance(node, cst.Match) and isinstance(changed, cst.Match):
            # Only what ran the case misses it.
            gone = next(case for case in node.cases if case not in changed.cases)
            return range(self._positions[gone].start.line + 1, self._positions[gone].end.line + 1)
        position = self._positions[node]
        while not isinstance(node, STATEMENTS):
            node = self._parents[node]
        whole = self._positions[node]
        if isinstance(node, cst.SimpleStatementLine):
            return range(whole.start.line, whole.end.line + 1)
        heads = [getattr(node, part) for part in HEADS if isinstance(getattr(node, part, None), cst.CSTNode)]
        end = max((self._positions[head].end.line for head in heads), default=whole.start.line)
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            # A decorator, a default or a base: what runs where the definition stands.
            end = position.end.line
        return range(min(whole.start.line, position.start.line), end + 1)

    def mutated(self, mutant: Mutant) -> str:
        """The module's text with the change in it."""
        if self._last[0] == mutant.number:
            return self._last[1]
        node, changed = self._changes[mutant.number]
        tree = self._tree.deep_replace(node, changed)
        assert isinstance(tree, cst.Module)
        self._last = mutant.number, tree.code
        return tree.code

    def diff(self, mutant: Mutant) -> str:
        """The change, to be read."""
        old, new = self.source.splitlines(), self.mutated(mutant).splitlines()
        return "\n".join(difflib.unified_diff(old, new, self.module, mutant.operator, n=1, lineterm=""))


def called(call: cst.Call) -> str:
    """The first name of what is called: `logger` of `logger.info()`."""
    function = call.func
    while isinstance(function, cst.Attribute):
        function = function.value
    return function.value if isinstance(function, cst.Name) else ""


def name_of(call: cst.Call) -> str:
    """The last name of what is called: `info` of `logger.info()`."""
    return call.func.attr.value if isinstance(call.func, cst.Attribute) else called(call)


def without_meaning(old: cst.Call, new: cst.Call) -> bool:
    """Whether two calls differ in an argument alone that is words for people, speed, or empty in another way."""
    kept = [id(each) for each in new.args]
    gone = [each for each in old.args if id(each) not in kept]
    if len(gone) != 1:
        return False
    keyword = gone[0].keyword.value if gone[0].keyword is not None else ""
    nothing = len(new.args) == len(old.args) and m.matches(gone[0].value, EMPTY)
    return nothing or wordy(gone[0].value) or keyword in WORDY_ARGUMENTS | QUICKER_ARGUMENTS


def wordy(node: cst.BaseExpression) -> bool:
    """Whether it is a text for people: of more than one word, Chinese, put together, or translated."""
    if isinstance(node, cst.FormattedString | cst.ConcatenatedString):
        return True
    if isinstance(node, cst.SimpleString):
        return re.search(r"\s|[^\x00-\x7f]", node.value) is not None
    return isinstance(node, cst.Call) and called(node) in WORDS


def modules(path: Path) -> list[str]:
    """The source files at `path`, a file or a folder, as the project writes them."""
    found = sorted(path.glob("*.py")) if path.is_dir() else [path]
    return [str(each.relative_to(PROJECT)) for each in found]
