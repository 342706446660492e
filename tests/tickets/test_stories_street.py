"""What the street office carries: an operator who leaves, a road between two compounds, and a call taken by phone."""

from datetime import date, datetime, timedelta

import pytest

from community.models import Organisation, Person, ServiceContract
from tests.people import seat
from tests.tickets.conftest import Caller
from tests.tickets.story import assert_whole, history, queued, row, seen, timeline, told
from workflow.moment import at


def on(text):
    """A working morning on the demo street."""
    return at(datetime.fromisoformat(f"{text}T10:00:00+08:00"))


@pytest.fixture
def operator(db):
    """The parking operator's man, until it leaves with the end of its contract."""
    company = Organisation.objects.get(code="co-tongda")
    person = Person.objects.create(phone="19700000001", name="钱停云", password="!")
    until = date(2020, 10, 30)
    seat(person, company, "dispatcher", ends_on=until)
    assert ServiceContract.objects.filter(provider=company).update(ends_on=until) == 1
    return Caller(person)


def test_parking_with_an_operator_who_leaves_ends_with_an_emergency_provider(api, operator, organisation):
    resident, neighbour, chair, officer = api("resident"), api("neighbour"), api("chair"), api("property_officer")
    company = organisation("北京通达驿停车管理有限公司")
    office, section = organisation("天岳恒学院路14号院项目部"), organisation("物业专班")

    # October 2020: parking is in disorder, and the committee brings the parties together.
    with on("2020-10-09"):
        parking = resident.file("PK01", title="院内乱停车", text="消防通道旁每晚停满。")
        assert parking["state"] == "coordinating"
        assert parking["coordinator"] == organisation("学院路14号院物业管理委员会")
        assert parking["holder"] is None
        neighbour.move(parking, "cosign")
    with on("2020-10-12"):
        assert told(parking) == {"学院路14号院物业管理委员会", "物业专班"}
        chair.move(parking, "record", met_with="停车管理单位、业主代表", agreed="该单位撤场前维持秩序，另议管理方案。")
        parking = chair.move(parking, "dispatch", holder=company)
        assert (parking["state"], parking["holder"]) == ("dispatched", company)
        operator.move(parking, "sign")
    # On its last day a broken barrier is still the operator's.
    with on("2020-10-30"):
        broken = resident.file("PK05")
        assert (broken["state"], broken["holder"]) == ("dispatched", company)
        assert queued(operator, broken) == "lead"

    # 31 October: it has left, and the gates with it. Whoever was its man sees nothing, and nothing goes to it any more.
    with on("2020-10-31"):
        assert seen(operator, broken) is None
        assert operator.move(broken, "sign", 404)["code"] == "not_found"
        problem = officer.move(parking, "redispatch", 400, holder=company, reason="请继续办理。")
        assert problem["errors"][0]["code"] == "unknown_organisation"
        gates = neighbour.file("SV06", title="东西门岗亭被拆", text="道闸和岗亭已拆除，大门无人看守。")
        assert (gates["state"], gates["holder"]) == ("dispatched", section)
        assert row(gates).due_at == datetime.fromisoformat("2020-11-01T10:00:00+08:00")
        officer.move(gates, "sign")
        officer.move(gates, "contact", result="reached")
        officer.move(gates, "supervise", kind="listed", reason="安全隐患。")
        gates = officer.move(gates, "redispatch", holder=office, reason="选定应急物业服务人，自即日起。")
        assert (gates["state"], gates["holder"]) == ("dispatched", office)
        assert queued(api("dispatcher"), gates) == "lead"
    with on("2020-11-03"):
        dispatcher = api("dispatcher")
        dispatcher.move(gates, "sign")
        dispatcher.move(gates, "contact", result="reached")
        dispatcher.move(gates, "reply", result="两门岗亭、道闸已恢复，保安到岗。", photos=[dispatcher.photo()])
        gates = neighbour.move(gates, "confirm", resolved=True, rating=5)
        assert_whole(gates, "closed")

        # From now on the emergency provider serves the compound: a broken barrier goes there by itself.
        barrier = resident.file("PK05")
        assert (barrier["state"], barrier["holder"]) == ("dispatched", office)
        assert api("tenant").move(barrier, "cosign")["version"] == barrier["version"]

        # What the operator left behind is given to it as well.
        for left in (broken, parking):
            moved = officer.move(left, "redispatch", holder=office, reason="原单位已撤场，应急期间一并管理。")
            assert (moved["state"], moved["holder"]) == ("dispatched", office)
        dispatcher.move(broken, "sign")
        dispatcher.move(broken, "contact", result="reached")
        dispatcher.move(broken, "reply", result="道闸已修复。", photos=[dispatcher.photo()])
        assert_whole(resident.move(broken, "confirm", resolved=True, rating=4), "closed")
    with on("2020-11-10"):
        dispatcher.move(parking, "sign")
        dispatcher.move(parking, "contact", result="reached")
        dispatcher.move(parking, "request_extension", days=7, reason="划线需晴天。")
        due_before = row(parking).due_at
        officer.move(parking, "grant_extension")
        assert row(parking).due_at == due_before + timedelta(days=7)
        dispatcher.move(parking, "reply", result="已划线 120 个车位。", photos=[dispatcher.photo()])
    with on("2020-11-12"):
        parking = resident.move(parking, "confirm", resolved=True, rating=5)
    assert timeline(neighbour, parking) == [
        *("submit", "cosign", "record", "dispatch", "sign", "redispatch", "sign", "contact", "request_extension"),
        *("grant_extension", "reply", "confirm"),
    ]
    assert told(parking) == {"学院路14号院物业管理委员会", "天岳恒学院路14号院项目部", "物业专班"}
    assert_whole(parking, "closed")


