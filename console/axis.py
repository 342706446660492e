"""The course of a ticket drawn on a time axis: where each stretch, clock, pause and rung stands, in percent of the width.

Widths follow the page and text keeps its size, so that one drawing serves wide, narrow and paper.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from console.spans import clock_words, level, moment, span
from tickets.reading.course import ClockRun, Course
from tickets.reading.deadlines import ClockState
from tickets.states import State
from web.words import Words, say

TOP, LANE, BAR, ROW = 22, 22, 8, 35
"""Pixels: the ticks above, a lane of stretches, a clock's bar, and a clock with its words."""
WIDTH, LETTER = 480, 12.5
"""How wide the axis is at least on a desk, and a Chinese character, in pixels: words that do not fit are cut."""
MOST_TICKS = 5
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_STEPS = (
    *(5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 4 * _HOUR, 6 * _HOUR, 12 * _HOUR),
    *(_DAY, 2 * _DAY, 4 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 90 * _DAY, 365 * _DAY),
)
_LANES = {State.REPLIED: "resident", State.ON_ACCOUNT: "parked"}


@dataclass(frozen=True, slots=True)
class Tick:
    """A moment on the axis."""

    x: str
    words: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of a lane or a clock: where it begins, how wide it is, its class, the words in it, and what it says in full."""

    x: str
    width: str
    how: str
    title: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A rung, or the due moment, of a clock."""

    x: str
    how: str
    title: str


@dataclass(frozen=True, slots=True)
class ClockRow:
    """A row of the axis: the clocks of one name that ran one after the other, the last one's words beside them."""

    y: int
    label: Words
    note: str
    how: str
    bars: Sequence[Bar]
    marks: Sequence[Mark]

    @property
    def text_y(self) -> int:
        """Where the words stand."""
        return self.y + 13

    @property
    def bar_y(self) -> int:
        """Where the bars begin."""
        return self.y + 19

    @property
    def mark_y(self) -> int:
        """Where the marks stand."""
        return self.bar_y + BAR // 2


@dataclass(frozen=True, slots=True)
class TableRow:
    """A clock in words, for the table below the drawing."""

    label: Words
    holder: str
    since: str
    due: str
    pauses: Sequence[str]
    ended: str
    rungs: Sequence[str]


@dataclass(frozen=True, slots=True)
class Axis:
    """What is drawn, and the same as a table."""

    height: int
    ticks: Sequence[Tick]
    now: str
    states: Sequence[Bar]
    parties: Sequence[Bar]
    rows: Sequence[ClockRow]
    stretches: Sequence[Sequence[str]]
    table: Sequence[TableRow]
    state_y: int = TOP
    party_y: int = TOP + LANE
    bar: int = BAR
    lane: int = LANE - 4
    text_in_lane: int = field(default=13)

    @property
    def state_text_y(self) -> int:
        """Where the states' names stand."""
        return self.state_y + self.text_in_lane

    @property
    def party_text_y(self) -> int:
        """Where the parties' names stand."""
        return self.party_y + self.text_in_lane


@dataclass(frozen=True, slots=True)
class _Scale:
    """From moments to percent of the width."""

    begin: datetime
    end: datetime

    def at(self, moment: datetime) -> float:
        """Percent from the left, at least 0 and at most 100."""
        share = (moment - self.begin) / (self.end - self.begin)
        return 100 * min(1.0, max(0.0, share))

    def place(self, moment: datetime) -> str:
        """The same as an attribute."""
        return f"{self.at(moment):.2f}%"

    def bar(self, since: datetime, until: datetime, how: str, title: str, words: str = "") -> Bar:
        """A bar from one moment to the other, with as much of its words as fits."""
        left, right = self.at(since), self.at(until)
        room = int(((right - left) * WIDTH / 100 - 8) / LETTER)
        cut = words if len(words) <= room else f"{words[: room - 1]}…" if room > 2 else ""
        return Bar(f"{left:.2f}%", f"{max(right - left, 0.4):.2f}%", how, title, cut)


