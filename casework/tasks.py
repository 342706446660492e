"""The Celery tasks of each kind of subject: `tickets.sweep`, `tickets.tell_outbox` and so on, one for each of its duties.

Imported when the apps are there.
"""

from collections.abc import Iterator

from celery import shared_task

from casework import duties
from casework.kinds import kinds
from web.management.looping import Duty


def _all() -> Iterator[tuple[str, Duty]]:
    """Every duty of every kind, with the name of its task."""
    for kind in kinds():
        for duty in (duties.clocks(kind), duties.outbox(kind), *duties.upkeep(kind)):
            yield f"{kind.name}.{duty.name}", duty


def _task(name: str, duty: Duty) -> object:
    @shared_task(name=name)  # type: ignore[untyped-decorator]
    def work() -> None:
        duty.work()

    return work


TASKS = {name: _task(name, duty) for name, duty in _all()}
SCHEDULE = {
    name: {"task": name, "schedule": duty.every, "options": {"expires": int(duty.every)}} for name, duty in _all()
}
"""Beat's entries: a message that nobody took before the next one comes is dropped."""
WAITS = {name: duty.waits for name, duty in _all() if duty.waits}
"""By beat's entries: whether there is something to do."""
