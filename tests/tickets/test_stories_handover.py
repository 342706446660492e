"""A ticket that passes from one organisation to another: returned, designated, taken away, or done in steps."""

from datetime import timedelta

import pytest
from django.utils import timezone

from community.models import Area, Organisation, ServiceContract
from tests.tickets.paths import rows
from tests.tickets.story import assert_whole, history, queued, row, seen, shown, timeline, told
from tickets.models import Assignment
from workflow.moment import at


def test_a_designated_holder_may_not_return_the_ticket_again(api, organisation):
    resident, dispatcher, officer = api("resident"), api("dispatcher"), api("property_officer")
    ticket = resident.file("CL03")
    before = row(ticket).due_at
    ticket = dispatcher.move(ticket, "return", reason="桶站归环卫作业单位。")
    assert (ticket["state"], ticket["holder"]) == ("returning", organisation("天岳恒学院路14号院项目部"))
    assert queued(dispatcher, ticket) == "lead"
    assert "return" not in timeline(resident, ticket)
    assert "return" in timeline(officer, ticket)

    ticket = officer.move(ticket, "designate", reason="属物业日常清运，指定承办。")
    assert (ticket["state"], ticket["holder"]) == ("dispatched", organisation("天岳恒学院路14号院项目部"))
    assert row(ticket).due_at == before
    assert "return" not in dispatcher.moves(ticket)
    assert dispatcher.move(ticket, "return", 409, reason="还是不归我们。")["code"] == "already_designated"
    dispatcher.move(ticket, "sign")
    assert dispatcher.move(ticket, "return", 409, reason="还是不归我们。")["code"] == "already_designated"

    dispatcher.move(ticket, "contact", result="reached")
    dispatcher.move(ticket, "reply", result="已清运。", photos=[dispatcher.photo()])
    ticket = resident.move(ticket, "confirm", resolved=True, rating=3)
    assert timeline(officer, ticket) == [
        *("submit", "return", "designate", "sign", "contact", "reply", "confirm"),
    ]
    assert timeline(resident, ticket) == ["submit", "designate", "sign", "contact", "reply", "confirm"]
    assert_whole(ticket, "closed")


def test_an_upheld_return_goes_back_to_triage_and_the_next_holder_may_return_it_too(api, organisation):
    resident, dispatcher, officer = api("resident"), api("dispatcher"), api("property_officer")
    ticket = resident.file("CL03")
    dispatcher.move(ticket, "return", reason="不在合同范围。")
    ticket = officer.move(ticket, "uphold")
    assert (ticket["state"], ticket["holder"]) == ("submitted", None)
    assert told(ticket) == {"天岳恒学院路14号院项目部", "物业专班"}
    assert queued(dispatcher, ticket) is None
    assert seen(dispatcher, ticket)["text"] is None
    ticket = officer.move(ticket, "dispatch", holder=organisation("北京净邻保洁服务有限公司"))
    assert "return" in api("cleaner").moves(ticket)
    assert_whole(ticket, "dispatched")


def test_a_return_comes_within_its_window(api):
    start = timezone.now()
    ticket = api("resident").file("CL03")
    with at(start + timedelta(hours=4, minutes=5)):
        assert api("dispatcher").move(ticket, "return", 409, reason="不归我们。")["code"] == "return_window_over"
    assert_whole(ticket, "dispatched")


@pytest.fixture
def new_company(db, street):
    """The contract of the compound's company ended yesterday, and another company's begins today."""

    def change():
        today = timezone.localdate()
        area, provider = Area.objects.get(name="学院路14号院"), Organisation.objects.get(code="po-a02")
        assert ServiceContract.objects.filter(area=area, kind="property").update(ends_on=today - timedelta(days=1)) == 1
        ServiceContract.objects.create(
            street=street, code="P-NEW", provider=provider, kind="property", mode="contracted", area=area,
            starts_on=today, ends_on=None,
        )  # fmt: skip
        return str(provider.pk)

    return change


