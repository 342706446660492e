"""When rungs are due, and which ladders are none."""

from datetime import UTC, datetime, timedelta

import pytest

from workflow.ladder import Ladder, Rung, key, span, words

BEGIN = datetime(2026, 3, 2, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
NONE = timedelta(0)


def moment(rung, *, paused=NONE, occurrence=0):
    return rung.moment(started=BEGIN, due=BEGIN + 10 * HOUR, paused=paused, occurrence=occurrence)


def test_a_share_is_measured_over_the_time_that_runs():
    half = Rung("half", ("remind",), share=50)
    assert moment(half) == BEGIN + 5 * HOUR
    # Four hours of the ten were a pause: half of the six that ran are left before the due moment.
    assert moment(half, paused=4 * HOUR) == BEGIN + 7 * HOUR
    assert moment(Rung("due", ("remind",), share=100), paused=4 * HOUR) == BEGIN + 10 * HOUR


def test_no_share_is_due_before_the_clock_has_started():
    assert moment(Rung("one", ("remind",), share=1), paused=10 * HOUR) == BEGIN + 10 * HOUR
    assert moment(Rung("one", ("remind",), share=1)) == BEGIN + HOUR / 10


def test_what_repeats_counts_from_the_due_moment():
    daily = Rung("daily", ("remind",), after=2 * HOUR, every=3 * HOUR)
    assert [moment(daily, occurrence=number) for number in (0, 1, 5)] == [
        BEGIN + (12 + 3 * number) * HOUR for number in (0, 1, 5)
    ]
    assert [key(daily, number) for number in (0, 1, 5)] == ["daily", "daily#1", "daily#5"]


def test_what_does_not_repeat_is_due_so_long_after_the_due_moment():
    assert moment(Rung("late", ("remind",), after=2 * HOUR), paused=4 * HOUR) == BEGIN + 12 * HOUR


def test_positions_go_on_for_ever_only_where_the_last_rung_repeats():
    half, daily = Rung("half", ("remind",), share=50), Rung("daily", ("remind",), after=HOUR, every=HOUR)
    ends, goes_on = Ladder((half,)), Ladder((half, daily))
    assert ends.at(0) == (half, 0)
    assert ends.at(1) is None
    assert [goes_on.at(position) for position in (0, 1, 2, 7)] == [(half, 0), (daily, 0), (daily, 1), (daily, 6)]
    assert Ladder().at(0) is None


def test_missed_repetitions_are_skipped_to_the_last():
    half, daily = Rung("half", ("remind",), share=50), Rung("daily", ("remind",), after=HOUR, every=HOUR)
    ladder, due = Ladder((half, daily)), BEGIN + 10 * HOUR
    measures = {"started": BEGIN, "due": due, "paused": NONE}
    assert ladder.latest(0, due + 9 * HOUR, **measures) == 0
    assert ladder.latest(1, due + HOUR, **measures) == 1
    assert ladder.latest(1, due + 4 * HOUR, **measures) == 4
    assert ladder.latest(3, due + 4 * HOUR - timedelta(microseconds=1), **measures) == 3


@pytest.mark.parametrize(
    "columns",
    [
        {"share": 0}, {"share": 101}, {}, {"share": 50, "after": HOUR}, {"after": -HOUR},
        {"share": 50, "every": HOUR}, {"after": HOUR, "every": timedelta(seconds=1)},
    ],
)  # fmt: skip
def test_what_is_no_rung_is_refused(columns):
    with pytest.raises(ValueError, match="code"):
        Rung("code", ("remind",), **columns)


def test_a_rung_without_an_effect_is_refused():
    with pytest.raises(ValueError, match="effect"):
        Rung("code", (), share=50)


@pytest.mark.parametrize(
    "rungs",
    [
        (Rung("b", ("remind",), share=80), Rung("a", ("remind",), share=50)),
        (Rung("b", ("remind",), after=HOUR), Rung("a", ("remind",), share=50)),
        (Rung("a", ("remind",), share=50), Rung("a", ("remind",), share=80)),
        (Rung("a", ("remind",), after=HOUR, every=HOUR), Rung("b", ("remind",), after=2 * HOUR)),
    ],
)
def test_what_is_no_ladder_is_refused(rungs):
    with pytest.raises(ValueError, match="rung"):
        Ladder(rungs)


def test_spans_are_written_in_minutes_hours_or_days():
    assert [span(text) for text in ("90m", "24h", "3d")] == [
        timedelta(minutes=90),
        timedelta(days=1),
        timedelta(days=3),
    ]
    for text in ("", "h", "3", "1.5h", "-1d", "3w"):
        with pytest.raises(ValueError, match="span"):
            span(text)


def test_a_rung_may_stand_at_the_very_edges():
    for columns in (
        {"share": 1},
        {"share": 100},
        {"after": NONE},
        {"after": HOUR, "every": timedelta(minutes=1)},
    ):
        assert Rung("edge", ("remind",), **columns).effects == ("remind",)
    with pytest.raises(ValueError, match="a minute apart"):
        Rung("edge", ("remind",), after=HOUR, every=timedelta(seconds=59))


def test_a_repetition_that_is_not_due_is_not_skipped():
    ladder, due = Ladder((Rung("daily", ("remind",), after=HOUR, every=HOUR),)), BEGIN + 10 * HOUR
    measures = {"started": BEGIN, "due": due, "paused": NONE}
    assert ladder.latest(0, due - 5 * HOUR, **measures) == 0
    assert ladder.latest(4, due + 2 * HOUR, **measures) == 4
    once = Ladder((Rung("once", ("remind",), after=HOUR),))
    assert [once.latest(position, due + 9 * HOUR, **measures) for position in (0, 1)] == [0, 1]


def test_a_ladder_that_is_climbed_again_names_its_turn():
    late = Rung("late", ("remind",), after=HOUR)
    assert [key(late, 0, 1), key(late, 3, 1), key(late, 3)] == ["late@2", "late#3@2", "late#3"]


def test_names_are_written_with_spaces_or_one_by_one():
    assert words("holder  desk") == words(["holder", "desk"]) == ("holder", "desk")
