"""What happens as a deadline comes near and passes: the rungs of a ladder, each at its moment (督办、提级)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder: at `share` percent of the budget, or `after` the due moment and then again `every` so often.

    `effects` are moves of the subject's, tried in order until one is possible; `audience` names who is to be told.
    """

    code: str
    effects: tuple[str, ...]
    audience: tuple[str, ...] = ()
    share: int | None = None
    after: timedelta | None = None
    every: timedelta | None = None

    def __post_init__(self) -> None:
        if (self.share is None) == (self.after is None):
            raise ValueError(f"{self.code}: a rung stands at a share of the budget or after the due moment.")
        if self.share is not None and not 0 < self.share <= 100:
            raise ValueError(f"{self.code}: a share lies above 0 and up to 100 percent.")
        if self.after is not None and self.after < timedelta(0):
            raise ValueError(f"{self.code}: an offset counts from the due moment on.")
        if self.every is not None and (self.after is None or self.every < timedelta(minutes=1)):
            raise ValueError(f"{self.code}: what repeats stands after the due moment, a minute apart at least.")
        if not self.effects:
            raise ValueError(f"{self.code}: a rung has an effect.")

    def moment(self, *, started: datetime, due: datetime, paused: timedelta, occurrence: int = 0) -> datetime:
        """When the rung is due on a clock that started, and is due, at these moments and was paused for so long.

        Shares are measured back from the due moment, so that a pause moves them with it.
        """
        if self.after is not None:
            return due + self.after + (self.every or timedelta(0)) * occurrence
        assert self.share is not None
        return max(started, due - max(due - started - paused, timedelta(0)) * (100 - self.share) / 100)


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs of one clock, in the order in which they come due; only the last may repeat, and does so for ever."""

    rungs: tuple[Rung, ...] = ()

    def __post_init__(self) -> None:
        order = [(0, timedelta(0), rung.share) if rung.after is None else (1, rung.after, 0) for rung in self.rungs]
        if order != sorted(order):
            raise ValueError("The rungs do not stand in the order in which they come due.")
        if any(rung.every for rung in self.rungs[:-1]):
            raise ValueError("Only the last rung may repeat.")
        if len({rung.code for rung in self.rungs}) != len(self.rungs):
            raise ValueError("Two rungs have the same code.")

    def at(self, position: int) -> tuple[Rung, int] | None:
        """The rung that is fired as number `position` (from 0) with its occurrence; None when the ladder has ended."""
        if position < len(self.rungs):
            return self.rungs[position], 0
        if self.rungs and self.rungs[-1].every:
            return self.rungs[-1], position - len(self.rungs) + 1
        return None

    def latest(self, position: int, now: datetime, *, started: datetime, due: datetime, paused: timedelta) -> int:
        """`position`, or the last repetition that is due by `now` where several have been missed: they are told once."""
        found = self.at(position)
        if found is None:
            return position
        rung, occurrence = found
        if rung.every is None or rung.after is None:
            return position
        missed = (now - due - rung.after) // rung.every
        return position + max(0, missed - occurrence)


def key(rung: Rung, occurrence: int, turn: int = 0) -> str:
    """The name of one firing on its clock: `lead`, for the third repetition `lead#3`, and when the ladder is climbed once more `lead@2`."""
    return f"{rung.code}{f'#{occurrence}' if occurrence else ''}{f'@{turn + 1}' if turn else ''}"


def span(text: str) -> timedelta:
    """An offset written as `90m`, `24h` or `3d` (days of 24 hours). Raises ValueError."""
    units = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
    number, unit = text[:-1], text[-1:]
    if not number.isdecimal() or unit not in units:
        raise ValueError(f"{text!r} is no span such as 90m, 24h or 3d.")
    return int(number) * units[unit]


def words(names: str | Iterable[str]) -> tuple[str, ...]:
    """Names written with spaces between them, or given one by one."""
    return tuple(names.split()) if isinstance(names, str) else tuple(names)
