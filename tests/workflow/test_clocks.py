"""What starting, holding and stopping does to a clock's row."""

from datetime import datetime, timedelta

import pytest

from tests.workflow.clock_oracle import run
from tests.workflow.clock_rows import Row, clock, rules
from workflow.clocks import NEWEST_RULES, RULES, Plan, carry_out, fired, own_days, pause, resume, spans, stop

HOUR = timedelta(hours=1)


def moment(text: str) -> datetime:
    """A moment in Beijing in June 2025; the 2nd was a Monday."""
    return datetime.fromisoformat(f"2025-06-{text}+08:00")


def held(one, begin: str, end: str) -> None:
    pause(one, moment(begin), "question")
    resume(one, moment(end), rules())


def test_ten_short_pauses_across_midnight_move_a_week_by_nothing():
    one = clock("14d", moment("02T10:00"))
    due = one.due_at
    for day in range(2, 12):
        held(one, f"{day:02}T23:50", f"{day + 1:02}T00:10")
    assert (one.pauses, one.paused) == (10, 200 * timedelta(minutes=1))
    assert one.due_at == due == moment("17T00:00")


def test_ten_short_pauses_move_hours_by_exactly_their_length():
    one = clock("24h", moment("02T10:00"))
    for number in range(10):
        held(one, f"02T{11 + number}:00", f"02T{11 + number}:20")
    assert one.due_at == moment("03T10:00") + 200 * timedelta(minutes=1)


def test_only_whole_days_of_a_pause_count_for_days():
    one = clock("7d", moment("02T10:00"))
    held(one, "03T10:00", "06T09:00")
    assert one.due_at == moment("12T00:00")


def test_a_last_day_that_ended_while_time_stood_still_ends_with_the_day_of_the_resumption():
    one = clock("7d", moment("02T10:00"))
    assert one.due_at == moment("10T00:00")
    # Monday's remaining hours were held; Tuesday is a whole day; it goes on in the middle of Wednesday.
    held(one, "09T10:00", "11T10:00")
    assert one.due_at == moment("12T00:00")
    assert one.breached_at is None


def test_and_rolls_off_the_weekend_like_any_other():
    one = clock("5d", moment("02T10:00"))
    assert one.due_at == moment("10T00:00")  # Saturday rolled to Monday's end
    held(one, "09T10:00", "14T10:00")
    assert one.due_at == moment("17T00:00")


def test_a_pause_at_the_due_moment_is_a_breach_and_gives_no_time_back():
    one = clock("24h", moment("02T10:00"))
    held(one, "03T10:00", "04T10:00")
    assert (one.breached_at, one.due_at) == (moment("03T10:00"), moment("03T10:00"))
    assert (one.paused, spans(one)) == (timedelta(0), [])


def test_a_pause_just_before_is_none():
    one = clock("24h", moment("02T10:00"))
    pause(one, moment("03T10:00") - timedelta(microseconds=1), "question")
    assert one.breached_at is None
    assert (one.running_since, one.fire_at, one.pause_reason) == (None, None, "question")


def test_what_is_paused_is_not_paused_twice_and_what_runs_is_not_resumed():
    one = clock("24h", moment("02T10:00"))
    pause(one, moment("02T11:00"), "question")
    pause(one, moment("02T12:00"), "on_account")
    assert (one.pauses, one.pause_reason) == (1, "question")
    resume(one, moment("02T13:00"), rules())
    resume(one, moment("02T14:00"), rules())
    assert (one.paused, one.due_at) == (2 * HOUR, moment("03T12:00"))


@pytest.mark.parametrize("before", [0, 1, 2, 3])
def test_each_pause_has_its_reason_and_those_of_before_there_were_reasons_an_empty_one(before):
    one = clock("240h", moment("02T10:00"))
    for day in range(3, 3 + before):
        pause(one, moment(f"{day:02}T10:00"), "question", noted=False)
        resume(one, moment(f"{day:02}T11:00"), rules(), noted=False)
    held(one, "07T10:00", "07T11:00")
    pause(one, moment("08T10:00"), "on_account")
    assert one.reasons == [""] * before + ["question", "on_account"]
    assert one.pauses == before + 2


