"""Which building a ticket is about, as far as its words say: buildings are no column of a ticket."""

import re

_NUMERALS = {one: number for number, one in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_TENS = {"十": 10, "百": 100}
_NAME = r"([0-9０-９]{1,3}|[零〇一二两三四五六七八九十百]{1,5}|[A-Za-zＡ-Ｚａ-ｚ])"
_BUILDING = re.compile(rf"{_NAME}\s*(?:号楼|楼(?!道|上|下|里|内|梯|门|层)|栋|幢|座)")


def building(*words: str) -> str:
    """The building that the first of `words` names which names one: `3`, `12` or `B`; empty where none does."""
    for one in words:
        if found := _BUILDING.search(one):
            return _plain(found[1])
    return ""


def _plain(name: str) -> str:
    """A number in digits, a letter as a capital."""
    if name.isdecimal():
        return str(int(name))
    if name.isalpha() and name[0] not in _NUMERALS and name[0] not in _TENS:
        return name.translate({wide: wide - 0xFEE0 for wide in range(0xFF21, 0xFF5B)}).upper()
    total, digit = 0, 0
    for one in name:
        if one in _TENS:
            total, digit = total + (digit or 1) * _TENS[one], 0
        else:
            digit = _NUMERALS[one]
    return str(total + digit)


def order(name: str) -> tuple[int, int, str]:
    """Where a building stands among others: by number, then by letter, and the unnamed last."""
    return (0, int(name), "") if name.isdecimal() else (1, 0, name) if name else (2, 0, "")