def test_a_contract_that_ends_in_mid_ticket_passes_it_on_and_leaves_a_summary(api, new_company, organisation):
    resident, old, new, officer = api("resident"), api("dispatcher"), api("other_dispatcher"), api("property_officer")
    old_office = organisation("天岳恒学院路14号院项目部")
    ticket = resident.file("CL02", text="三号楼后面长期没人扫。", spot="三号楼")
    old.move(ticket, "sign")
    old.move(ticket, "contact", result="reached")
    old.move(ticket, "ask", question="几点方便？")
    photo = old.photo("progress")
    old.move(ticket, "progress", text="已清扫一半。", photos=[photo])
    due = row(ticket).due_at

    office = new_company()
    ticket = officer.move(ticket, "redispatch", holder=office, reason="物业合同到期，由新公司接办。")
    assert (ticket["state"], ticket["holder"]) == ("dispatched", office)
    assert row(ticket).due_at == due
    assert told(ticket) == {"天岳恒学院路14号院项目部", "知行安居逸成社区小区项目部", "物业专班"}
    assert (queued(old, ticket), queued(new, ticket)) == (None, "lead")
    (past,) = old.get("queue?status=ended")["results"]
    assert (past["ticket"]["id"], past["outcome"]) == (ticket["id"], "redispatched")

    summary = seen(old, ticket)
    assert summary["relations"] == ["past_holder"]
    assert [summary[name] for name in ("text", "spot", "contact", "assignments")] == [None] * 4
    assert summary["photos"] == []
    assert timeline(old, ticket) == []
    assert old.moves(ticket) == []
    assert not shown(old, photo)
    assert seen(new, ticket)["text"] == "三号楼后面长期没人扫。"
    assert shown(new, photo)

    new.move(ticket, "sign")
    assert "answer" not in resident.moves(ticket)
    assert old.move(ticket, "reply", 403, result="已完成。")["code"] == "not_permitted"
    assert new.move(ticket, "reply", 409, result="已完成。")["code"] == "not_contacted"
    new.move(ticket, "contact", result="reached")
    new.move(ticket, "reply", result="已清扫。", photos=[new.photo()])
    ticket = resident.move(ticket, "confirm", resolved=True, rating=4)
    parts = [(one["organisation"]["id"], one["outcome"]) for one in seen(resident, ticket)["assignments"]]
    assert parts == [(old_office, "redispatched"), (office, "done")]
    assert resident.file("CL02")["holder"] == office
    assert_whole(ticket, "closed")


def test_a_return_that_is_designated_a_contract_that_ends_and_a_dispute_after_it_are_one_ticket(
    api, new_company, organisation
):
    resident, old, new, officer = api("resident"), api("dispatcher"), api("other_dispatcher"), api("property_officer")
    old_office = organisation("天岳恒学院路14号院项目部")
    ticket = resident.file("CL07", text="楼道里有老鼠。")
    old.move(ticket, "return", reason="不在合同范围。")
    ticket = officer.move(ticket, "designate", reason="属物业职责，指定承办。")
    old.move(ticket, "sign")
    old.move(ticket, "contact", result="reached")
    old.move(ticket, "reply", result="已投药。")
    ticket = resident.move(ticket, "dispute", reason="还有老鼠。")
    assert (ticket["state"], ticket["holder"]) == ("in_progress", old_office)
    due = row(ticket).due_at

    # The contract has ended. Until somebody else has it, the ticket stays with whoever has it: seen, worked on, not given back.
    office = new_company()
    assert (queued(old, ticket), queued(new, ticket)) == ("lead", None)
    assert seen(old, ticket)["text"] == "楼道里有老鼠。"
    assert {"progress", "reply"} <= set(old.moves(ticket))
    old.move(ticket, "progress", text="已向新公司交底。")
    assert "return" not in old.moves(ticket)
    before = rows()
    assert old.move(ticket, "return", 409, reason="合同已到期。")["code"] == "already_designated"
    assert seen(new, ticket) is None
    assert rows() == before

    ticket = officer.move(ticket, "redispatch", holder=office, reason="物业合同到期，由新公司接办。")
    assert (ticket["state"], ticket["holder"], row(ticket).due_at) == ("dispatched", office, due)
    assert (queued(old, ticket), queued(new, ticket)) == (None, "lead")
    assert seen(old, ticket)["text"] is None
    # The designation bound the old company alone.
    assert "return" in new.moves(ticket)
    ticket = new.move(ticket, "return", reason="交接未完成。")
    assert (ticket["state"], ticket["holder"]) == ("returning", office)
    ticket = officer.move(ticket, "designate", reason="合同已生效。")
    assert ticket["holder"] == office

    new.move(ticket, "sign")
    new.move(ticket, "contact", result="reached")
    new.move(ticket, "reply", result="已全楼消杀。")
    # The second dispute goes to the street, which gives it to the new company again, and never to the old.
    ticket = resident.move(ticket, "dispute", reason="地下室还有。")
    assert (ticket["state"], ticket["coordinator"]) == ("coordinating", organisation("物业专班"))
    assert seen(old, ticket)["text"] is None
    officer.move(ticket, "dispatch", holder=office)
    new.move(ticket, "sign")
    new.move(ticket, "contact", result="reached")
    new.move(ticket, "reply", result="地下室已消杀。")
    ticket = resident.move(ticket, "confirm", resolved=True, rating=3)
    assert timeline(officer, ticket) == [
        *("submit", "return", "designate", "sign", "contact", "reply", "dispute", "progress", "redispatch"),
        *(
            "return",
            "designate",
            "sign",
            "contact",
            "reply",
            "dispute",
            "dispatch",
            "sign",
            "contact",
            "reply",
            "confirm",
        ),
    ]
    assert timeline(old, ticket) == []
    assert_whole(ticket, "closed")