def test_a_stop_in_time_records_what_was_consumed():
    one = clock("24h", moment("02T10:00"))
    held(one, "02T11:00", "02T13:00")
    stop(one, moment("02T20:00"))
    assert (one.consumed, one.over, one.breached_at) == (8 * HOUR, timedelta(0), None)
    assert (one.running_since, one.fire_at, one.stopped_at) == (None, None, moment("02T20:00"))


def test_a_late_stop_records_the_breach_though_nobody_swept():
    one = clock("24h", moment("02T10:00"))
    stop(one, moment("03T13:00"))
    assert (one.breached_at, one.over, one.consumed) == (moment("03T10:00"), 3 * HOUR, 27 * HOUR)


@pytest.mark.parametrize(("stopped", "over"), [("04T13:00", timedelta(0)), ("02T20:00", timedelta(0))])
def test_a_stop_while_paused_counts_to_the_pause_and_no_further(stopped, over):
    one = clock("24h", moment("02T10:00"))
    pause(one, moment("02T11:00"), "question")
    stop(one, moment(stopped))
    assert (one.consumed, one.over, one.breached_at) == (HOUR, over, None)


def test_the_next_rung_follows_the_one_that_was_fired_and_moves_with_the_due_moment():
    one = clock("10h", moment("02T10:00"))
    assert one.fire_at == moment("02T15:00")
    fired(one, 0, moment("02T15:00"), rules())
    assert (one.fire_at, one.breached_at) == (moment("02T20:00"), None)
    held(one, "02T16:00", "02T17:00")
    assert (one.rung, one.fire_at) == (1, moment("02T21:00"))
    fired(one, 1, moment("02T21:05"), rules())
    assert (one.fire_at, one.breached_at) == (None, moment("02T21:00"))


@pytest.mark.parametrize(
    ("budget", "whole"),
    [("2880m", 2), ("2879m", 1), ("1439m", 0), ("72h", 3), ("71h", 2), ("7d", 7), ("5wd", 5), ("16wh", 0)],
)
def test_a_clock_s_own_days_are_whole_ones_also_after_an_extension(budget, whole):
    one = clock(budget, moment("02T10:00"))
    assert own_days(one) == whole
    if not budget.endswith("wh"):
        changed(one, Plan(extends=((one, 3),)), "02T11:00")
        assert own_days(one) == whole


def changed(one, plan: Plan, at: str) -> None:
    """Let an event do to the clock what the plan says, by the newest rules."""
    event = Row(at=moment(at), seq=2, data={RULES: NEWEST_RULES})
    assert carry_out(plan, event, [one], rules(), Row).changed == [one]


def test_days_that_end_at_the_moment_of_their_granting_leave_the_clock_overdue():
    for granted, breached in (("04T09:59", None), ("04T10:00", moment("04T10:00"))):
        one = clock("24h", moment("02T10:00"))
        fired(one, 0, moment("03T10:00"), rules())
        assert one.breached_at == moment("03T10:00")
        changed(one, Plan(extends=((one, 1),)), granted)
        assert (one.due_at, one.breached_at) == (moment("04T10:00"), breached)


def test_a_calendar_that_moves_nothing_leaves_an_overdue_clock_as_it_was():
    one = clock("24h", moment("02T10:00"))
    fired(one, 0, moment("03T10:00"), rules())
    changed(one, Plan(calendar=2), "05T10:00")
    assert (one.due_at, one.breached_at, one.not_before) == (moment("03T10:00"), moment("03T10:00"), None)


def test_questions_and_extensions_end_as_a_second_reckoning_says():
    assert run(300, seed=1) == (0, "")
