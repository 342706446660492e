"""What people read of a ticket's time: its clocks in words, the office's lists, and the forecast before filing."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from community.models import Organisation
from tests.tickets.paths import rows
from tests.tickets.story import row
from tests.tickets.test_clocks import RESIDENTS_NEVER_SEE
from tests.tickets.test_statements import LIST, copies, request_statements
from tickets.access import CLOCKS_OF_RESIDENTS
from tickets.models import Ticket, TicketClock
from tickets.models.service_level import in_effect
from tickets.reading.deadlines import when
from tickets.states import ClockName, State
from workflow import calendars
from workflow.moment import at

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ENGLISH = {"headers": {"Accept-Language": "en"}}


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


# Lists for the office.


def listed(caller, which, **query):
    """The rows of the office's list, by the ticket's id."""
    return {one["id"]: one for one in caller.get(which, **query)["results"]}


def due_in(ticket, risk, due):
    """Let the ticket's next due moment, with the clock that says so, lie so far from now, and the risk begin so far from now."""
    now = datetime.now(UTC)
    started = now + due - 5 * (due - risk)
    TicketClock.objects.filter(subject=ticket["id"]).update(due_at=now + 100 * DAY)
    TicketClock.objects.filter(subject=ticket["id"], name="handle").update(due_at=now + due, started_at=started)
    Ticket.objects.filter(pk=ticket["id"]).update(next_due_at=now + due, at_risk_at=now + risk)


@pytest.fixture
def three(api):
    """A ticket that is overdue, one at risk, and one with time."""
    late, near, calm = (api("resident").file("CL07") for _ in range(3))
    due_in(late, -2 * HOUR, -HOUR)
    due_in(near, -HOUR, HOUR)
    due_in(calm, DAY, 2 * DAY)
    return late, near, calm


def test_the_office_reads_what_is_overdue_and_which_clock_says_so(api, three):
    late = three[0]
    found = listed(api("property_officer"), "overdue")
    assert found.keys() == {late["id"]}
    one = found[late["id"]]
    assert 3600 <= one["overdue_seconds"] < 3660
    assert one["remaining_seconds"] == -one["overdue_seconds"]
    assert (one["overdue"], one["level"], one["supervised"]) == (True, 0, "")
    assert [(clock["name"], clock["label"], clock["holder"]) for clock in one["clocks"]] == [
        ("handle", "办结", late["holder"])
    ]


def test_the_office_reads_what_is_at_risk_and_not_what_is_overdue_already(api, three):
    near = three[1]
    found = listed(api("property_officer"), "at-risk")
    assert found.keys() == {near["id"]}
    one = found[near["id"]]
    assert 3500 < one["remaining_seconds"] <= 3600
    assert (one["overdue_seconds"], one["overdue"]) == (0, False)
    assert [clock["name"] for clock in one["clocks"]] == ["handle"]


def test_an_ended_ticket_is_neither_overdue_nor_at_risk(api, three):
    for ticket in three[:2]:
        api("resident").move(ticket, "withdraw")
    for which in ("overdue", "at-risk"):
        assert listed(api("property_officer"), which) == {}


def test_a_paused_clock_does_not_press(api):
    ticket = api("resident").file("CL07")
    due_in(ticket, -2 * HOUR, -HOUR)
    TicketClock.objects.filter(subject=ticket["id"], name="handle").update(running_since=None, fire_at=None)
    assert listed(api("property_officer"), "overdue")[ticket["id"]]["clocks"] == []


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("level", 0, 3),
        ("category", "CL07", "CL03"),
        ("compound", "home", "elsewhere"),
        ("provider", "po-a01", "po-a02"),
    ],
)
def test_the_lists_are_narrowed(api, three, compound, name, right, wrong):
    def value(one):
        if name == "compound":
            return str(row(three[0]).compound_id) if one == "home" else str(compound("逸成东苑"))
        return str(Organisation.objects.get(code=one).pk) if name == "provider" else one

    for which, ticket in (("overdue", three[0]), ("at-risk", three[1])):
        assert listed(api("property_officer"), which, **{name: value(right)}).keys() == {ticket["id"]}
        assert listed(api("property_officer"), which, **{name: value(wrong)}) == {}


@pytest.mark.parametrize(
    "query",
    ["level=6", "level=-1", "level=x", "level=", "compound=1", "provider=x", "category=%00", "cursor=x", "limit=0"],
)
def test_a_filter_that_means_nothing_is_refused(api, query):
    for which in ("overdue", "at-risk"):
        refused = api("property_officer").client.get(f"/api/v1/{which}?{query}")
        assert refused.status_code == 400, query
        assert refused.json()["errors"][0]["field"] == query.split("=")[0]


def test_the_office_s_lists_are_the_office_s_alone(api, three):
    for who in ("resident", "dispatcher", "residents_committee_worker", "dept-police-liaison", "outsider"):
        for which in ("overdue", "at-risk"):
            refused = api(who).client.get(f"/api/v1/{which}")
            assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted"), who


