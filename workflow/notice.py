"""The notices of the State Council's General Office on holidays (部分节假日安排), read by their grammar.

A notice is a list of items, each a holiday with the days off (`10月1日（周四）至7日（周三）放假调休，共7天`) and the days made up
(`9月20日（周日）、10月10日（周六）上班`). Before and after them stands prose. A sentence that speaks of days off and bears a date is
read wholly or refused; every weekday and every number of days that it gives is checked against the dates.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from web.words import bilingual

HOLIDAYS = ("元旦", "春节", "清明节", "劳动节", "端午节", "中秋节", "国庆节")
"""The holidays that a whole year's notice arranges."""
FIXED = {"元旦": (1, 1), "劳动节": (5, 1), "国庆节": (10, 1)}

_ALIASES = {"元旦节": "元旦", "清明": "清明节", "国际劳动节": "劳动节", "五一": "劳动节", "端午": "端午节", "中秋": "中秋节",
            "国庆": "国庆节", "农历春节": "春节"}  # fmt: skip
_NAME = re.compile(
    "元旦节?|(?:农历)?春节|清明节?|(?:五一)?(?:国际)?劳动节|五一|端午节?|中秋节?|国庆节?|[一-鿿\\d]{2,40}?纪念日(?!放假)"
)
_LINK = r"[至到~〜\-‐‑–—―−]+"
_DAY = re.compile(r"(?:(\d{4})年)?(?:(\d{1,2})月)?(\d{1,2})(?:[日号]|(?:(?<=月\d)|(?<=月\d\d))(?=" + _LINK + r"\d))")
_WEEKDAY = re.compile(r"(?:星期|礼拜|周)([一二三四五六日天])")
_NUMBER = r"(\d{1,2}|[一二两三四五六七八九十]+)天"
# What may stand after the first date of a sentence, in the order in which it is tried.
_WORDS = (
    ("note", re.compile(r"\([^()]*\)|(?:星期|礼拜|周)[一二三四五六日天]")),
    ("extend", re.compile(r"延长(?:假期|放假)?(?=[至到])")),
    ("link", re.compile(_LINK)),
    ("weekend", re.compile("[与和]周末(?:相连|连休)|周末连休")),
    ("and", re.compile("[、和及与]|以及")),
    ("comma", re.compile(",")),
    ("head_off", re.compile("(?:放假调休|放假公休|放假|调休|休假)(?:时间|日期)(?:为|是|:)*")),
    ("head_work", re.compile("(?:调休上班|上班|补班)(?:时间|日期|日)(?:为|是|:)*")),
    ("work", re.compile("(?:正常|照常|调休)?上班|补班|正常工作")),
    ("no_adjusting", re.compile("不再?调休")),
    ("off", re.compile("放假调休|放假公休|调休放假|放假补休|放假休息|放假|公休|补休|调休|休息")),
    ("count", re.compile("(?:一共|总共|共计|合计|共)?" + _NUMBER + "(?:假期|长假|小长假)?")),
    ("from", re.compile("起")),
    ("filler", re.compile("其中|全国|均|:")),
)
_HEADING = re.compile(
    r"(?:^|(?<=[。;:\n]))(?:\([一二三四五六七八九十]+\)|[一二三四五六七八九十]+、|\d{1,2}[、.](?!\d))"
)
_TURN = re.compile(r"\n(?=(?:" + _NAME.pattern + r")(?:[、和与](?:" + _NAME.pattern + r"))*:)")
_FILE_NUMBER = re.compile(r"[(〔\[【]\d{4}[)〕\]】]第?\d+号")
_SPEAKS = re.compile("放假|上班|补班|补休|公休|调休|休息|连休|休假|假期")
_ISSUED = re.compile(r"\D*\d{4}年\d{1,2}月\d{1,2}日(?:\(.*\))?")
_HEAD = re.compile("(放假调休|放假公休|放假|调休上班|调休|休假|上班|补班)(?:时间|日期|日)(?:为|是|:)*$")
# Prose that names a date and a day off, and arranges none: what people are encouraged to do, and from when a rule holds.
_ENCOURAGES = re.compile("(?:鼓励|倡导|建议).*")
_RULES = re.compile(r"自\d{4}年\d{1,2}月\d{1,2}日起,?.*(?:增加|施行|执行|实施).*")
_DIGITS = {character: number for number, character in enumerate("〇一二三四五六七八九")} | {"两": 2}
_DAY_LONG = timedelta(days=1)
_LONGEST = timedelta(days=30)


