"""Columns on a terminal, where a Chinese character takes two."""

import unicodedata


def padded(text: str, width: int) -> str:
    """`text`, filled up with spaces to `width` columns."""
    return text + _gap(text, width)


def right(text: str, width: int) -> str:
    """`text` at the right of `width` columns."""
    return _gap(text, width) + text


def _gap(text: str, width: int) -> str:
    return " " * (width - sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text))
