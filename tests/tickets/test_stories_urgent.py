"""What cannot wait: people in a lift at night, and a water outage that thirty households report."""

from datetime import datetime, timedelta

import pytest

from tests.people import residents
from tests.tickets.conftest import Caller
from tests.tickets.story import assert_whole, clocks, history, queued, row, seen, timeline, told
from tickets.models import Follower
from workflow.moment import at

# The first of eight days of the Spring Festival; the Sunday after them was worked.
HOLIDAY_NIGHT = datetime.fromisoformat("2024-02-10T03:00:00+08:00")


def test_a_lift_with_people_in_it_goes_to_maintainer_and_office_at_once_at_3_am_on_a_holiday(api, organisation):
    resident, maintainer, office = api("resident"), api("lift_dispatcher"), api("dispatcher")
    with at(HOLIDAY_NIGHT):
        ticket = resident.file("EL01", text="3号楼2单元电梯困人，两人。", spot="3号楼2单元")
    assert (ticket["state"], ticket["coordinator"]) == ("dispatched", None)
    assert ticket["urgent"]
    assert ticket["holder"] == organisation("北京升安电梯维保有限公司")
    assert told(ticket) == {
        "北京升安电梯维保有限公司",
        "天岳恒学院路14号院项目部",
        "学院路14号院物业管理委员会",
        "物业专班",
    }
    # Two hours and thirty minutes of natural time: neither the night nor the holiday moves them.
    assert row(ticket).due_at == HOLIDAY_NIGHT + timedelta(hours=2)
    assert row(ticket).next_due_at == HOLIDAY_NIGHT + timedelta(minutes=10)
    assert clocks(ticket) == {
        "sign": HOLIDAY_NIGHT + timedelta(minutes=10),
        "contact": HOLIDAY_NIGHT + timedelta(minutes=30),
        "arrive": HOLIDAY_NIGHT + timedelta(minutes=30),
        "handle": HOLIDAY_NIGHT + timedelta(hours=2),
        "callback": HOLIDAY_NIGHT + timedelta(hours=2),
        # Whoever helps has no longer than whoever leads, and the whole but 15 minutes more for the taking up.
        "assist": HOLIDAY_NIGHT + timedelta(hours=2),
        "overall": HOLIDAY_NIGHT + timedelta(hours=2, minutes=15),
    }
    # A week's limit that was given at the same moment does roll off the holiday, to the end of the Sunday that was worked.
    with at(HOLIDAY_NIGHT):
        ordinary = resident.file("CL01")
    assert clocks(ordinary)["handle"] == row(ordinary).due_at == datetime.fromisoformat("2024-02-19T00:00:00+08:00")
    assert history(ticket)[0].at == HOLIDAY_NIGHT
    roles = [queued(caller, ticket) for caller in (maintainer, office, api("chair"))]
    assert roles == ["lead", "co_handler", "copy"]
    assert seen(api("lift-yunti-dispatcher"), ticket) is None
    assert api("chair").moves(ticket) == []

    with at(HOLIDAY_NIGHT + timedelta(minutes=5)):
        maintainer.move(ticket, "sign")
        office.move(ticket, "report_in")
        maintainer.move(ticket, "contact", result="reached")
    with at(HOLIDAY_NIGHT + timedelta(minutes=25)):
        maintainer.move(ticket, "arrive")
        assert maintainer.move(ticket, "request_extension", 409, days=1, reason="零件")["code"] == "limit_is_fixed"
    with at(HOLIDAY_NIGHT + timedelta(minutes=40)):
        office.move(ticket, "assist_done", words="现场已安抚，人员安全。")
        maintainer.move(ticket, "reply", result="两人已救出，电梯停用检修。")
    with at(HOLIDAY_NIGHT + timedelta(hours=6)):
        ticket = resident.move(ticket, "confirm", resolved=True, rating=5)
    assert timeline(resident, ticket) == [
        *("submit", "sign", "report_in", "contact", "arrive", "assist_done", "reply", "confirm")
    ]
    assert row(ticket).closed_at == HOLIDAY_NIGHT + timedelta(hours=6)
    assert_whole(ticket, "closed")


