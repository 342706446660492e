"""The clocks of a ticket for people: how each stands, and one sentence that says who must do what by when."""

import math
import uuid
from collections.abc import Iterable, Mapping, Set
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models

from tickets.access import SEES_WHOLE, STAFF, Relation, reads_clock
from tickets.clocks import LEADS
from tickets.models import Ticket
from tickets.reading.elapsed import elapsed, is_estimated
from tickets.states import CLOCKS, PROACTIVE, ClockName, State, clock_label
from web.words import bilingual, say
from workflow.models import Clock

C = ClockName
R = Relation


class ClockState(models.TextChoices):
    """How a clock stands."""

    RUNNING = "running", bilingual("计时中", "Running")
    PAUSED = "paused", bilingual("暂停", "Paused")
    OVERDUE = "overdue", bilingual("已超时", "Overdue")
    STOPPED = "stopped", bilingual("已停止", "Stopped")


class Parties(Protocol):
    """Whose the time of a ticket's clocks is: its organisations, and of what kind they are; empty where that is not known."""

    @property
    def channel(self) -> str: ...
    @property
    def account_owner_id(self) -> uuid.UUID | None: ...
    @property
    def desk_id(self) -> uuid.UUID: ...
    @property
    def holder_id(self) -> uuid.UUID | None: ...

    @property
    def coordinator_today(self) -> uuid.UUID | None: ...
    def kind_of(self, organisation: uuid.UUID) -> str: ...


class Timed(Protocol):
    """How a clock stands, and whose time it is."""

    name: str
    holder_id: uuid.UUID | None
    due_at: datetime
    running_since: datetime | None
    stopped_at: datetime | None
    over: timedelta | None
    pause_reason: str


STREET = ("街道", "The street")
# How residents call an organisation, by its kind.
NAMES_OF_KINDS: Mapping[str, tuple[str, str]] = {
    "street_office": STREET,
    "section": STREET,
    "residents_committee": ("居委会", "The residents' committee"),
    "pmc": ("物管会", "The property management committee"),
    "owners_committee": ("业委会", "The owners' committee"),
    "company": ("物业", "The property company"),
    "project_office": ("物业", "The property company"),
    "department": ("主管部门", "The department"),
    "utility": ("专业运营单位", "The utility"),
    "maintainer": ("维保单位", "The maintainer"),
    "title_holder": ("产权单位", "The title-holding unit"),
    "hotline": ("专线", "The emergency line"),
}
HOLDER = ("承办单位", "The handler")
COMMITTEE = ("物管会（业委会）", "The committee of the place")
OWNER = ("责任单位", "The responsible party")
# Why a clock is held, by the reason that it keeps: said to the resident themselves, and to others.
PAUSES: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "question": (("等待您补充", "until you answer"), ("等待诉求人补充", "until the resident answers")),
    "replied": (("等待您确认", "until you confirm"), ("等待居民确认", "until the resident confirms")),
    "on_account": (("挂账期间", "while it is on account"),) * 2,
    "merged": (("并单期间", "while it is part of another ticket"),) * 2,
}
# Where an organisation found it, and no resident is waited for.
PAUSES_OF_PATROLS: Mapping[str, tuple[str, str]] = {
    "question": ("等待巡查单位补充", "until whoever found it answers"),
    "replied": ("等待核查", "until it has been checked"),
}
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def when(moment: datetime, now: datetime) -> tuple[str, str]:
    """A deadline in the street's time zone, in words: Chinese and English. Midnight is the 24:00 of the day that ends."""
    zone = ZoneInfo(settings.TIME_ZONE)
    return _said(moment, now.astimezone(zone).date(), zone)


@lru_cache(maxsize=10_000)
def _said(moment: datetime, today: date, zone: ZoneInfo) -> tuple[str, str]:
    """The words of `when`. The same deadlines are read again and again."""
    local = moment.astimezone(zone)
    day, time = local.date(), f"{local:%H:%M}"
    if (local.hour, local.minute) == (0, 0):
        day, time = day - timedelta(days=1), "24:00"
    named = {-1: ("昨天", "yesterday"), 0: ("今天", "today"), 1: ("明天", "tomorrow")}.get((day - today).days)
    if named:
        return f"{named[0]} {time}", f"{time} {named[1]}"
    zh, en = f"{day.month}月{day.day}日", f"{day.day} {_MONTHS[day.month - 1]}"
    if day.year != today.year:
        zh, en = f"{day.year}年{zh}", f"{en} {day.year}"
    return f"{zh} {time}", f"{time} on {en}"


