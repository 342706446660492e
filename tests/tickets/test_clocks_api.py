"""What people read of a ticket's time: its clocks in words, the office's lists, and the forecast before filing."""

from datetime import UTC, datetime, timedelta

import pytest

from community.models import Organisation
from tests.tickets.story import row
from tickets.access import CLOCKS_OF_RESIDENTS
from tickets.api.deadlines import when
from tickets.models import TicketClock
from tickets.states import ClockName, State
from workflow.moment import at

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ENGLISH = {"headers": {"Accept-Language": "en"}}
RESIDENTS_NEVER_SEE = {"overall", "review", "extension", "callback", "report", "assist"}


def moment(text: str) -> datetime:
    """A moment in Beijing."""
    return datetime.fromisoformat(text + "+08:00")


# A Wednesday.
NINE = moment("2026-06-03T09:00")


def clocks(caller, ticket, now, **how):
    """The clocks that the caller reads of the ticket at `now`, by name; None where they may not."""
    with at(now):
        response = caller.client.get(f"/api/v1/tickets/{ticket['id']}", **how)
    assert response.status_code == 200, response.content
    found = response.json()["clocks"]
    return None if found is None else {one["name"]: one for one in found}


@pytest.fixture
def bins(api):
    """Full bins (24 hours), filed on Wednesday at nine, which go straight to the project office."""
    with at(NINE):
        return api("resident").file("CL03")


# In words.


@pytest.mark.parametrize(
    ("deadline", "zh", "en"),
    [
        ("2026-06-03T14:30", "今天 14:30", "14:30 today"),
        ("2026-06-04T00:00", "今天 24:00", "24:00 today"),
        ("2026-06-04T09:00", "明天 09:00", "09:00 tomorrow"),
        ("2026-06-02T23:59", "昨天 23:59", "23:59 yesterday"),
        ("2026-06-03T00:00", "昨天 24:00", "24:00 yesterday"),
        ("2026-06-06T00:00", "6月5日 24:00", "24:00 on 5 June"),
        ("2027-01-01T00:00", "12月31日 24:00", "24:00 on 31 December"),
        ("2027-01-05T09:00", "2027年1月5日 09:00", "09:00 on 5 January 2027"),
    ],
)
def test_a_deadline_is_said_on_the_street_s_own_clock(deadline, zh, en):
    assert when(moment(deadline).astimezone(UTC), NINE.astimezone(UTC)) == (zh, en)


def test_the_answer_to_a_filing_says_who_must_do_what_by_when(bins):
    found = {one["name"]: one for one in bins["clocks"]}
    assert found.keys() == {"sign", "contact", "handle"}
    contact = found["contact"]
    due = row(bins).submitted_at + timedelta(seconds=contact["remaining_seconds"])
    assert datetime.fromisoformat(contact["due_at"]) == due
    assert (contact["state"], contact["state_label"], contact["pause_reason"]) == ("running", "计时中", None)
    assert contact["words"] == f"物业须在{when(due, NINE)[0]} 前联系您"
    assert found["handle"]["words"].startswith("物业须在")
    assert contact["holder"] == bins["holder"]
    assert [one["due_at"] for one in bins["clocks"]] == sorted(one["due_at"] for one in bins["clocks"])


def test_the_ticket_and_the_answer_to_its_filing_say_the_same(api, bins):
    assert clocks(api("resident"), bins, NINE) == {one["name"]: one for one in bins["clocks"]}


def test_english_is_spoken_to_whoever_asks_for_it(api, bins):
    contact = clocks(api("resident"), bins, NINE, **ENGLISH)["contact"]
    due = datetime.fromisoformat(contact["due_at"])
    assert contact["words"] == f"The property company must contact you by {when(due, NINE)[1]}."
    assert contact["label"] == "First contact"


def test_staff_read_of_the_resident_and_of_what_is_between_them(api, bins):
    for who in ("dispatcher", "property_officer"):
        found = clocks(api(who), bins, NINE)
        assert {"overall", "callback"} <= found.keys()
        assert "联系诉求人" in found["contact"]["words"]
        assert found["overall"]["words"].startswith("街道须在")


