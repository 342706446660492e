"""Columns on a terminal, where a Chinese character takes two."""

import unicodedata


def padded(text: str, width: int) -> str:
    """`text`, filled up with spaces to `width` columns."""
    return text + " " * (width - sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text))