def test_time_never_runs_backwards_on_a_ticket(api):
    with at(HOLIDAY_NIGHT):
        ticket = api("resident").file("EL01")
    with at(HOLIDAY_NIGHT - timedelta(minutes=3)):
        api("lift_dispatcher").move(ticket, "sign")
    assert [one.at for one in history(ticket)] == [HOLIDAY_NIGHT, HOLIDAY_NIGHT]
    assert_whole(ticket, "in_progress")


@pytest.fixture
def thirty(db, api):
    """Thirty residents of one compound, each with a phone in the hand."""
    return [Caller(one) for one in residents(30)]


def test_thirty_reports_of_one_water_outage_become_one_ticket_and_each_voice_stays(api, thirty, organisation):
    officer, utility = api("property_officer"), api("water_dispatcher")
    tickets = [one.file("UT01", text=f"{one.person.name}家停水。") for one in thirty]
    assert {one["state"] for one in tickets} == {"dispatched"}
    assert {one["holder"] for one in tickets} == {organisation("海淀供水营业所")}
    master, *others = tickets
    first, second, third = thirty[:3]

    found = first.get("duplicates", compound=str(row(master).compound_id), category="UT01", text="停水")
    assert len(found) == 5

    for one in others:
        merged = officer.move(one, "merge", into=master["id"])
        assert (merged["state"], merged["holder"]) == ("merged", None)
    assert seen(second, others[0])["merged_into"] == master["id"]
    assert second.moves(others[0]) == ["hide_words"]
    assert officer.move(master, "merge", 400, into=others[0]["id"])["errors"][0]["code"] == "not_open"
    assert queued(utility, others[0]) is None
    assert queued(utility, master) == "lead"
    followed = [one["id"] for caller in thirty[1:] for one in caller.get("tickets", scope="followed")["results"]]
    assert followed == [master["id"]] * 29
    assert first.get("tickets", scope="followed")["results"] == []
    assert {"follower", "neighbour"} == set(seen(second, master)["relations"])
    assert second.move(master, "cosign", 409)["code"] == "already_following"

    utility.move(master, "sign")
    utility.move(master, "contact", result="reached")
    second.move(master, "urge", reason="老人在家。")
    utility.move(master, "reply", result="已抢修，恢复供水。")
    assert "dispute" in second.moves(master)
    assert "confirm" not in second.moves(master)
    assert second.move(master, "confirm", 403, resolved=True, rating=5)["code"] == "not_permitted"

    # Each of them may say once that it is not so.
    assert second.move(master, "dispute", reason="我家还没有水。")["state"] == "in_progress"
    utility.move(master, "reply", result="二单元阀门已开。")
    assert second.move(master, "dispute", 409, reason="还是没有。")["code"] == "already_disputed"
    assert third.move(master, "dispute", reason="三层水压不足。")["state"] == "coordinating"
    assert Follower.objects.filter(ticket=master["id"], disputed_at__isnull=False).count() == 2
    assert row(master).coordinator_id == row(master).desk_id
    officer.move(master, "record", met_with="供水营业所、项目部", agreed="更换加压泵。")
    officer.move(master, "reply", result="已更换加压泵。")
    ended = first.move(master, "confirm", resolved=True, rating=4)
    assert ended["state"] == "closed"
    assert seen(third, master)["state"] == "closed"

    assert timeline(third, master) == [
        *("submit", *["absorb"] * 29, "sign", "contact", "urge"),
        *("reply", "dispute", "reply", "dispute", "record", "reply", "confirm"),
    ]
    assert_whole(master, "closed")
    for one in others:
        assert_whole(one, "merged")


def test_a_merged_report_split_off_again_starts_from_triage(api, thirty):
    officer = api("property_officer")
    (first, second), (master, other) = thirty[:2], [one.file("UT01") for one in thirty[:2]]
    officer.move(other, "merge", into=master["id"])
    ticket = officer.move(other, "split", reason="另一根管线。")
    assert (ticket["state"], ticket["holder"]) == ("submitted", None)
    assert seen(second, other)["merged_into"] is None
    assert seen(first, master)["state"] == "dispatched"
    assert_whole(other, "submitted")