def test_a_committee_finds_what_it_coordinates_itself_and_nothing_else(api, three):
    own, street_s = api("resident").file("SV01"), api("resident").file("SV01")
    for ticket in (own, street_s):
        due_in(ticket, -2 * HOUR, -HOUR)
    api("property_officer").move(street_s, "take_over")
    due_in(street_s, -2 * HOUR, -HOUR)
    assert list(listed(api("chair"), "overdue")) == [own["id"]]
    assert listed(api("chair"), "at-risk") == {}
    assert {own["id"], street_s["id"]} <= listed(api("property_officer"), "overdue").keys()
    assert api("chair").get("overdue/counts", by="state")["total"]["count"] == 1


def test_staff_do_not_find_what_accuses_their_own_section(api, three, organisation):
    Ticket.objects.filter(pk=three[0]["id"]).update(accused=[organisation("物业专班")])
    assert listed(api("property_officer"), "overdue") == {}


@pytest.mark.parametrize(("which", "index"), [("overdue", 0), ("at-risk", 1)])
def test_a_page_of_the_office_s_lists_costs_the_same_at_any_size(api, three, which, index):
    officer, ticket = api("property_officer"), three[index]
    with request_statements() as before:
        assert len(officer.get(which)["results"]) == 1
    stands = row(ticket)
    copies(ticket, 150, next_due_at=stands.next_due_at, at_risk_at=stands.at_risk_at)
    with request_statements() as after:
        page = officer.get(which)
    assert len(page["results"]) == 25
    assert len(before) == len(after) <= LIST, after
    seen, cursor = {one["id"] for one in page["results"]}, page["next_cursor"]
    while cursor:
        page = officer.get(which, cursor=cursor)
        seen |= {one["id"] for one in page["results"]}
        cursor = page["next_cursor"]
    assert len(seen) == 151


def test_every_list_says_what_is_overdue(api, three):
    late, near, _ = three
    TicketClock.objects.filter(subject=late["id"]).update(due_at=datetime.now(UTC) - HOUR)
    row(late).assignment_rows.update(next_due_at=datetime.now(UTC) - HOUR)
    for who, path in (
        ("resident", "tickets?scope=mine"),
        ("property_officer", "tickets?scope=street"),
        ("chair", "tickets?scope=area"),
    ):
        found = {one["id"]: one["overdue"] for one in api(who).get(path)["results"]}
        assert (found[late["id"]], found[near["id"]]) == (True, False)
    queue = {one["ticket"]["id"]: one for one in api("dispatcher").get("queue")["results"]}
    assert (queue[late["id"]]["overdue"], queue[late["id"]]["ticket"]["overdue"]) == (True, True)
    assert (queue[near["id"]]["overdue"], queue[near["id"]]["ticket"]["overdue"]) == (False, False)
    api("resident").move(late, "withdraw")
    ended = api("resident").get("tickets?scope=mine&status=ended")["results"]
    assert [one["overdue"] for one in ended] == [False]


# The forecast.


def preview(caller, status=200, **query):
    """What the forecast answers."""
    response = caller.client.get("/api/v1/service-levels/preview", query)
    assert response.status_code == status, response.content
    return response.json()


@pytest.mark.parametrize("category", ["CL03", "PK01", "EL01", "SV01", "NB02"])
@pytest.mark.parametrize("who", ["resident", "property_officer"])
def test_a_forecast_is_what_the_filing_then_gets(api, compound, category, who):
    home = str(compound("学院路14号院"))
    with at(NINE):
        before = rows()
        forecast = preview(api(who), category=category, compound=home)
        assert rows() == before
        filed = api(who).post("tickets", {"category": category, "compound": home, "text": "请处理。"}, 201)
    assert forecast["state"] == filed["state"]
    assert forecast["routed"] == filed["routed"]
    said = {one["name"]: (one["due_at"], one["words"]) for one in forecast["clocks"]}
    assert said == {one["name"]: (one["due_at"], one["words"]) for one in filed["clocks"]}
    assert said
    budgets = dict(TicketClock.objects.filter(subject=filed["id"]).values_list("name", "budget"))
    assert {one["name"]: one["budget"] for one in forecast["clocks"]}.items() <= budgets.items()
    assert (forecast["service_level"], forecast["calendar"]) == (in_effect(NINE).number, calendars.newest())


def test_a_forecast_for_public_ground_names_the_street(api, street):
    found = preview(api("resident"), category="TR01", street=str(street.pk))
    assert found["state"] == "coordinating"
    (clock,) = found["clocks"]
    assert clock["name"] == "coordinate"
    assert clock["words"].startswith("街道须在")


