"""What each test costs, and which are left out of `make test ARGS=fast`.

    make test ARGS='-p tests.costs'     measures, into .local/costs/
    .venv/bin/python -m tests.costs     writes tests/slow.txt from that

`slow.txt` names each function of tests that costs more than DEAR on the average of its cases; a new test is fast until it is measured.
"""

import json
import os
import resource
import sys
from collections import defaultdict
from collections.abc import Iterator

import pytest

from launcher.family import PROJECT
from tests.workers import SLOW, function

DEAR = 0.05
"""Seconds of processor time, of the test's process and of the processes that it started and waited for."""
COSTS = PROJECT / ".local" / "costs"


def spent() -> float:
    """Seconds of processor time so far."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Write down what the test costs, with its setup."""
    COSTS.mkdir(parents=True, exist_ok=True)
    before = spent()
    result = yield
    with (COSTS / f"{os.environ.get('PYTEST_XDIST_WORKER', 'one')}.jsonl").open("a") as file:
        file.write(json.dumps([item.nodeid, round(spent() - before, 4)]) + "\n")
    return result


def main() -> None:
    """Write slow.txt from what was measured, and forget that."""
    costs: dict[str, list[float]] = defaultdict(list)
    for path in COSTS.glob("*.jsonl"):
        for line in path.read_text().splitlines():
            nodeid, seconds = json.loads(line)
            costs[function(nodeid)].append(seconds)
        path.unlink()
    if not costs:
        sys.exit("Nothing was measured: run make test ARGS='-p tests.costs' first.")
    slow = {name for name, seconds in costs.items() if sum(seconds) / len(seconds) > DEAR}
    fast = [one for name, seconds in costs.items() if name not in slow for one in seconds]
    SLOW.write_text("\n".join(sorted(slow)) + "\n")
    total = sum(map(sum, costs.values()))
    print(f"{len(fast)} fast cases cost {sum(fast):.0f} s of {total:.0f} s; {len(slow)} slow functions")  # noqa: T201


if __name__ == "__main__":
    main()
