"""The values that WeChat accepts in the fields of a subscription message (`sendMessage`, table of parameter limits).

A field that breaks the rule of its type makes WeChat refuse the whole message (47003). So every value is cut or
changed to fit, where the rule allows that. A value that is missing, such as a date, is never invented.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial

from django.utils import timezone

NOTHING = "-"
"""Stands where there is nothing to say; an empty field is refused."""
SEE_INSIDE = "见详情"
"""Stands in a field that takes Chinese alone, where there is none."""
MORE = "…"
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff"
_RANGE = re.compile(r"\s*[~～]\s*")
_TIME = re.compile(r"(?<![0-9:])([01]?[0-9]|2[0-3]|24(?=[:：]00))[:：]([0-5][0-9])(?:[:：][0-5][0-9])?(?![0-9:])")
_ZONED = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
)
_DATE = re.compile(r"(?<![0-9])([0-9]{4})\s*[-/.年]\s*([0-9]{1,2})\s*[-/.月]\s*([0-9]{1,2})(?![0-9])")
_DAY = re.compile(r"(?<![0-9])([0-9]{1,2})月([0-9]{1,2})日")
_MONTHS = {
    name: number
    for number, whole in enumerate(
        [
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ],
        start=1,
    )
    for name in (whole, whole[:3])
}
_ENGLISH = re.compile(
    rf"(?:(?P<day>[0-9]{{1,2}})\s+)?\b(?P<month>{'|'.join(_MONTHS)})\b\.?(?:\s+(?P<after>[0-9]{{1,2}})\b)?(?:,?\s+(?P<year>[0-9]{{4}}))?",
    re.IGNORECASE,
)
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
            local = datetime.fromisoformat(zoned[0]).astimezone(timezone.get_default_timezone())
        except ValueError:
            return ""
        return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"
    day, clock = _date(value), _TIME.search(value)
    said = [f"{day.year}年{day.month}月{day.day}日"] if day else []
    if clock:
        # The end of a day: WeChat's clock ends before.
        said.append("23:59" if clock[1] == "24" else f"{int(clock[1]):02}:{clock[2]}")
    return " ".join(said)


def _date(value: str) -> date | None:
    if full := _DATE.search(value):
        return _day(int(full[1]), int(full[2]), int(full[3]))
    if short := _DAY.search(value):
        return _nearest(int(short[1]), int(short[2]))
    english = _ENGLISH.search(value)
    number = english and (english["day"] or english["after"])
    if not english or not number:
        return None
    month = _MONTHS[english["month"].lower()]
    return _day(int(english["year"]), month, int(number)) if english["year"] else _nearest(month, int(number))


def _nearest(month: int, day: int) -> date | None:
    """The date with this month and day that is nearest to today."""
    today = timezone.localdate()
    found = (_day(today.year + years, month, day) for years in (-1, 0, 1))
    return min(filter(None, found), key=lambda one: abs(one - today), default=None)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


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
"""The types of WeChat's fields and how many characters each takes; None for one that has a form of its own instead."""