def state_of(clock: Timed, now: datetime) -> ClockState:
    """How the clock stands at `now`."""
    if clock.stopped_at is not None:
        return ClockState.STOPPED
    if clock.running_since is None:
        return ClockState.PAUSED
    return ClockState.OVERDUE if clock.due_at <= now else ClockState.RUNNING


def remaining(clock: Timed, now: datetime) -> int | None:
    """Whole seconds until the clock is due, less than nothing when it is over; None while it is paused.

    Of a stopped one, by how much it was over when it stopped.
    """
    match state_of(clock, now):
        case ClockState.PAUSED:
            return None
        case ClockState.STOPPED:
            return -math.ceil((clock.over or timedelta(0)).total_seconds())
    return seconds_until(clock.due_at, now)


def seconds_until(moment: datetime, now: datetime) -> int:
    """Whole seconds from `now` to `moment`; less than nothing once it has passed."""
    return math.floor((moment - now).total_seconds())


def words(clock: Timed, ticket: Parties, now: datetime, *, reporter: bool, read_at: datetime | None = None) -> str:
    """One sentence on the clock as it stands at `now` in the reader's language, for the resident who reported (`reporter`) or others.

    `read_at` is the reader's own moment where that is another, as with a forecast.
    """
    return say(*in_both(clock, ticket, now, reporter=reporter, read_at=read_at))


def in_both(
    clock: Timed, ticket: Parties, now: datetime, *, reporter: bool, read_at: datetime | None = None
) -> tuple[str, str]:
    """The sentence of `words` in Chinese and in English."""
    state, (zh, en) = state_of(clock, now), when(clock.due_at, read_at or now)
    if state == ClockState.PAUSED:
        return _paused(clock, ticket, reporter)
    if state == ClockState.STOPPED and (not clock.over or CLOCKS[clock.name].duty is None):
        return _stopped(clock, ticket)
    return _sentence(clock, ticket, state, zh, en, reporter)


def _paused(clock: Timed, ticket: Parties, reporter: bool) -> tuple[str, str]:
    if ticket.channel in PROACTIVE and clock.pause_reason in PAUSES_OF_PATROLS:
        why_zh, why_en = PAUSES_OF_PATROLS[clock.pause_reason]
    else:
        why_zh, why_en = PAUSES[clock.pause_reason][0 if reporter else 1]
    label = clock_label(clock.name, ticket.channel)
    return f"{label}时限暂停计时：{why_zh}", f"{label} stands still {why_en}."


def _stopped(clock: Timed, ticket: Parties) -> tuple[str, str]:
    label = clock_label(clock.name, ticket.channel)
    if clock.over:
        return f"{label}时限已停止，曾超时", f"{label} stopped, and was overdue."
    return f"{label}时限已停止，未超时", f"{label} stopped in time."


def _sentence(clock: Timed, ticket: Parties, state: ClockState, zh: str, en: str, reporter: bool) -> tuple[str, str]:
    you_zh, you_en = ("您", "you") if reporter else ("诉求人", "the resident")
    if ticket.channel in PROACTIVE:
        you_zh, you_en = "巡查单位", "whoever found it"
    match clock.name:
        case C.CONFIRM if ticket.channel in PROACTIVE:
            return f"等待核查，{zh} 前未核查将自动办结", f"Waiting for the check; without one by {en} it is closed."
        case C.QUESTION:
            return (
                f"等待{you_zh}补充，{zh} 前未答复将继续办理",
                f"Waiting for {you_en} to answer; without an answer by {en} the work goes on.",
            )
        case C.CONFIRM:
            return (
                f"等待{you_zh}确认，{zh} 前未确认将自动办结",
                f"Waiting for {you_en} to confirm; without a word by {en} it is closed.",
            )
        case C.SUCCESSION:
            return (
                f"等待附议居民答复是否接续诉求，{zh} 前未答复由街道继续",
                f"A resident is asked to take it on; without an answer by {en} the street goes on with it.",
            )
        case C.PLAN:
            return f"挂账至{zh}，到期恢复办理", f"On account until {en}; then the work goes on."
    (who_zh, who_en), duty = _who(clock, ticket), CLOCKS[clock.name].duty
    assert duty is not None
    do_zh, do_en = duty.to_reporter if reporter and duty.to_reporter else (duty.zh, duty.en)
    match state:
        case ClockState.OVERDUE:
            return f"{who_zh}应在{zh} 前{do_zh}，已超时", f"{who_en} was to {do_en} by {en}, and is overdue."
        case ClockState.STOPPED:
            return f"{who_zh}未能在{zh} 前{do_zh}", f"{who_en} did not {do_en} by {en}."
    return f"{who_zh}须在{zh} 前{do_zh}", f"{who_en} must {do_en} by {en}."


