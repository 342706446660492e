"""Clocks of no ticket, for what the engine does to rows in memory."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from workflow.calendar import Calendar
from workflow.clocks import Rules, measure
from workflow.ladder import Ladder, Rung


class Row:
    """The columns of a clock, and nothing of a database."""

    def __init__(self, **columns: Any) -> None:
        self.__dict__.update(columns)


LADDER = Ladder((Rung("half", ("remind",), share=50), Rung("due", ("raise_level",), share=100)))
# Working days from Monday to Friday, without holidays.
CALENDAR = Calendar(zone=ZoneInfo("Asia/Shanghai"), ranges=((540, 720), (810, 1080)))


def rules() -> Rules:
    """One calendar and one ladder for all."""
    return Rules(calendar=lambda number: CALENDAR, ladder=lambda policy, name: LADDER)


def clock(budget: str, started: datetime) -> Any:
    """A clock that has just been started."""
    one = Row(
        name="handle",
        holder_id=None,
        epoch=1,
        budget=budget,
        policy=1,
        calendar=1,
        started_at=started,
        running_since=started,
        pauses=0,
        paused=started - started,
        spans=[],
        reasons=[],
        extended=0,
        not_before=None,
        pause_reason="",
        due_at=started,
        fire_at=None,
        rung=0,
        turn=0,
        breached_at=None,
        stopped_at=None,
        consumed=None,
        over=None,
        failures=0,
        error="",
    )
    measure(one, rules())
    return one