class UnreadableNotice(ValueError):
    """The text is not such a notice, or does not add up; the words say where."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a notice says: the days off and the days made up for them, each with its holiday's name.

    `whole` is a year's arrangement; any other notice changes the holidays in `names` and leaves the others as they are. `extended` are
    holidays that end later than arranged, with their new last days. `passed` are sentences with dates that arrange no day.
    """

    closed: dict[date, str]
    opened: dict[date, str]
    whole: bool = True
    names: frozenset[str] = frozenset()
    extended: Mapping[str, date] = field(default_factory=dict)
    passed: tuple[str, ...] = ()


def holidays_in(name: str) -> frozenset[str]:
    """The holidays that the name of a day speaks of, as in `中秋节、国庆节`."""
    return frozenset(_canonical(found[0]) for found in _NAME.finditer(name))


def arranged_in(day: date, name: str) -> int:
    """The year whose notice speaks of the day: the last days of December may be New Year's."""
    return day.year + 1 if day.month == 12 and holidays_in(name) == {"元旦"} else day.year


def year_of(text: str) -> int | None:
    """The year whose arrangement the text says it is; None where it does not say."""
    found = re.search(r"(20\d\d)年(?!\d)", _plain(text))
    return int(found[1]) if found else None


def read_notice(year: int, text: str) -> Notice:
    """The days off and made up in the notice for `year`. Raises UnreadableNotice.

    A line that is broken in the middle of a sentence is joined with the next.
    """
    said = year_of(text)
    if said is not None and said != year:
        raise UnreadableNotice(
            bilingual(f"这是{said}年的通知，不是{year}年的。", f"This is the notice of {said}, not of {year}.")
        )
    plain = _TURN.sub("。", _plain(text))
    # What is announced and the first item may stand in one sentence.
    plain = re.sub("(?<=如下:)", "。", _HEADING.sub("。", plain))
    try:
        return _read(year, plain.split("\n"))
    except UnreadableNotice as first:
        try:
            return _read(year, [plain.replace("\n", "")])
        except UnreadableNotice:
            raise first from None


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).replace("\r\n", "\n").replace("\r", "\n")
    folded = re.sub(r"[^\S\n]+|[​‌‍⁠﻿“”\"「」]", "", folded)
    return _FILE_NUMBER.sub("", folded)


def _read(year: int, lines: Iterable[str]) -> Notice:
    reader = _Reader(year)
    for line in lines:
        for sentence in re.split("[。;]+", line):
            if sentence:
                reader.read(sentence)
    return reader.notice()


class _Reader:
    """Goes through the sentences of a notice and gathers its days."""

    def __init__(self, year: int) -> None:
        self.year = year
        self.item: tuple[str, ...] = ()
        self.closed: dict[date, str] = {}
        self.opened: dict[date, str] = {}
        self.extended: dict[str, date] = {}
        self.names: set[str] = set()
        self.passed: list[str] = []
        self.announced: set[str] = set()
        self.changes = False
        # The days that the last statement was about.
        self.last: set[date] = set()

    def read(self, sentence: str) -> None:
        """Take in one sentence. Raises UnreadableNotice."""
        if aside := _ENCOURAGES.search(sentence) or _RULES.search(sentence):
            if _DAY.search(aside[0]):
                self.passed.append(aside[0])
            sentence = sentence[: aside.start()].rstrip(",")
        first = _DAY.search(sentence)
        speaks = _SPEAKS.search(sentence) is not None
        self.changes |= "调整" in sentence or "延长" in sentence
        if first is None:
            self._undated(sentence, speaks=speaks)
            return
        names = _names(sentence[: first.start()])
        if not speaks and not names and _ISSUED.fullmatch(sentence):
            return
        if names:
            self.item = names
        self._dated(sentence, first.start())

    def _undated(self, sentence: str, *, speaks: bool) -> None:
        if count := re.fullmatch("(?:一共|总共|共计|合计|共)" + _NUMBER, sentence):
            _check_count(_number(count[1]), self.last, sentence)
            return
        if speaks and re.search(r"\d[月日号]|\d[./-]\d|[一二三四五六七八九十]月", sentence):
            raise _unread(sentence)
        if speaks and _NAME.match(sentence) and ":" in sentence[:-1]:
            raise _unread(sentence)
        names = _names(sentence)
        if "如下" in sentence:
            self.announced |= set(names)
        if len(names) == 1 or (len(names) == 2 and sentence.endswith(":")):
            self.item = names

    def _dated(self, sentence: str, start: int) -> None:
        before = sentence[:start]
        extending = re.search("延长[^,]*[至到]$", before) is not None
        if not extending and re.search(_LINK + "$|[、和及与]$", before):
            raise _unread(sentence)
        mode = "extend" if extending else ""
        if head := _HEAD.search(before):
            mode = "work" if head[1].endswith("班") else "off"
        statement = _Statement(self, sentence, mode)
        for kind, found_ in _tokens(sentence, start):
            statement.take(kind, found_)
        statement.end()

    def notice(self) -> Notice:
        """What has been gathered. Raises UnreadableNotice where it does not add up."""
        if not self.closed and not self.extended:
            raise UnreadableNotice(bilingual("没有读到任何放假日期。", "No day off was found."))
        arranged = {name for said in self.closed.values() for name in holidays_in(said)} | set(self.extended)
        if missing := (self.announced | (set() if self.changes else self.names)) - arranged:
            words = "、".join(sorted(missing))
            raise UnreadableNotice(
                bilingual(f"没有读到{words}的日期。", f"It names {words}, and no day off of it was found.")
            )
        if both := set(self.closed) & set(self.opened):
            raise UnreadableNotice(
                bilingual(f"既放假又上班：{min(both)}", f"Both a day off and a working day: {min(both)}")
            )
        whole = set(HOLIDAYS) <= self.names and not self.extended
        for day in self.opened:
            if day.weekday() < 5 and not self.changes:
                raise UnreadableNotice(bilingual(f"{day}本来就是工作日。", f"{day} is a working day as it is."))
        for name, (month, number) in FIXED.items():
            if name in self.names and name not in self.extended and date(self.year, month, number) not in self.closed:
                raise UnreadableNotice(
                    bilingual(
                        f"{name}假期不含{month}月{number}日。",
                        f"{name} has no day off on its own date, {month}-{number}.",
                    )
                )
        return Notice(self.closed, self.opened, whole, frozenset(self.names), dict(self.extended), tuple(self.passed))