def test_what_is_overdue_says_so_and_by_how_much(api, bins):
    due = TicketClock.objects.get(subject=bins["id"], name="contact").due_at
    assert clocks(api("resident"), bins, due - timedelta(seconds=1))["contact"]["remaining_seconds"] == 1
    late = clocks(api("resident"), bins, due + timedelta(seconds=90))["contact"]
    assert (late["state"], late["remaining_seconds"]) == ("overdue", -90)
    assert late["words"] == f"物业应在{when(due, due)[0]} 前联系您，已超时"
    assert clocks(api("resident"), bins, due)["contact"]["state"] == "overdue"


def test_a_question_holds_the_disposal_and_says_what_comes_without_an_answer(api, bins):
    dispatcher = api("dispatcher")
    with at(NINE + HOUR):
        dispatcher.move(bins, "sign")
        dispatcher.move(bins, "contact", result="reached")
        answer = dispatcher.move(bins, "ask", question="是哪个单元？")
    assert {one["name"] for one in answer["clocks"]} >= {"question", "handle", "overall"}
    found = clocks(api("resident"), bins, NINE + HOUR)
    due = datetime.fromisoformat(found["question"]["due_at"])
    assert found["question"]["words"] == f"等待您补充，{when(due, NINE)[0]} 前未答复将继续办理"
    held = found["handle"]
    assert (held["state"], held["remaining_seconds"], held["pause_reason"]) == ("paused", None, "question")
    assert held["words"] == "办结时限暂停计时：等待您补充"
    assert clocks(dispatcher, bins, NINE + HOUR)["handle"]["words"] == "办结时限暂停计时：等待诉求人补充"


def test_staff_alone_are_shown_what_was_stopped_late(api, bins):
    due = TicketClock.objects.get(subject=bins["id"], name="contact").due_at
    with at(due + timedelta(minutes=5)):
        api("dispatcher").move(bins, "sign")
        api("dispatcher").move(bins, "contact", result="reached")
    after = due + HOUR
    stopped = clocks(api("property_officer"), bins, after)["contact"]
    assert (stopped["state"], stopped["remaining_seconds"]) == ("stopped", -300)
    assert stopped["words"] == f"物业未能在{when(due, after)[0]} 前联系诉求人"
    assert "contact" not in clocks(api("resident"), bins, after)


def test_a_clock_that_was_stopped_in_time_is_not_shown(api, bins):
    with at(NINE + timedelta(minutes=5)):
        api("dispatcher").move(bins, "sign")
    assert "sign" not in clocks(api("property_officer"), bins, NINE + HOUR)


def test_whoever_sees_a_face_or_a_summary_sees_no_clock(api, bins):
    assert clocks(api("neighbour"), bins, NINE) is None
    with at(NINE + HOUR):
        api("property_officer").move(
            bins, "redispatch", holder=str(Organisation.objects.get(code="po-a02").pk), reason="另派"
        )
    assert clocks(api("dispatcher"), bins, NINE + HOUR) is None
    assert clocks(api("other_dispatcher"), bins, NINE + HOUR)
    with at(NINE + HOUR):
        assert api("neighbour").move(bins, "cosign")["clocks"] is None
    assert clocks(api("neighbour"), bins, NINE + HOUR)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("state", State)
def test_every_clock_of_every_state_is_put_into_words(scene, api, state, language):
    ticket = scene.reach(state)
    if state == State.IN_PROGRESS:
        scene.do("dispatcher", ticket, "request_extension", days=3, reason="配件未到")
    live = set(TicketClock.objects.live().filter(subject=ticket).values_list("name", flat=True))
    for who in ("resident", "property_officer"):
        for later in (HOUR, 100 * DAY):
            found = clocks(api(who), {"id": ticket}, scene.now + later, headers={"Accept-Language": language})
            assert all(one["words"] and one["words"].isascii() == (language == "en") for one in found.values())
            shown = {name for name, one in found.items() if one["state"] != "stopped"}
            assert shown == (live if who == "property_officer" else live - RESIDENTS_NEVER_SEE)


def test_it_is_decided_of_every_clock_whether_residents_see_it():
    assert set(ClockName.values) - CLOCKS_OF_RESIDENTS == RESIDENTS_NEVER_SEE
