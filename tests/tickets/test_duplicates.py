"""How alike two reports of one place and category are."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tickets.duplicates import LIKE, WINDOW, likeness, ranked

NOW = timezone.now()
MINE = "3号楼电梯又停了，老人上不去"


@pytest.mark.parametrize(
    ("theirs", "age", "expected"),
    [
        (MINE, timedelta(0), 100),
        (MINE, WINDOW, 75),
        (MINE, WINDOW / 2, 88),
        ("垃圾桶满溢三天无人清运", timedelta(0), 25),
        ("垃圾桶满溢三天无人清运", WINDOW, 0),
        # Four of the shorter text's five pairs: 号楼, 楼电, 电梯, and 梯停 is not among them.
        ("3号楼电梯停", timedelta(0), 85),
        ("", timedelta(0), 25),
    ],
)
def test_shared_words_weigh_three_quarters_and_nearness_in_time_one(theirs, age, expected):
    assert likeness(MINE, theirs, age) == expected


def test_the_most_alike_come_first_and_those_hardly_alike_not_at_all():
    candidates = [
        ("else", "垃圾桶满溢三天无人清运", NOW - timedelta(days=20)),
        ("older", MINE, NOW - timedelta(days=29)),
        ("same", MINE, NOW),
        ("too old", MINE, NOW - timedelta(days=31)),
    ]
    assert [one for _, one in ranked(MINE, NOW, candidates)] == ["same", "older"]
    assert all(score >= LIKE for score, _ in ranked(MINE, NOW, candidates))


def test_no_more_come_than_are_asked_for():
    assert len(ranked(MINE, NOW, [(number, MINE, NOW) for number in range(9)], limit=3)) == 3


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        ("The LIFT is stuck!", "the lift, is stuck", 100),
        ("水", "水", 100),
        ("水", "电", 25),
        # Of the shorter text's two pairs one is the other's, too.
        ("漏水了", "漏水啦啦", 62),
    ],
)
def test_case_spaces_and_punctuation_do_not_count_and_one_character_is_compared_whole(mine, theirs, expected):
    assert likeness(mine, theirs, timedelta(0)) == expected


def test_what_is_older_than_the_window_is_no_nearer_for_it():
    assert likeness(MINE, MINE, 3 * WINDOW) == 75


def test_a_report_of_the_last_day_of_the_window_and_one_that_is_just_alike_enough_are_named():
    other = "垃圾桶满溢三天无人清运"
    candidates = [
        ("last moment", MINE, NOW - WINDOW),
        ("gone", MINE, NOW - WINDOW - timedelta(microseconds=1)),
        # Nothing but nearness: 25 × (1 - 6 / 30) = 20, and a day later 19.
        ("just", other, NOW - timedelta(days=6)),
        ("hardly", other, NOW - timedelta(days=7)),
    ]
    assert ranked(MINE, NOW, candidates) == [(75, "last moment"), (20, "just")]


def test_five_come_where_nobody_says_how_many():
    assert [one for _, one in ranked(MINE, NOW, [(number, MINE, NOW) for number in range(9)])] == [0, 1, 2, 3, 4]
