"""How the documents that are drawn from the code are written in Markdown."""

from collections.abc import Iterable, Sequence


def page(title: str, lines: Iterable[str]) -> str:
    """A whole document, with the remark that nobody edits it."""
    drawn = "Drawn from the code by `manage.py draw_states`; a test compares. Do not edit."
    return "\n".join([f"# {title}", "", drawn, "", *lines]) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table."""
    return [_row(heads), "|" + "---|" * len(heads), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def codes(names: Iterable[str]) -> str:
    """Names as Markdown writes code, divided by commas."""
    return ", ".join(f"`{name}`" for name in names)
