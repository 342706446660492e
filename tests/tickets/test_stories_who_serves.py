"""Overflowing bins, under each way in which a place can be served."""

from tests.tickets.story import assert_whole, history, queued, seen, timeline, told


def test_bins_under_contract_go_straight_to_the_project_office_and_back_to_the_resident(api, organisation):
    resident, dispatcher = api("resident"), api("dispatcher")
    office = organisation("天岳恒学院路14号院项目部")
    ticket = resident.file("CL03", title="垃圾桶满了", text="北门垃圾桶满溢两天了。", spot="北门")

    assert (ticket["state"], ticket["holder"]) == ("dispatched", office)
    assert history(ticket)[0].data["rule"] == "direct"
    assert told(ticket) == {"天岳恒学院路14号院项目部", "物业专班"}
    assert queued(dispatcher, ticket) == "lead"
    assert seen(dispatcher, ticket)["contact"]["phone"] == "199****0001"
    assert seen(api("neighbour"), ticket)["text"] == "北门垃圾桶满溢两天了。"
    assert seen(api("chair"), ticket)["relations"] == ["committee"]
    assert seen(api("other_dispatcher"), ticket) is None
    assert seen(api("outsider"), ticket) is None

    ticket = dispatcher.move(ticket, "sign", worker=str(api("worker").person.pk))
    assert ticket["state"] == "in_progress"
    assert queued(api("worker"), ticket) == "lead"
    problem = dispatcher.move(ticket, "reply", 409, result="已清运。")
    assert problem["code"] == "not_contacted"
    dispatcher.move(ticket, "contact", result="reached", words="已电话告知今天清运。")
    dispatcher.move(ticket, "arrive")
    dispatcher.move(ticket, "progress", text="清运车已到。", photos=[dispatcher.photo("progress")])
    problem = dispatcher.move(ticket, "reply", 400, result="已清运。")
    assert problem["errors"][0]["code"] == "after_photo_required"
    ticket = dispatcher.move(ticket, "reply", result="已清运，并加派一班。", photos=[dispatcher.photo()])
    assert ticket["state"] == "replied"
    assert told(ticket) == {"天岳恒学院路14号院项目部", "物业专班"}
    assert dispatcher.moves(ticket) == ["reveal"]

    ticket = resident.move(ticket, "confirm", resolved=True, rating=5, words="很快，谢谢。")
    assert (ticket["state"], ticket["holder"]) == ("closed", None)
    assert queued(dispatcher, ticket) is None
    verbs = ["submit", "sign", "contact", "arrive", "progress", "reply", "confirm"]
    assert timeline(resident, ticket) == timeline(api("property_officer"), ticket) == verbs
    assert seen(resident, ticket)["rating"] == 5
    assert len(seen(resident, ticket)["photos"]) == 2
    assert_whole(ticket, "closed")


def test_bins_outside_the_scope_of_a_quasi_service_are_the_street_s_own(api, organisation):
    resident, officer, guard = api("resident_quasi"), api("property_officer"), api("guard")
    ticket = resident.file("CL03")

    assert (ticket["state"], ticket["holder"]) == ("dispatched", organisation("物业专班"))
    submitted = history(ticket)[0].data
    assert (submitted["rule"], submitted["alarms"]) == ("backstop", ["missing:provider"])
    assert queued(officer, ticket) == "lead"
    assert queued(guard, ticket) is None
    assert seen(guard, ticket) is None
    assert told(ticket) == {"物业专班"}

    officer.move(ticket, "sign")
    officer.move(ticket, "contact", result="reached")
    officer.move(ticket, "reply", result="已由街道清运。", photos=[officer.photo()])
    ticket = resident.move(ticket, "confirm", resolved=True, rating=4)
    assert timeline(resident, ticket) == ["submit", "sign", "contact", "reply", "confirm"]
    assert_whole(ticket, "closed")


def test_a_gate_within_the_scope_of_a_quasi_service_is_the_guards_own(api, organisation):
    resident, guard = api("resident_quasi"), api("guard")
    ticket = resident.file("SV04")
    assert (ticket["state"], ticket["holder"]) == ("dispatched", organisation("北京守望保安服务有限公司"))
    assert queued(guard, ticket) == "lead"
    assert queued(api("cleaner"), ticket) is None
    guard.move(ticket, "sign")
    guard.move(ticket, "contact", result="no_answer")
    guard.move(ticket, "contact", result="reached")
    guard.move(ticket, "reply", result="已补岗。")
    ticket = resident.move(ticket, "confirm", resolved=True, rating=3)
    assert_whole(ticket, "closed")


def test_bins_under_the_street_s_backstop_are_its_task_force_s_even_where_the_area_has_a_company(api, organisation):
    resident, officer = api("resident_backstop"), api("property_officer")
    area_office = api("po-a28-dispatcher")
    ticket = resident.file("CL03")

    assert (ticket["state"], ticket["holder"]) == ("dispatched", organisation("物业专班"))
    assert "alarms" not in history(ticket)[0].data
    assert queued(officer, ticket) == "lead"
    assert seen(area_office, ticket) is None

    officer.move(ticket, "sign")
    officer.move(ticket, "contact", result="by_message")
    officer.move(ticket, "reply", result="托底单位已清运。", photos=[officer.photo()])
    ticket = resident.move(ticket, "confirm", resolved=True, rating=4)
    assert told(ticket) == {"物业专班"}
    assert_whole(ticket, "closed")


def test_an_office_without_people_means_its_head_office_and_the_event_says_so(api, organisation):
    resident, head = api("resident_unstaffed"), api("co-yinxingshu-manager")
    office, company = organisation("银杏树月泉家园项目部"), organisation("北京银杏树物业服务有限公司")
    ticket = resident.file("CL03")

    assert (ticket["state"], ticket["holder"]) == ("dispatched", company)
    assert history(ticket)[0].data["alarms"] == [f"unstaffed:provider:{office}"]
    assert queued(head, ticket) == "lead"
    assert told(ticket) == {"北京银杏树物业服务有限公司", "物业专班"}

    head.move(ticket, "sign")
    head.move(ticket, "contact", result="reached")
    head.move(ticket, "reply", result="公司已派人清运。", photos=[head.photo()])
    ticket = resident.move(ticket, "confirm", resolved=True, rating=4)
    assert_whole(ticket, "closed")


def test_a_dispatch_by_hand_to_an_office_without_people_is_received_by_its_head_office(api, organisation):
    office, company = organisation("银杏树月泉家园项目部"), organisation("北京银杏树物业服务有限公司")
    ticket = api("resident_unstaffed").file("PK01")
    assert ticket["state"] == "coordinating"
    ticket = api("property_officer").move(ticket, "dispatch", holder=office)
    assert (ticket["state"], ticket["holder"]) == ("dispatched", company)
    dispatched = history(ticket)[-1].data
    assert (dispatched["holder"], dispatched["unstaffed"]) == (company, [office])
    assert_whole(ticket, "dispatched")