def test_a_compound_with_an_emergency_provider_is_served_by_it_and_not_by_its_area_s_company(api, organisation):
    resident = api("resident_emergency")
    ticket = resident.file("CL03")
    assert (ticket["state"], ticket["holder"]) == ("dispatched", organisation("远邻双泉堡125号院项目部"))
    assert queued(api("po-a12-dispatcher"), ticket) == "lead"
    assert seen(api("po-a40-dispatcher"), ticket) is None
    leaving = resident.file("SV06")
    assert leaving["holder"] == organisation("物业专班")
    assert seen(api("po-a40-dispatcher"), leaving) is None


def test_a_traffic_light_between_two_compounds_goes_by_the_street_to_the_district_and_back(api, street, organisation):
    resident, other = api("resident_yicheng"), api("resident_jianqingyuan")
    desk, police = api("desk_officer"), api("traffic_liaison")
    traffic = organisation("区公安交通支队")
    ticket = resident.file(
        "TR01", street=str(street.pk), spot="月泉路，逸成北门与建清园南门之间", text="两个小区之间没有红绿灯。"
    )
    assert (ticket["state"], ticket["holder"]) == ("coordinating", None)
    assert ticket["coordinator"] == organisation("市民诉求处置中心")
    # A public road belongs to no compound: neither the neighbours across nor the police see it yet.
    assert seen(other, ticket) is None
    assert seen(police, ticket) is None
    assert resident.file("TR01", compound=None, street=str(street.pk), status=400)["code"] == "invalid"

    desk.move(ticket, "whistle", departments=[traffic], reason="请现场踏勘。")
    assert queued(police, ticket) == "whistled"
    assert told(ticket) == {"市民诉求处置中心", "区公安交通支队"}
    assert desk.move(ticket, "whistle", 400, departments=[traffic], reason="再请。")["code"] == "invalid"
    police.move(ticket, "report_in")
    police.move(ticket, "decline", reason="未列入年度计划。")
    assert queued(police, ticket) is None
    assert seen(police, ticket)["text"] is None
    assert "decline" not in timeline(resident, ticket)
    assert "decline" in timeline(desk, ticket)

    ticket = desk.move(ticket, "raise_level", level=4, reason="报区政府协调。")
    assert ticket["level"] == 4
    assert desk.move(ticket, "raise_level", 400, level=3)["errors"][0]["code"] == "not_higher"
    plan = (date.today() + timedelta(days=200)).isoformat()  # noqa: DTZ011
    ticket = desk.move(
        ticket, "put_on_account", kind="planning", owner=traffic, plan_date=plan, reason="纳入明年建设计划。"
    )
    assert ticket["state"] == "on_account"
    assert seen(resident, ticket)["on_account"] == {
        "kind": "planning",
        "owner": {"id": traffic, "name": "区公安交通支队"},
        "plan_date": plan,
    }
    desk.move(ticket, "progress", text="设计方案已批复。")
    ticket = desk.move(ticket, "resume", reason="信号灯已立杆。")
    assert (ticket["state"], ticket["coordinator"]) == ("coordinating", organisation("市民诉求处置中心"))
    assert seen(resident, ticket)["on_account"] is None
    ticket = desk.move(ticket, "reply", result="信号灯今日启用。")
    ticket = resident.move(ticket, "confirm", resolved=True, rating=5)
    resident.move(ticket, "thank", words="多年的问题解决了，送锦旗一面。", consent=True)
    assert timeline(resident, ticket) == [
        *("submit", "whistle", "report_in", "raise_level", "put_on_account", "progress", "resume", "reply"),
        *("confirm", "thank"),
    ]
    assert history(ticket)[-1].words.body == {"words": "多年的问题解决了，送锦旗一面。"}
    assert_whole(ticket, "closed")