def axis(course: Course, now: datetime) -> Axis:
    """The drawing of the course as it stands at `now`."""
    scale = _scale(course, now)
    rows = list(_rows(course, scale, now))
    states, parties, told = [], [], []
    for one in course.stretches:
        until = one.until or course.until
        how = "resident" if one.asked else _LANES.get(State(one.state), "other")
        length = span((until - one.since).total_seconds())
        title = f"{one.label} · {one.who} · {length}"
        states.append(scale.bar(one.since, until, how, title, str(one.label)))
        parties.append(scale.bar(one.since, until, how, title, str(one.who)))
        ended = moment(one.until, now) if one.until else say("至今", "now")
        told.append((str(one.label), str(one.who), moment(one.since, now), ended, length))
    return Axis(
        height=TOP + 2 * LANE + ROW * len(rows) + 4,
        ticks=list(_ticks(scale)),
        now="" if course.ended and not _live(course) else scale.place(now),
        states=states,
        parties=parties,
        rows=rows,
        stretches=told,
        table=[_told(one, now) for one in course.clocks],
    )


def _live(course: Course) -> list[ClockRun]:
    return [one for one in course.clocks if one.shown["stopped_at"] is None]


def _scale(course: Course, now: datetime) -> _Scale:
    """From the report to the last thing that is due, but no further ahead than lets the past be seen."""
    live = _live(course)
    latest = now if live or not course.ended else course.until
    stopped = [one.shown["stopped_at"] for one in course.clocks if one.shown["stopped_at"]]
    past = max([latest, *stopped]) - course.since
    dues = [one.shown["due_at"] for one in live if one.shown["state"] != ClockState.PAUSED]
    ahead = min(max([*dues, latest]), latest + max(past * 3 / 2, 4 * _HOUR))
    end = max([ahead, *stopped])
    return _Scale(course.since, end + max((end - course.since) / 25, _MINUTE))


def _ticks(scale: _Scale) -> Iterable[Tick]:
    """Round moments in the street's time, a few of them."""
    length = scale.end - scale.begin
    step = next((one for one in _STEPS if length / one <= MOST_TICKS), _STEPS[-1])
    at = scale.begin.astimezone(ZoneInfo(settings.TIME_ZONE)).replace(hour=0, minute=0, second=0, microsecond=0)
    day = None
    while at <= scale.end:
        if at >= scale.begin and 2 <= scale.at(at) <= 98:
            share = scale.at(at)
            date = say(f"{at.month}月{at.day}日", f"{at.day}/{at.month}")
            words = date if step >= _DAY or (at.hour, at.minute) == (0, 0) else f"{at:%H:%M}"
            if step < _DAY and day is None and words != date:
                words = f"{date} {words}"
            day = at.date()
            anchor = "start" if share < 12 else "end" if share > 88 else "middle"
            yield Tick(scale.place(at), words, anchor)
        at += step


def _rows(course: Course, scale: _Scale, now: datetime) -> Iterable[ClockRow]:
    """Clocks of one name share a row as long as they do not overlap."""
    lanes: list[list[ClockRun]] = []
    for one in course.clocks:
        lane = next((lane for lane in lanes if _follows(one, lane[-1])), None)
        if lane is None:
            lanes.append([one])
        else:
            lane.append(one)
    for number, lane in enumerate(lanes):
        last = lane[-1]
        bars = [bar for one in lane for bar in _bars(one, scale, now)]
        marks = [mark for one in lane for mark in _marks(one, scale, now)]
        note, how = _note(last, now)
        label = f"{last.shown['label']} · {last.holder}" if _shared(lanes, last) else last.shown["label"]
        yield ClockRow(TOP + 2 * LANE + 2 + ROW * number, label, note, how, bars, marks)


def _follows(one: ClockRun, before: ClockRun) -> bool:
    """Whether it is of the same name, and began when the other had stopped."""
    stopped = before.shown["stopped_at"]
    return before.shown["name"] == one.shown["name"] and bool(stopped) and bool(stopped <= one.shown["started_at"])