def test_a_forecast_for_a_day_rolls_off_the_holidays_and_says_the_day_as_it_is_read(api, compound):
    home = str(compound("学院路14号院"))
    with at(moment("2026-09-20T10:00")):
        found = preview(api("resident"), category="CL07", compound=home, at="2026-09-26T10:00:00+08:00")
    (handle,) = [one for one in found["clocks"] if one["name"] == "handle"]
    # Seven days from 26 September end on 3 October, within the holidays, which end on the 7th.
    assert handle["budget"] == "7d"
    assert datetime.fromisoformat(handle["due_at"]) == moment("2026-10-09T00:00")
    assert handle["words"] == "物业须在10月8日 24:00 前办结"
    assert handle["estimated"] is False


@pytest.mark.parametrize("written", ["2026-09-26T10:00:00 08:00", "2026-09-26T10:00 0800", "2026-09-26T02:00:00Z"])
def test_a_plus_that_was_not_encoded_is_a_plus(api, compound, written):
    home = str(compound("学院路14号院"))
    with at(moment("2026-09-20T10:00")):
        found = preview(api("resident"), category="CL07", compound=home, at=written)
    assert datetime.fromisoformat(found["at"]) == moment("2026-09-26T10:00")


@pytest.mark.parametrize("written", ["2026-09-26 10:00", "2026-09-26T10:00", "2026-09-26 08:00 08:00 08:00"])
def test_a_moment_without_its_zone_is_refused(api, compound, written):
    home = str(compound("学院路14号院"))
    problem = api("resident").get("service-levels/preview", 400, category="CL07", compound=home, at=written)
    assert [fault["field"] for fault in problem["errors"]] == ["at"]


def test_a_forecast_over_a_year_whose_holidays_are_not_published_is_estimated(api, compound, street):
    home, published = str(compound("学院路14号院")), calendars.calendar(calendars.newest(), "Asia/Shanghai")
    year = next(year for year in range(2026, 2200) if year in published.estimated)
    with at(moment(f"{year - 1}-12-01T10:00")):

        def estimated(day):
            found = preview(api("resident"), category="CL07", compound=home, at=f"{day}T10:00:00+08:00")
            return {one["name"]: one["estimated"] for one in found["clocks"]}

        assert estimated(f"{year}-03-02") == {"sign": False, "contact": False, "handle": True}
        assert set(estimated(f"{year - 1}-12-02").values()) == {False}
        # 24:00 on 31 December is the last moment of the year that is published.
        last = datetime(year - 1, 12, 31, tzinfo=ZoneInfo("Asia/Shanghai"))
        if published.is_working(last.date()):
            assert set(estimated((last - 7 * DAY).date()).values()) == {False}


@pytest.mark.parametrize(
    "when",
    [
        "0000-01-01T00:00:00+08:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "2026-12-01T09:00:00",
        "2026-02-30T09:00:00+08:00",
        "2019-01-01T00:00:00Z",
        "2200-01-01T00:00:00Z",
        "2026-12-01",
        "now",
        "",
        "\0",
        "2026-12-01T09:00:00+99:00",
    ],
)
def test_a_moment_that_is_none_or_lies_too_far_is_refused(api, compound, when):
    refused = preview(api("resident"), 400, category="CL03", compound=str(compound("学院路14号院")), at=when)
    assert [one["field"] for one in refused["errors"]] == ["at"]


def test_before_the_first_service_level_there_is_no_forecast(api, compound):
    with at(moment("2021-01-01T09:00")):
        refused = preview(
            api("resident"),
            400,
            category="CL03",
            compound=str(compound("学院路14号院")),
            at="2019-01-01T09:00:00+08:00",
        )
    assert [(one["field"], one["code"]) for one in refused["errors"]] == [("at", "too_early")]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({}, ["category", "compound"]),
        ({"category": "CL03"}, ["compound"]),
        ({"category": "XX99", "compound": "home"}, ["category"]),
        ({"category": "\0", "compound": "home"}, ["category"]),
        ({"category": "CL03", "compound": "00000000-0000-0000-0000-000000000000"}, ["compound"]),
        ({"category": "CL03", "street": "00000000-0000-0000-0000-000000000000"}, ["street"]),
        ({"category": "CL03", "compound": "x"}, ["compound"]),
        ({"category": "CL03", "compound": "home", "type": "x"}, ["type"]),
    ],
)
def test_a_forecast_without_what_it_needs_is_refused(api, compound, query, fields):
    if query.get("compound") == "home":
        query = {**query, "compound": str(compound("学院路14号院"))}
    assert [one["field"] for one in preview(api("resident"), 400, **query)["errors"]] == fields


def test_a_forecast_is_for_whoever_is_signed_in(client, compound):
    answer = client.get(f"/api/v1/service-levels/preview?category=CL03&compound={compound('学院路14号院')}")
    assert answer.status_code == 401


def test_a_forecast_speaks_english(api, compound):
    with at(NINE), translation.override("en"):
        found = api("resident").client.get(
            "/api/v1/service-levels/preview",
            {"category": "CL03", "compound": str(compound("学院路14号院"))},
            **ENGLISH,
        )
    assert all(one["words"].startswith("The property company must") for one in found.json()["clocks"])