class _Statement:
    """One sentence with dates, token by token."""

    def __init__(self, reader: _Reader, sentence: str, mode: str) -> None:
        self.reader = reader
        self.sentence = sentence
        self.mode = mode
        self.pending: list[date] = []
        self.off: set[date] = set()
        self.loose = "补休" in sentence or "连休" in sentence
        self.previous = ""
        self.opens: date | None = None
        self.context: tuple[int, int] | None = None
        self.latest: date | None = None

    def take(self, kind: str, found: re.Match[str]) -> None:
        """Take the next token."""
        match kind:
            case "day":
                self._day(found)
            case "note":
                self._note(found[0])
            case "extend":
                self._flush()
                self.mode = "extend"
            case "link":
                self._link()
            case "comma" if self.mode == "extend":
                self._flush()
            case "and" if self.previous not in ("day", "note"):
                raise _unread(self.sentence)
            case "head_off" | "head_work":
                self._flush()
                self.mode = kind.removeprefix("head_")
            case "from":
                self.mode = "from"
            case "off" | "work":
                self._verb(kind)
            case "count":
                self._count(_number(found[1]))
            case "weekend":
                self._weekend()
        self.previous = kind

    def end(self) -> None:
        """The sentence is over. Raises UnreadableNotice where dates were left without a word on them."""
        if self.previous in ("and", "link"):
            raise _unread(self.sentence)
        self._flush()
        if self.off:
            self.reader.last = self.off

    def _day(self, found: re.Match[str]) -> None:
        if self.previous in ("day", "note") and self.opens is None:
            raise _unread(self.sentence)
        day = self._date(found)
        self.context = day.year, day.month
        self.latest = day
        if self.opens is None:
            self.pending.append(day)
            return
        first, self.opens = self.opens, None
        if not first <= day <= first + _LONGEST:
            raise UnreadableNotice(
                bilingual(f"日期先后不对：{self.sentence}", f"The dates are out of order: {self.sentence}")
            )
        self.pending += list(_days(first + _DAY_LONG, day))

    def _date(self, found: re.Match[str]) -> date:
        year, month, number = found[1], found[2], int(found[3])
        if month is None:
            if self.context is None:
                raise UnreadableNotice(bilingual(f"没有月份：{self.sentence}", f"There is no month: {self.sentence}"))
            at = self.context
        elif year is None and int(month) == 12 and self.reader.item == ("元旦",):
            # New Year's may begin, or be made up for, in the December before.
            at = self.reader.year - 1, 12
        else:
            at = int(year or self.reader.year), int(month)
        try:
            day = date(*at, number)
        except ValueError:
            raise UnreadableNotice(bilingual(f"没有这一天：{found[0]}", f"There is no such day: {found[0]}")) from None
        if not (day.year == self.reader.year or (day.year, day.month) == (self.reader.year - 1, 12)):
            raise UnreadableNotice(
                bilingual(f"{day}不在{self.reader.year}年。", f"{day} is not in {self.reader.year}.")
            )
        return day

    def _note(self, note: str) -> None:
        for weekday in _WEEKDAY.findall(note):
            if self.latest is None or "一二三四五六日".index(weekday.replace("天", "日")) != self.latest.weekday():
                raise UnreadableNotice(
                    bilingual(
                        f"{self.latest}不是星期{weekday}。", f"{self.latest} is not the weekday that is said: {note}"
                    )
                )

    def _link(self) -> None:
        if self.mode == "extend":
            return
        if self.previous not in ("day", "note") or not self.pending:
            raise _unread(self.sentence)
        self.opens = self.pending[-1]

    def _verb(self, kind: str) -> None:
        if self.mode == "from" and kind == "work":
            self._resume()
            return
        if not self.pending or self.mode not in ("", kind) or self.previous in ("and", "link"):
            raise _unread(self.sentence)
        self.mode = kind
        self._flush()

    def _resume(self) -> None:
        """`2月3日起正常上班`: the day after the last day off."""
        before = {day - _DAY_LONG for day in self.pending}
        if len(before) != 1 or before.isdisjoint({*self.reader.closed, *self.reader.extended.values()}):
            raise UnreadableNotice(
                bilingual(f"放假结束与上班日期不符：{self.sentence}", f"Work resumes on another day: {self.sentence}")
            )
        self.pending, self.mode = [], ""

    def _flush(self) -> None:
        """What is pending is off, worked, or the new end of a holiday."""
        if not self.pending:
            return
        days, self.pending = self.pending, []
        reader, name = self.reader, "、".join(self.reader.item) or "放假"
        match self.mode:
            case "off":
                reader.closed |= dict.fromkeys(days, name)
                self.off |= set(days)
                reader.last = set(days)
            case "work":
                reader.opened |= dict.fromkeys(days, name)
                reader.last = set(days)
            case "extend" if len(reader.item) == 1 and len(days) == 1:
                reader.extended[name] = days[0]
            case _:
                raise UnreadableNotice(
                    bilingual(
                        f"没有说明是放假还是上班：{self.sentence}",
                        f"It does not say whether these days are off or worked: {self.sentence}",
                    )
                )
        reader.names |= set(reader.item)
        self.mode = ""

    def _count(self, number: int) -> None:
        self._flush()
        if self.previous == "off":
            _check_count(number, self.reader.last, self.sentence, loose=self.loose)
        else:
            _check_count(number, self.off or self.reader.last, self.sentence, loose=self.loose)

    def _weekend(self) -> None:
        """The weekend next to the days off is part of the holiday."""
        if self.pending or not self.off:
            raise _unread(self.sentence)
        run = {day for day in _run(self.off) if day.weekday() >= 5} - self.off
        if not run and all(day.weekday() < 5 for day in self.off):
            raise UnreadableNotice(
                bilingual(f"并不与周末相连：{self.sentence}", f"No weekend is next to it: {self.sentence}")
            )
        for day in run:
            self.reader.closed.setdefault(day, "、".join(self.reader.item) or "放假")
        self.off |= run
        self.reader.last = self.off


