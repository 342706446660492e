"""The values that WeChat accepts in the fields of a subscription message (`sendMessage`, table of parameter limits).

A field that breaks the rule of its type makes WeChat refuse the whole message (47003). So every value is cut or
changed to fit, where the rule allows that. A value that is missing, such as a date, is never invented.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial

from notifications.wordings.facts import MessageFact, Phrase, local, text

_OF_TIME, _OF_NUMBERS = frozenset({"time", "date"}), frozenset({"number", "amount"})
_DAYS_END = "23:59"
"""The end of a day: WeChat's clock ends before 24:00."""
NOTHING = "-"
"""The value of a field without a fact; WeChat refuses an empty field."""
SEE_INSIDE = "见详情"
"""The value of a field that takes only Chinese, where the fact has none."""
MORE = "…"
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff"
_RANGE = re.compile(r"\s*[~～]\s*")
_TIME = re.compile(r"(?<![0-9:])([01]?[0-9]|2[0-3]|24(?=[:：]00))[:：]([0-5][0-9])(?:[:：][0-5][0-9])?(?![0-9:])")
_ZONED = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
)
_DATE = re.compile(r"(?<![0-9])([0-9]{4})\s*[-/.年]\s*([0-9]{1,2})\s*[-/.月]\s*([0-9]{1,2})(?![0-9])")
_AMOUNT = re.compile(r"[¥￥$€£]?[0-9]{1,10}(?:\.[0-9]{1,2})?元?")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_CAR = re.compile(rf"[{_HAN}A-Za-z0-9][A-Za-z0-9]{{1,6}}[{_HAN}A-Za-z0-9]")


_LENGTHS: Mapping[str, int] = {
    "thing": 20,
    "character_string": 32,
    "number": 32,
    "letter": 32,
    "symbol": 5,
    "phone_number": 17,
    "car_number": 8,
    "name": 20,
    "phrase": 5,
}
_CHINESE_NAME = 10


class Unfit(ValueError):
    """The value cannot be written in a field of this type; the message names the field."""

    def __init__(self, name: str):
        super().__init__(f"There is nothing to say in {name}.")


def type_of(name: str) -> str:
    """The type of a field: its name without its number, `thing` for `thing2`."""
    return name.rstrip("0123456789")


def written(name: str, fact: MessageFact) -> str:
    """The fact as the field `name` writes it: times, dates and numbers by their value, everything else as text."""
    kind, value = type_of(name), fact.value if isinstance(fact, Phrase) else fact
    if kind in _OF_TIME and isinstance(value, datetime):
        return _of_moment(value)
    if kind in _OF_TIME and isinstance(value, date):
        return _of_day(value)
    if kind in _OF_NUMBERS and isinstance(value, int):
        return str(value)
    return str(text(fact))


def fit(name: str, value: str) -> str:
    """`value` as WeChat accepts it in the field `name`: one line, within the type's length, never empty.

    Raises Unfit where the field is a time, date, amount, number or phone, and the value is not.
    """
    value = " ".join("".join(" " if unicodedata.category(one) in _INVISIBLE else one for one in value).split())
    fitted = _FITTING.get(type_of(name), _text)(value)
    if not fitted:
        raise Unfit(name)
    return fitted


# Control and format characters, line and paragraph separators, and what no text should hold.
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _text(value: str, most: int = _LENGTHS["thing"]) -> str:
    """Any characters. Those outside Unicode's first plane count twice, as WeChat counts them."""
    if _width(value) <= most:
        return value or NOTHING
    while _width(value) > most - len(MORE):
        value = value[:-1]
    return value + MORE


def _width(value: str) -> int:
    return len(value.encode("utf-16-le")) // 2


def _only(kind: str, allowed: str, otherwise: str, value: str) -> str:
    """The characters of `value` that this type allows."""
    return "".join(re.findall(f"[{allowed}]", value))[: _LENGTHS[kind]].strip() or otherwise


def _name(value: str) -> str:
    """Ten characters where any is Chinese, otherwise twenty letters or symbols; no digits."""
    value = " ".join(re.sub(r"[0-9]", "", value).split())
    return _text(value, _CHINESE_NAME if re.search(f"[{_HAN}]", value) else _LENGTHS["name"])


def _number(value: str) -> str:
    found = _NUMBER.search(value)
    return found[0] if found and len(found[0]) <= _LENGTHS["number"] else ""


def _amount(value: str) -> str:
    value = re.sub(r"[,，\s]", "", value)
    return value if _AMOUNT.fullmatch(value) else ""


def _phone(value: str) -> str:
    value = re.sub(r"[^0-9+()-]", "", value)
    return value if re.search(r"[0-9]", value) and len(value) <= _LENGTHS["phone_number"] else ""


def _car(value: str) -> str:
    return value.upper() if _CAR.fullmatch(value) else ""


def _moments(value: str, *, dated: bool) -> str:
    """A moment or a span of two, written as in WeChat's examples; empty where there is none."""
    found = [_moment(part) for part in _RANGE.split(value)]
    if not found[0] or not all(found) or len(found) > 2 or (dated and "年" not in found[0]):
        return ""
    return "~".join(found)


def _moment(value: str) -> str:
    if zoned := _ZONED.search(value):
        try:
            return _of_moment(datetime.fromisoformat(zoned[0]))
        except ValueError:
            return ""
    day, clock = _DATE.search(value), _TIME.search(value)
    if re.search(r"[0-9]", _TIME.sub("", _DATE.sub("", value))):
        # A day without its year, for instance: which one is meant is not guessed.
        return ""
    said = []
    if day:
        try:
            said.append(_of_day(date(int(day[1]), int(day[2]), int(day[3]))))
        except ValueError:
            return ""
    if clock:
        said.append(_DAYS_END if clock[1] == "24" else f"{int(clock[1]):02}:{clock[2]}")
    return " ".join(said)


def _of_moment(moment: datetime) -> str:
    day, clock = local(moment)
    return f"{_of_day(day)} {clock:%H:%M}" if clock else f"{_of_day(day)} {_DAYS_END}"


def _of_day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


_FITTING: Mapping[str, Callable[[str], str]] = {
    "thing": _text,
    "character_string": partial(_only, "character_string", "!-~ ", NOTHING),
    "number": _number,
    "letter": partial(_only, "letter", "A-Za-z", "NA"),
    "symbol": partial(_only, "symbol", r"!-/:-@\[-`{-~、。！？…—·", NOTHING),
    "time": partial(_moments, dated=False),
    "date": partial(_moments, dated=True),
    "amount": _amount,
    "phone_number": _phone,
    "car_number": _car,
    "name": _name,
    "phrase": partial(_only, "phrase", _HAN, SEE_INSIDE),
}
TYPES: Mapping[str, int | None] = {kind: _LENGTHS.get(kind) for kind in _FITTING}
"""The types of WeChat's fields and how many characters each takes; None for a type with a form instead of a length."""
