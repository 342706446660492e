"""The time of a clock: how much was used, how far it is over, and each pause with its reason."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from web.words import bilingual
from workflow.calendar import Budget, Calendar, Unit
from workflow.clocks import Rules
from workflow.models import Clock

# Why a clock was held, as staff and residents read of it.
REASONS = {
    "question": bilingual("等待补充", "waiting for an answer"),
    "replied": bilingual("等待确认", "waiting for confirmation"),
    "on_account": bilingual("挂账", "on account"),
    "merged": bilingual("并单", "part of another ticket"),
}


def elapsed(clock: Clock, now: datetime) -> dict[str, object]:
    """The time that the clock has used so far, or had used when it stopped."""
    held = clock.stopped_at is None and clock.running_since is None and len(clock.spans) % 2 == 1
    end = clock.spans[-1] if held else now
    used = clock.consumed if clock.consumed is not None else max(end - clock.started_at - clock.paused, timedelta(0))
    over = clock.over if clock.over is not None else max(end - clock.due_at, timedelta(0))
    return {
        "started_at": clock.started_at,
        "stopped_at": clock.stopped_at,
        "used_seconds": math.floor(used.total_seconds()),
        "over_seconds": math.ceil(over.total_seconds()),
        "pauses": _pauses(clock),
    }


def _pauses(clock: Clock) -> Sequence[Mapping[str, object]]:
    """The pauses of the clock, in order. A pause that goes on has no end; a clock that stops ends its pause."""
    found = []
    for number, since in enumerate(clock.spans[::2]):
        after = clock.spans[2 * number + 1 : 2 * number + 2]
        # Of clocks from before reasons were kept, the last one alone is known.
        reason = clock.reasons[number] if number < len(clock.reasons) else ""
        if not reason and not after:
            reason = clock.pause_reason
        found.append(
            {
                "since": since,
                "until": after[0] if after else clock.stopped_at,
                "reason": reason or None,
                "reason_label": REASONS.get(reason),
            }
        )
    return found


def is_estimated(clock: Clock, rules: Rules) -> bool:
    """Whether the due moment follows from holidays that are not published yet; natural hours and minutes follow from none."""
    if Budget.parse(clock.budget).unit in (Unit.MINUTES, Unit.HOURS):
        return False
    # The day that ends at 24:00 is the day before that moment.
    last = max(clock.started_at, clock.due_at - timedelta(microseconds=1))
    calendar: Calendar = rules.calendar(clock.calendar)
    return calendar.is_estimated(clock.started_at, last)