def _tokens(sentence: str, start: int) -> Iterator[tuple[str, re.Match[str]]]:
    """The tokens of a sentence from its first date on. Raises UnreadableNotice at what is none."""
    position = start
    while position < len(sentence):
        if found := _DAY.match(sentence, position):
            yield "day", found
        else:
            for kind, pattern in _WORDS:
                if found := pattern.match(sentence, position):
                    yield kind, found
                    break
            else:
                raise _unread(sentence)
        position = found.end()


def _names(text: str) -> tuple[str, ...]:
    """The holidays that the text names, in order, each once."""
    return tuple(dict.fromkeys(_canonical(found[0]) for found in _NAME.finditer(text)))


def _canonical(name: str) -> str:
    name = name.removeprefix("五一") or name
    return _ALIASES.get(name, name)


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += _DAY_LONG


def _run(days: set[date]) -> set[date]:
    """The days and the weekends next to them."""
    run = set(days)
    for step in (_DAY_LONG, -_DAY_LONG):
        for day in days:
            beside = day + step
            while beside in run or beside.weekday() >= 5:
                run.add(beside)
                beside += step
    return run


def _number(written: str) -> int:
    if written.isdecimal():
        return int(written)
    tens, ten, ones = written.rpartition("十")
    if not ten:
        return _DIGITS.get(written, 0)
    return 10 * (_DIGITS.get(tens, 0) if tens else 1) + (_DIGITS.get(ones, 0) if ones else 0)


def _check_count(number: int, days: set[date], sentence: str, *, loose: bool = False) -> None:
    """Raises UnreadableNotice where there are not `number` days; with `loose`, the weekends beside them may count."""
    if number != len(days) and not (loose and number == len(_run(days))):
        raise UnreadableNotice(
            bilingual(
                f"天数不符：写明{number}天，日期为{len(days)}天：{sentence}",
                f"It says {number} days, and the dates are {len(days)}: {sentence}",
            )
        )


def _unread(sentence: str) -> UnreadableNotice:
    return UnreadableNotice(bilingual(f"没有读懂：{sentence}", f"This was not understood: {sentence}"))
