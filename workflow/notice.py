"""The yearly notice of the State Council's General Office (部分节假日安排), read from its own words."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

_DAY = r"(?:(?P<{0}y>20\d\d)年)?(?:(?P<{0}m>\d{{1,2}})月)?(?P<{0}d>\d{{1,2}})日(?:[（(][^）)]*[）)])?"
_SPAN = re.compile(_DAY.format("a") + r"(?:\s*至\s*" + _DAY.format("b") + r")?")


class UnreadableNotice(ValueError):
    """The text is not such a notice; the words say where it stops making sense."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a notice says: the days off, each with its holiday's name, and the days made up for them."""

    closed: dict[date, str]
    opened: dict[date, str]


def read_notice(year: int, text: str) -> Notice:
    """The days off and made up in the notice for `year`.

    Each holiday is a sentence such as `国庆节：10月1日（周四）至7日（周三）放假调休，共7天。9月20日（周日）、10月10日（周六）上班。`
    Raises UnreadableNotice.
    """
    closed: dict[date, str] = {}
    opened: dict[date, str] = {}
    name = ""
    for sentence in re.split(r"[。；;\n]+", text):
        if titled := re.search(r"(?:[一二三四五六七八九十]+、)?\s*([一-鿿、]{2,12})[：:]", sentence):
            name = titled[1].split("、")[-1] if len(titled[1]) > 8 else titled[1]
            sentence = sentence[titled.end() :]
        if "上班" in sentence:
            days = opened
        elif "放假" in sentence:
            days = closed
        else:
            continue
        # What stands before the last day is dates; what follows is how many there are.
        found = list(_SPAN.finditer(sentence))
        if not found:
            raise UnreadableNotice(f"没有读到日期：{sentence.strip()}")
        month = None
        for one in found:
            first = _date(one, "a", year, month)
            month = first.month
            last = _date(one, "b", year, first.month) if one["bd"] else first
            if not first <= last <= first + timedelta(days=30):
                raise UnreadableNotice(f"日期先后不对：{one[0]}")
            day = first
            while day <= last:
                days[day] = name or "放假"
                day += timedelta(days=1)
    if not closed:
        raise UnreadableNotice("没有读到任何放假日期。")
    if both := set(closed) & set(opened):
        raise UnreadableNotice(f"既放假又上班：{min(both)}")
    return Notice(closed, opened)


def _date(found: re.Match[str], which: str, year: int, month: int | None) -> date:
    number = found[f"{which}m"]
    if number is None and month is None:
        raise UnreadableNotice(f"没有月份：{found[0]}")
    try:
        return date(
            int(found[f"{which}y"] or year), int(number) if number else int(month or 0), int(found[f"{which}d"])
        )
    except ValueError:
        raise UnreadableNotice(f"没有这一天：{found[0]}") from None
