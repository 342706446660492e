"""What a person chooses, over HTTP; and when that lets a message leave the house."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.models import Message, Preference, Profile
from notifications.timing import after_quiet, held_until
from notifications.topics import Digest, Topic
from tests.notifications.letters import NOON, letter, told
from tests.statements import statements

SHANGHAI = ZoneInfo("Asia/Shanghai")
ADDRESS = "/api/v1/notifications/settings"
MOMENTS = st.integers(1_580_000_000_000, 2_050_000_000_000).map(
    lambda thousandths: datetime.fromtimestamp(thousandths / 1000, UTC)
)
TIMES = st.times()


@pytest.fixture
def resident(at_api):
    return at_api("resident")


def cells(settings, **wanted):
    """The preferences with these properties, as (topic, channel)."""
    return {
        (one["topic"], one["channel"])
        for one in settings["preferences"]
        if all(one[name] == value for name, value in wanted.items())
    }


def change(client, status=200, **asked):
    answer = client.patch(ADDRESS, asked, format="json")
    assert answer.status_code == status, answer.content
    return answer.json()


def stored(person):
    """All that is stored of the person's choices."""
    profiles = Profile.objects.filter(person=person).values_list("quiet_from", "quiet_until", "digest")
    return list(profiles), set(Preference.objects.filter(person=person).values_list("topic", "channel", "wanted"))


@pytest.mark.django_db
def test_whoever_has_chosen_nothing_sees_the_defaults(resident, cast):
    settings = resident.get(ADDRESS).json()
    assert (settings["email"], settings["quiet_from"], settings["quiet_until"], settings["digest"]) == (
        "", "22:00", "07:00", "auto",
    )  # fmt: skip
    assert len(settings["preferences"]) == 5 * 4
    assert cells(settings, default=True) == cells(settings)
    assert cells(settings, wanted=False) == {(topic, "sms") for topic in ("progress", "work", "reminder", "oversight")}
    assert cells(settings, fixed=True) == {("asked", "inbox"), ("work", "inbox")}
    assert cells(settings, urgent_too=True) == {("work", "sms")}
    assert [one["channel"] for one in settings["channels"]] == ["inbox", "email", "sms", "wechat"]
    assert settings["channels"][0]["available"] is True
    assert stored(cast["resident"]) == ([], set())


@pytest.mark.django_db
def test_only_what_is_named_changes(resident, cast, paper):
    change(resident, quiet_from="23:30", preferences=[{"topic": "progress", "channel": "email", "wanted": False}])
    settings = change(resident, digest="never", preferences=[{"topic": "work", "channel": "sms", "wanted": False}])
    assert stored(cast["resident"]) == (
        [(time(23, 30), time(7), "never")],
        {("progress", "email", False), ("work", "sms", False)},
    )
    assert cells(settings, default=False) == {("progress", "email"), ("work", "sms")}
    assert cells(settings, urgent_too=True) == set()
    assert settings == resident.get(ADDRESS).json()
    assert all(one["available"] for one in settings["channels"])
    assert change(resident) == settings


@pytest.mark.django_db
def test_a_choice_is_changed_and_taken_back(resident, cast):
    cell = {"topic": "progress", "channel": "sms"}
    for wanted in (True, False, True):
        change(resident, preferences=[{**cell, "wanted": wanted}])
        assert stored(cast["resident"])[1] == {("progress", "sms", wanted)}
    other = {"topic": "reminder", "channel": "email", "wanted": False}
    change(resident, preferences=[{**cell, "wanted": None}, other])
    assert stored(cast["resident"])[1] == {("reminder", "email", False)}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("misspelt", "field"),
    [
        ({"digets": "never"}, "digets"),
        ({"preferences": [{"topic": "work", "channel": "sms", "wanted": True, "wantd": 1}]}, "preferences.0.wantd"),
    ],
)
def test_a_misspelt_field_is_named_and_changes_nothing(resident, cast, misspelt, field):
    (fault,) = change(resident, 400, quiet_from="23:30", **misspelt)["errors"]
    assert (fault["field"], fault["code"]) == (field, "unknown_field")
    assert stored(cast["resident"]) == ([], set())


