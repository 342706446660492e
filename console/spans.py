"""Spans of time and moments in the console's words. console.js counts on in the same words."""

from datetime import datetime

from tickets.reading.deadlines import when
from web.words import say

MINUTE, HOUR, DAY = 60, 3600, 86400


def span(seconds: float) -> str:
    """At most two units, rounded down: 1 天 3 小时, 2 小时 10 分, 45 分; from ten days on days alone."""
    minutes = int(abs(seconds) // MINUTE)
    days, rest = divmod(minutes, DAY // MINUTE)
    hours, minutes = divmod(rest, HOUR // MINUTE)
    if days:
        with_hours = hours and days < 10
        return say(
            f"{days} 天" + (f" {hours} 小时" if with_hours else ""), f"{days} d" + (f" {hours} h" if with_hours else "")
        )
    if hours:
        return say(
            f"{hours} 小时" + (f" {minutes} 分" if minutes else ""),
            f"{hours} h" + (f" {minutes} min" if minutes else ""),
        )
    return say(f"{max(minutes, 1)} 分", f"{max(minutes, 1)} min")


def level(left: float, whole: float) -> str:
    """How pressing a deadline is in `left` seconds, of `whole` seconds that there were: late, soon or calm."""
    if left <= 0:
        return "late"
    return "soon" if left < min(whole / 4, 2 * HOUR) or left < HOUR / 2 else "calm"


def clock_words(left: float) -> str:
    """The countdown in words."""
    if left <= 0:
        return say(f"超 {span(left)}", f"{span(left)} late")
    return say(f"剩 {span(left)}", f"{span(left)} left")


def moment(at: datetime, now: datetime) -> str:
    """A moment in the street's time, as all deadlines are said."""
    return say(*when(at, now))
