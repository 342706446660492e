"""The receivers' books against the database's: what was to arrive, what did, what came again, and under which key.

Nothing here knows how anything is sent. The left side is what the database says was due; the right side is what the receivers
wrote down for themselves (tests/fakes/standing.py).
"""

import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LedgerNews:
    """A message: its event, its recipient, and the digest that it became part of. `shown` says that it is in an inbox."""

    id: uuid.UUID
    event: uuid.UUID
    recipient: uuid.UUID
    shown: bool
    digest: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class LedgerWay:
    """A delivery: its key, message, channel, the receiver's address there, its state, and the digest that it became part of.

    `summary` says that it is a digest itself, whose text ("3 new messages") may occur several times.
    """

    key: str
    message: uuid.UUID
    channel: str
    to: str
    state: str
    digest: str | None = None
    summary: bool = False


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """A line of a receiver's log. `taken` says that the receiver has accepted the message."""

    at: float
    key: str
    to: str
    said: str
    taken: bool


@dataclass(slots=True)
class Balance:
    """The result. `due` and `arrived` count deliveries by channel; a push that fell back to another channel counts once, for the last.

    `untold` are pairs of event and recipient without a message, `lost` deliveries that nobody has received, `strangers` keys without
    a delivery, `astray` messages at a wrong address, `renamed` messages that one receiver accepted twice under different keys.
    """

    due: Counter[str] = field(default_factory=Counter)
    arrived: Counter[str] = field(default_factory=Counter)
    repeats: Counter[str] = field(default_factory=Counter)
    untold: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    astray: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)

    def faults(self, *, repeats: bool) -> Iterator[str]:
        """What breaks a promise, in words; repeats under the same key do only where none are allowed."""
        wrong = {
            "events that were not told": self.untold,
            "deliveries that were lost": self.lost,
            "keys that no delivery has": self.strangers,
            "deliveries that came to another address": self.astray,
            "repeats under another key": self.renamed,
        }
        for words, found in wrong.items():
            if found:
                yield f"{len(found)} {words}, such as {found[0]}"
        if self.repeats and not repeats:
            yield f"{self.repeats.total()} repeats"


def read(path: Path) -> list[LedgerLine]:
    """The lines of a receiver's log, without a last line that was cut off when the receiver was killed."""
    lines = []
    for text in path.read_text().splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        lines.append(LedgerLine(line["at"], line["key"], line["to"], line["said"], line["taken"]))
    return lines


def balance(
    expected: Iterable[tuple[uuid.UUID, uuid.UUID]],
    news: Sequence[LedgerNews],
    ways: Sequence[LedgerWay],
    books: Mapping[str, Sequence[LedgerLine]],
) -> Balance:
    """Compare the expected pairs of event and recipient, the database's rows, and the receivers' logs of each channel."""
    result = Balance()
    told = {(one.event, one.recipient) for one in news if one.shown or one.digest}
    result.untold = [
        f"event {event} for {recipient}" for event, recipient in expected if (event, recipient) not in told
    ]
    known = {one.key: one for one in ways}
    taken: Counter[str] = Counter()
    for channel, lines in books.items():
        keys: dict[tuple[str, str], set[str]] = defaultdict(set)
        for line in lines:
            way = known.get(line.key)
            if way is None:
                result.strangers.append(f"{channel} {line.key}")
            elif (way.channel, way.to) != (channel, line.to):
                result.astray.append(f"{channel} {line.key} to {line.to}")
            elif line.taken:
                taken[line.key] += 1
                if not way.summary:
                    keys[line.to, line.said].add(line.key)
        result.renamed += [f"{channel} {' '.join(sorted(same))}" for same in keys.values() if len(same) > 1]
    for key, times in taken.items():
        if times > 1:
            result.repeats[known[key].channel] += times - 1
    for chain in _chains(ways):
        last = chain[-1]
        result.due[last.channel] += 1
        arrived = next((one for one in chain if _arrived(one, known, taken)), None)
        if arrived is not None:
            result.arrived[last.channel] += 1
        else:
            result.lost.append(f"{last.channel} {last.key} ({last.state})")
    return result


def _chains(ways: Sequence[LedgerWay]) -> Iterator[Sequence[LedgerWay]]:
    """The deliveries of each message: those of one push together in their order, e-mail separately."""
    pushes: dict[uuid.UUID, list[LedgerWay]] = defaultdict(list)
    for way in sorted(ways, key=lambda one: one.key):
        if way.channel == "email":
            yield [way]
        else:
            pushes[way.message].append(way)
    yield from pushes.values()


def _arrived(way: LedgerWay, known: Mapping[str, LedgerWay], taken: Mapping[str, int]) -> bool:
    if way.digest is not None:
        return _arrived(known[way.digest], known, taken)
    return bool(taken.get(way.key))