@pytest.mark.django_db
@pytest.mark.parametrize("topic", ["asked", "work"])
def test_what_one_must_act_on_cannot_be_declined_in_the_inbox(resident, cast, topic):
    wish = {"topic": topic, "channel": "inbox"}
    fine = {"topic": "progress", "channel": "inbox", "wanted": False}
    problem = change(resident, 400, digest="daily", preferences=[fine, {**wish, "wanted": False}])
    (fault,) = problem["errors"]
    assert (fault["field"], fault["code"]) == ("preferences.1.wanted", "must_be_told")
    assert stored(cast["resident"]) == ([], set())
    assert cells(change(resident, preferences=[{**wish, "wanted": True}]), fixed=True, wanted=True) >= {
        (topic, "inbox")
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"quiet_from": "25:00"}, "quiet_from"),
        ({"quiet_until": None}, "quiet_until"),
        ({"digest": "weekly"}, "digest"),
        ({"preferences": [{"topic": "gossip", "channel": "sms", "wanted": True}]}, "preferences.0.topic"),
        ({"preferences": [{"topic": "work", "channel": "wecom", "wanted": True}]}, "preferences.0.channel"),
        ({"preferences": [{"topic": "work", "channel": "sms"}]}, "preferences.0.wanted"),
        ({"preferences": [{"topic": "work", "channel": "sms", "wanted": True}] * 2}, "preferences.1"),
    ],
)
def test_a_choice_that_cannot_be_changes_nothing(resident, cast, asked, field):
    problem = change(resident, 400, **{"digest": "daily", **asked})
    assert [fault["field"] for fault in problem["errors"]] == [field]
    assert stored(cast["resident"]) == ([], set())


@pytest.mark.django_db
def test_whoever_wants_no_summaries_any_more_gets_at_once_what_was_held(resident, cast, paper):
    for who in ("resident", "neighbour"):
        Profile.objects.create(person=cast[who], digest=Digest.DAILY)
    now = datetime.now(UTC)
    told(letter(cast["resident"], cast["neighbour"], at=now), now=now)
    change(resident, quiet_from="21:00")
    held = dict(Message.objects.held().values_list("person", "held_until"))
    assert len(held) == 2
    change(resident, digest="never")
    now_held = dict(Message.objects.held().values_list("person", "held_until"))
    assert now_held.pop(cast["resident"].pk) <= datetime.now(UTC)
    assert now_held == {cast["neighbour"].pk: held[cast["neighbour"].pk]}


@pytest.mark.django_db
def test_reading_and_changing_the_settings_costs_a_few_statements(resident, cast):
    choices = [{"topic": topic, "channel": "email", "wanted": False} for topic in Topic]
    change(resident, digest="hourly", preferences=choices)
    with statements() as made:
        resident.get(ADDRESS)
    assert len(made) <= 1 + 3
    with statements() as made:
        change(resident, digest="never", quiet_from="20:00", preferences=[*choices[1:], choices[0] | {"wanted": None}])
    assert len([one for one in made if "SAVEPOINT" not in one]) <= 1 + 10


# The time at which a message may leave.


@given(MOMENTS, TIMES, TIMES)
def test_what_waits_leaves_at_the_first_moment_that_is_not_quiet(now, quiet_from, quiet_until):
    def quiet(moment: datetime) -> bool:
        here = moment.astimezone(SHANGHAI).time()
        if quiet_from <= quiet_until:
            return quiet_from <= here < quiet_until
        return not quiet_until <= here < quiet_from

    at = after_quiet(now, quiet_from, quiet_until)
    assert not quiet(at)
    if not quiet(now):
        assert at == now
    else:
        assert timedelta(0) < at - now <= timedelta(days=1)
        assert at.astimezone(SHANGHAI).time() == quiet_until
        assert quiet(at - timedelta(microseconds=1))


@given(MOMENTS, TIMES)
def test_equal_ends_are_no_quiet_hours(now, end):
    assert after_quiet(now, end, end) == now


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("21:59:59", "21:59:59"),
        ("22:00:00", "+07:00:00"),
        ("23:59:59", "+07:00:00"),
        ("00:00:00", "07:00:00"),
        ("06:59:59", "07:00:00"),
        ("07:00:00", "07:00:00"),
    ],
)
def test_the_night_ends_at_seven_on_whichever_day_it_began(now, expected):
    day = NOON.date()
    moment = datetime.combine(day, time.fromisoformat(now), SHANGHAI)
    then = datetime.combine(
        day + timedelta(days=expected.startswith("+")), time.fromisoformat(expected.lstrip("+")), SHANGHAI
    )
    assert after_quiet(moment.astimezone(UTC), time(22), time(7)) == then


@given(MOMENTS)
def test_what_is_held_is_held_to_the_hour_or_the_morning(now):
    hour, morning = held_until(now, Digest.HOURLY), held_until(now, Digest.DAILY)
    assert timedelta(0) < hour - now <= timedelta(hours=1)
    assert (hour.minute, hour.second, hour.microsecond) == (0, 0, 0)
    assert timedelta(0) < morning - now <= timedelta(days=1)
    assert morning.astimezone(SHANGHAI).time() == time(8, 30)
    assert held_until(now, Digest.AUTO) - now == timedelta(minutes=10)
    assert held_until(now, Digest.NEVER) == now