def _who(clock: Timed, ticket: Parties) -> tuple[str, str]:
    """Whose the time is, as residents call them."""
    if CLOCKS[clock.name].of_street:
        return STREET
    match clock.name:
        case C.COORDINATE:
            organisation, otherwise = ticket.coordinator_today, COMMITTEE
        case C.ACCOUNT:
            organisation, otherwise = ticket.account_owner_id, OWNER
        case _:
            organisation, otherwise = clock.holder_id, HOLDER
            if clock.name in LEADS and clock.stopped_at is None and organisation != ticket.holder_id:
                # Its time goes on, and belongs to the next holder.
                return HOLDER
    if organisation == ticket.desk_id:
        return STREET
    return NAMES_OF_KINDS.get(ticket.kind_of(organisation), otherwise) if organisation else otherwise


UNPROMISED = (State.SUBMITTED, State.COORDINATING)
"""The states before the first dispatch, in which nothing has been promised."""


def promised(due_at: datetime | None, state: str, clocks: Iterable[Timed]) -> datetime | None:
    """When the resident may expect it settled: as promised with the first dispatch, before that when the whole time is over."""
    if due_at is not None or state not in UNPROMISED:
        return due_at
    return next((one.due_at for one in clocks if one.name == C.OVERALL and one.stopped_at is None), None)


def is_the_reporter(mine: Set[Relation]) -> bool:
    """Whether the sentences speak to the reader: to the resident who reported, unless they read as staff."""
    return R.REPORTER in mine and not mine & STAFF


def shown(ticket: Ticket, mine: Set[Relation], clocks: Iterable[Clock]) -> list[dict[str, object]] | None:
    """Those of `clocks` that somebody in the relations `mine` may read, the first due first; None where they may read of none."""
    if not mine & SEES_WHOLE:
        return None
    now, reporter = ticket.moment, is_the_reporter(mine)
    read = [one for one in clocks if reads_clock(one.name, mine)]
    read.sort(key=lambda one: (one.stopped_at is not None, one.running_since is None, one.due_at, one.epoch))
    return [_document(one, ticket, now, reporter=reporter) for one in read]


def _document(clock: Clock, ticket: Ticket, now: datetime, *, reporter: bool) -> dict[str, object]:
    state = state_of(clock, now)
    return {
        "name": clock.name,
        "label": clock_label(clock.name, ticket.channel),
        "state": state.value,
        "state_label": state.label,
        "holder": clock.holder_id,
        "due_at": clock.due_at,
        "remaining_seconds": remaining(clock, now),
        "pause_reason": clock.pause_reason if state == ClockState.PAUSED else None,
        "estimated": is_estimated(clock, ticket.rules()),
        "words": words(clock, ticket, now, reporter=reporter),
        **elapsed(clock, now),
    }


def forecast(ticket: Ticket, mine: Set[Relation], read_at: datetime) -> list[dict[str, object]]:
    """The clocks of a ticket that is not filed, as a reader in the relations `mine` may see them at `read_at`."""
    reporter = is_the_reporter(mine)
    read = [one for one in ticket.clocks if reads_clock(one.name, mine)]
    return [
        {
            "name": one.name,
            "label": clock_label(one.name, ticket.channel),
            "due_at": one.due_at,
            "budget": one.budget,
            "estimated": is_estimated(one, ticket.rules()),
            "words": words(one, ticket, ticket.moment, reporter=reporter, read_at=read_at),
        }
        for one in sorted(read, key=lambda one: (one.due_at, one.name))
    ]
