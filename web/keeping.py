"""Values that a process keeps for a while, because making them costs more than their being a little old."""

import time
from collections.abc import Callable, Hashable


class KeptForAWhile[V]:
    """Values by key, each made anew once it is older than `seconds`; where there are more than `most`, all are forgotten."""

    def __init__(self, seconds: float, most: int = 1000):
        self.seconds, self.most = seconds, most
        self._kept: dict[Hashable, tuple[float, V]] = {}

    def of(self, key: Hashable, make: Callable[[], V]) -> V:
        """The value of the key. Two threads may both make it."""
        found = self._kept.get(key)
        if found is None or time.monotonic() - found[0] > self.seconds:
            if len(self._kept) >= self.most:
                self._kept.clear()
            found = self._kept[key] = (time.monotonic(), make())
        return found[1]

    def forget(self) -> None:
        """Forget all of them; for tests."""
        self._kept.clear()