def test_a_company_whose_contract_has_ended_gets_nothing_back(api, new_company):
    """Not by a dispute, nor by a reopening, nor off account: the place is no longer its own, though it has people."""
    resident, dispatcher, officer = api("resident"), api("dispatcher"), api("property_officer")
    disputed, reopened, resumed = (resident.file("CL07") for _ in range(3))
    for ticket in (disputed, reopened, resumed):
        dispatcher.move(ticket, "sign")
        dispatcher.move(ticket, "contact", result="reached")
    for ticket in (disputed, reopened):
        dispatcher.move(ticket, "reply", result="已消杀。")
    resident.move(reopened, "confirm", resolved=True, rating=4)
    plan = (timezone.localdate() + timedelta(days=9)).isoformat()
    account = {"kind": "funding", "owner": str(row(resumed).desk_id), "plan_date": plan, "reason": "待资金。"}
    officer.move(resumed, "put_on_account", **account)
    # What it was given, it was given while it served the place.
    Assignment.objects.update(opened_at=timezone.now() - timedelta(days=3))

    new_company()
    assert resident.move(disputed, "dispute", reason="还有老鼠。")["state"] == "coordinating"
    assert resident.move(reopened, "reopen", reason="又有老鼠。")["state"] == "submitted"
    assert officer.move(resumed, "resume")["state"] == "coordinating"
    for ticket in (disputed, reopened, resumed):
        assert queued(dispatcher, ticket) is None


def test_two_companies_work_one_after_the_other(api, organisation):
    resident, chair, dispatcher, cleaner = api("resident"), api("chair"), api("dispatcher"), api("cleaner")
    office, company = organisation("天岳恒学院路14号院项目部"), organisation("北京净邻保洁服务有限公司")
    ticket = resident.file("CL06", text="楼道堆满杂物，清走后还要消杀。")
    assert ticket["state"] == "coordinating"
    ticket = chair.move(ticket, "dispatch", holder=office, next_steps=[company], note="先清走，后保洁。")
    assert (ticket["state"], ticket["holder"]) == ("dispatched", office)
    due = row(ticket).due_at
    assert (queued(dispatcher, ticket), queued(cleaner, ticket)) == ("lead", None)
    assert seen(cleaner, ticket)["text"] is None
    assert told(ticket) == {"学院路14号院物业管理委员会", "天岳恒学院路14号院项目部", "物业专班"}

    dispatcher.move(ticket, "sign")
    assert dispatcher.move(ticket, "complete_step", 409, result="已清走。")["code"] == "not_contacted"
    dispatcher.move(ticket, "contact", result="reached")
    assert (
        dispatcher.move(ticket, "reply", 409, result="已清走。", photos=[dispatcher.photo()])["code"] == "steps_remain"
    )
    assert cleaner.move(ticket, "complete_step", 403, result="抢先。")["code"] == "not_permitted"
    ticket = dispatcher.move(ticket, "complete_step", result="杂物已清走。", photos=[dispatcher.photo()])
    assert (ticket["state"], ticket["holder"]) == ("dispatched", company)
    assert row(ticket).due_at == due
    assert (queued(dispatcher, ticket), queued(cleaner, ticket)) == (None, "lead")
    assert "北京净邻保洁服务有限公司" in told(ticket)
    assert seen(dispatcher, ticket)["text"] is None

    cleaner.move(ticket, "sign")
    cleaner.move(ticket, "contact", result="by_message")
    assert cleaner.move(ticket, "complete_step", 409, result="已保洁。")["code"] == "no_next_step"
    cleaner.move(ticket, "reply", result="已保洁消杀。", photos=[cleaner.photo()])
    ticket = resident.move(ticket, "confirm", resolved=True, rating=5)
    assert timeline(resident, ticket) == [
        *("submit", "dispatch", "sign", "contact", "complete_step", "sign", "contact", "reply", "confirm")
    ]
    parts = [(one["step"], one["outcome"]) for one in seen(resident, ticket)["assignments"]]
    assert parts == [(1, "step_done"), (2, "done")]
    assert history(ticket)[1].data["next_steps"] == [company]
    assert_whole(ticket, "closed")


def test_a_disputed_second_step_goes_back_to_whoever_did_it(api, organisation):
    resident, chair, dispatcher, cleaner = api("resident"), api("chair"), api("dispatcher"), api("cleaner")
    office, company = organisation("天岳恒学院路14号院项目部"), organisation("北京净邻保洁服务有限公司")
    ticket = resident.file("CL06")
    chair.move(ticket, "dispatch", holder=office, next_steps=[company])
    for caller, done in ((dispatcher, "complete_step"), (cleaner, "reply")):
        caller.move(ticket, "sign")
        caller.move(ticket, "contact", result="reached")
        caller.move(ticket, done, result="已完成。", photos=[caller.photo()])
    ticket = resident.move(ticket, "dispute", reason="角落没有扫。")
    assert (ticket["state"], ticket["holder"]) == ("in_progress", company)
    cleaner.move(ticket, "reply", result="已重新打扫。", photos=[cleaner.photo()])
    resident.move(ticket, "confirm", resolved=True, rating=4)
    assert_whole(ticket, "closed")
