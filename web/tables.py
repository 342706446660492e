"""CSV files, whose cells follow the same rules as lines elsewhere (`web.texts`)."""

import csv
from collections.abc import Collection, Iterator
from pathlib import Path

from web.fields import CONTROL
from web.texts import ControlCharacter, read_line
from web.words import Words, bilingual, en, zh

LONGEST = 2_000
"""The most characters of a cell in any column."""


class BadTable(ValueError):
    """The table cannot be read; `reason` names the file, the row and, where there is one, the column."""

    def __init__(self, path: Path, row: int, column: str, reason: Words):
        self.reason = bilingual(
            f"{path.name} 第 {row} 行{f'“{column}”列' if column else ''}：{zh(reason)}",
            f"{path.name}, row {row}{f', column {column!r}' if column else ''}: {en(reason)}",
        )
        super().__init__(str(self.reason))


def read_table(path: Path, columns: Collection[str] = ()) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a UTF-8 CSV file with a heading, each with its number in the file; the heading is row 1.

    Raises BadTable where one of `columns` is missing, a row has more or fewer cells than the heading, or a cell has a
    control character, is not UTF-8, or is longer than LONGEST characters.
    """
    row = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            heading = [read_line(name) for name in next(reader, [])]
            if missing := [name for name in columns if name not in heading]:
                raise BadTable(path, row, missing[0], bilingual("缺少这一列。", "The column is missing."))
            for row, cells in enumerate(reader, start=2):
                if not cells:
                    continue
                if len(cells) != len(heading):
                    raise BadTable(
                        path,
                        row,
                        "",
                        bilingual(
                            f"应有 {len(heading)} 格，实有 {len(cells)} 格。",
                            f"It has {len(cells)} cells instead of {len(heading)}.",
                        ),
                    )
                yield row, {name: _cell(path, row, name, cell) for name, cell in zip(heading, cells, strict=True)}
    except UnicodeDecodeError:
        # The decoder reads ahead of the rows.
        raise BadTable(
            path, row, "", bilingual("此行或其后不是 UTF-8 文字。", "It, or what follows, is not UTF-8.")
        ) from None
    except csv.Error as problem:
        raise BadTable(
            path, row + 1, "", bilingual(f"不是有效的 CSV：{problem}。", f"It is no valid CSV: {problem}.")
        ) from None


def _cell(path: Path, row: int, column: str, written: str) -> str:
    try:
        text = read_line(written)
    except ControlCharacter:
        raise BadTable(path, row, column, CONTROL) from None
    if len(text) > LONGEST:
        raise BadTable(path, row, column, bilingual(f"最多 {LONGEST} 个字符。", f"{LONGEST} characters at most."))
    return text
