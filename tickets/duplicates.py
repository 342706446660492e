"""Whether a neighbour has reported the same already: near in place, kind, time and words."""

from collections.abc import Iterable
from datetime import datetime, timedelta

# A report older than this is news again.
WINDOW = timedelta(days=30)
LIKE = 20


def grams(text: str) -> frozenset[str]:
    """The pairs of neighbouring characters in `text`, without spaces and punctuation."""
    plain = "".join(char for char in text.lower() if char.isalnum())
    return frozenset(plain[start : start + 2] for start in range(len(plain) - 1)) or frozenset(plain)


def likeness(mine: str, theirs: str, age: timedelta) -> int:
    """How alike two reports of one place and category are, 0 to 100. Shared words weigh three quarters, nearness in time a quarter."""
    a, b = grams(mine), grams(theirs)
    shared = len(a & b) / min(len(a), len(b)) if a and b else 0.0
    near = max(0.0, 1 - age / WINDOW)
    return round(75 * shared + 25 * near)


def ranked[T](
    text: str, at: datetime, candidates: Iterable[tuple[T, str, datetime]], limit: int = 5
) -> list[tuple[int, T]]:
    """The most alike of `candidates` (each with its text and time), best first; those that are hardly alike are left out."""
    scored = [(likeness(text, theirs, at - since), one) for one, theirs, since in candidates if at - since <= WINDOW]
    return sorted((one for one in scored if one[0] >= LIKE), key=lambda one: -one[0])[:limit]
