"""The facts of a message. Each keeps its type until a channel writes it in the form that its receivers read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.functional import Promise

from web.words import Words, bilingual, en, zh


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words around one value: `{}` in `words` is the place of `value`. A channel's typed field takes the value alone."""

    words: Words
    value: int | date

    def __str__(self) -> str:
        return str(text(self))


type MessageFact = str | Promise | int | date | Phrase
"""Words, a number, a day, a moment (`datetime`, with its zone) or a phrase. An absent fact is the empty string."""

type MessageFacts = Mapping[str, MessageFact]


def local(moment: datetime) -> tuple[date, time | None]:
    """The day and time of a moment by the server's clock. Midnight belongs to the day that it ends, and has no time."""
    there = moment.astimezone(ZoneInfo(settings.TIME_ZONE))
    if there.time() == time(0):
        return there.date() - timedelta(days=1), None
    return there.date(), there.time()


def text(fact: MessageFact) -> Words:
    """The fact as running text, for readers of either language. A moment is written without its year."""
    match fact:
        case Phrase(words, value):
            said = text(value)
            return bilingual(zh(words).format(zh(said)), en(words).format(en(said)))
        case datetime():
            return _moment(fact)
        case date():
            return bilingual(f"{fact.year}年{fact.month}月{fact.day}日", fact.isoformat())
        case int():
            return str(fact)
    return fact


def _moment(moment: datetime) -> Words:
    day, clock = local(moment)
    if clock is None:
        return bilingual(f"{day.month}月{day.day}日 24:00", f"the end of {day.day} {day:%B}")
    return bilingual(f"{day.month}月{day.day}日 {clock:%H:%M}", f"{clock:%H:%M on} {day.day} {day:%B}")