def _shared(lanes: Sequence[Sequence[ClockRun]], one: ClockRun) -> bool:
    """Whether another row has clocks of the same name, so that only the holder tells them apart."""
    return bool(one.holder) and sum(lane[0].shown["name"] == one.shown["name"] for lane in lanes) > 1


def _bars(one: ClockRun, scale: _Scale, now: datetime) -> Iterable[Bar]:
    """The time that a clock has, what was used of it, what went over, and its pauses."""
    shown = one.shown
    began, due, ended = shown["started_at"], shown["due_at"], shown["stopped_at"]
    paused = shown["state"] == ClockState.PAUSED
    last_pause = shown["pauses"][-1]["since"] if paused and shown["pauses"] else None
    until = ended or now
    if not ended and not paused and due > now:
        yield scale.bar(now, due, "left", f"{shown['label']} · {moment(due, now)}")
    over = shown["over_seconds"] > 0
    if until > began:
        used = min(last_pause or until, due) if over else (last_pause or until)
        yield scale.bar(began, max(used, began), "used", f"{shown['label']} · {span(shown['used_seconds'])}")
    if over:
        late_to = max(last_pause or until, due)
        title = say(f"超时 {span(shown['over_seconds'])}", f"{span(shown['over_seconds'])} late")
        yield scale.bar(due, late_to, "over", title)
    for pause in shown["pauses"]:
        why = str(pause["reason_label"] or say("暂停", "paused"))
        yield scale.bar(pause["since"], pause["until"] or now, "pause", say(f"暂停：{why}", f"Paused: {why}"))


def _marks(one: ClockRun, scale: _Scale, now: datetime) -> Iterable[Mark]:
    due = one.shown["due_at"]
    if due <= scale.end:
        yield Mark(
            scale.place(due),
            "due past" if one.shown["stopped_at"] else "due",
            say(f"到期 {moment(due, now)}", f"Due {moment(due, now)}"),
        )
    for rung in one.rungs:
        yield Mark(scale.place(rung.at), "rung", f"{rung.label} {moment(rung.at, now)}")


def _note(one: ClockRun, now: datetime) -> tuple[str, str]:
    """How the clock stands in a few words, and their class."""
    shown = one.shown
    match shown["state"]:
        case ClockState.PAUSED:
            pauses = shown["pauses"]
            why = str(pauses[-1]["reason_label"] or "") if pauses else ""
            return say(f"暂停 · {why}", f"Paused · {why}"), "parked"
        case ClockState.STOPPED if shown["over_seconds"] > 0:
            return say(f"曾超 {span(shown['over_seconds'])}", f"was {span(shown['over_seconds'])} late"), "late"
        case ClockState.STOPPED:
            return say(f"用时 {span(shown['used_seconds'])}", f"took {span(shown['used_seconds'])}"), "calm"
    left = (shown["due_at"] - now).total_seconds()
    how = level(left, (shown["due_at"] - shown["started_at"]).total_seconds())
    return f"{clock_words(left)} · {moment(shown['due_at'], now)}", how


def _told(one: ClockRun, now: datetime) -> TableRow:
    shown = one.shown
    pauses = []
    for pause in shown["pauses"]:
        until = moment(pause["until"], now) if pause["until"] else say("至今", "now")
        pauses.append(f"{pause['reason_label'] or ''} {moment(pause['since'], now)} – {until}".strip())
    ended = moment(shown["stopped_at"], now) if shown["stopped_at"] else str(shown["state_label"])
    if shown["over_seconds"] > 0:
        ended = say(f"{ended}，超 {span(shown['over_seconds'])}", f"{ended}, {span(shown['over_seconds'])} late")
    rungs = [f"{rung.label} {moment(rung.at, now)}" for rung in one.rungs]
    return TableRow(
        shown["label"], one.holder, moment(shown["started_at"], now), moment(shown["due_at"], now), pauses, ended, rungs
    )