def test_a_call_taken_by_phone_is_carried_and_confirmed_for_somebody_without_an_account(api, organisation, compound):
    desk, dispatcher = api("desk_officer"), api("dispatcher")
    ticket = desk.file(
        "RP04",
        compound=str(compound("学院路14号院")),
        text="楼道灯不亮，老人上楼看不见。",
        channel="phone",
        contact_name="李大爷",
        contact_phone="01062000000",
        hotline_number="20261123-0042",
    )
    assert (ticket["state"], ticket["holder"]) == ("dispatched", organisation("天岳恒学院路14号院项目部"))
    now = row(ticket)
    assert (now.reporter_id, now.taken_by_id, now.channel) == (None, desk.person.pk, "phone")
    assert (history(ticket)[0].actor_id, history(ticket)[0].on_behalf) == (desk.person.pk, "reporter")
    assert history(ticket)[0].actor_id == desk.person.pk
    assert desk.get("tickets")["results"] == []
    assert seen(dispatcher, ticket)["contact"] == {"name": "李**", "phone": "010****0000"}

    dispatcher.move(ticket, "sign")
    version = row(ticket).version
    revealed = dispatcher.post(f"tickets/{ticket['id']}/moves/reveal", {"reason": "上门前联系。"})
    assert revealed["contact"] == {"name": "李大爷", "phone": "010-62000000"}
    assert row(ticket).version == version
    dispatcher.move(ticket, "contact", result="reached")
    dispatcher.move(ticket, "ask", question="哪个单元？")
    desk.move(ticket, "answer", answer="三单元。", on_behalf_of="reporter")
    dispatcher.move(ticket, "reply", result="灯已更换。", photos=[dispatcher.photo()])

    assert "confirm" not in desk.moves(ticket)
    assert desk.move(ticket, "confirm", 403, resolved=True, rating=5)["code"] == "not_permitted"
    for stranger in (dispatcher, api("chair"), api("neighbour")):
        stranger.move(ticket, "confirm", 403, resolved=True, rating=5, on_behalf_of="reporter")
    ticket = desk.move(ticket, "confirm", resolved=True, rating=4, words="老人来电致谢。", on_behalf_of="reporter")
    assert ticket["state"] == "closed"
    last = history(ticket)[-1]
    assert (last.actor_id, last.on_behalf, last.verb) == (desk.person.pk, "reporter", "confirm")
    assert str(last.actor_organisation_id) == organisation("市民诉求处置中心")
    assert_whole(ticket, "closed")


@pytest.mark.parametrize("key", ["resident", "chair", "dispatcher", "residents_committee_worker"])
def test_only_the_street_takes_reports_from_the_hotline(api, compound, key):
    answer = api(key).file(
        "RP04", 403, compound=str(compound("学院路14号院")), channel="hotline", contact_name="李大爷"
    )
    assert answer["code"] == "not_permitted"
