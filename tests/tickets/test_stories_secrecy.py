"""A confidential report against the company itself: for the company, it does not exist."""

import json
import uuid

import pytest

from tests.people import seat
from tests.tickets.story import assert_whole, history, queued, row, seen, shown, timeline, told
from web.models import IdempotencyKey

# The office itself, its head office, and another office of the same company.
ACCUSED = ["dispatcher", "manager", "worker", "head_manager", "po-a11-dispatcher"]
# Nobody's business but the street's: the committees, the other companies, and the neighbours.
OTHERS = ["chair", "member", "residents_committee_worker", "other_dispatcher", "neighbour", "tenant", "outsider"]

SECRET = "物业经理倒卖地下车位"


@pytest.fixture
def report(api, organisation):
    """The report with its photo, filed by a resident against the project office."""
    resident = api("resident")
    photo = resident.photo("report")
    ticket = resident.file(
        "PK01",
        type="report",
        secrecy="confidential",
        accused=organisation("天岳恒学院路14号院项目部"),
        title=SECRET,
        text=f"{SECRET}，每个三万元。",
        photos=[photo],
    )
    return ticket | {"photo": photo}


def answers(caller, ticket):
    """Everything that asking for the ticket by its id or for its photo gives: status, headers and bytes."""
    one, picture = f"/api/v1/tickets/{ticket['id']}", f"/api/v1/photos/{ticket['photo']}"
    body = {"reason": "x", "result": "reached", "into": ticket["id"]}
    asked = [
        *(caller.client.get(f"{one}{what}") for what in ("", "/events", "/moves")),
        *(caller.client.get(f"{picture}{size}") for size in ("", "/thumb")),
        *(
            caller.client.post(f"{one}/moves/{name}", given, format="json", headers={"If-Match": '"1"'})
            for name, given in (
                ("sign", {}),
                ("cosign", {}),
                ("urge", {}),
                ("return", {"reason": "x"}),
                ("reveal", {"reason": "x"}),
                ("confirm", {"resolved": True, "rating": 5}),
                ("confirm", {"resolved": True, "rating": 5, "on_behalf_of": "reporter"}),
                ("sign", body),
            )
        ),
    ]
    return [(answer.status_code, dict(answer.headers), answer.content) for answer in asked]


def lists(caller, home):
    """Everything that a caller can list, search or count."""
    yield from (caller.get(f"tickets?scope={scope}&status=all") for scope in ("mine", "followed", "area", "street"))
    yield from (caller.get(f"tickets?scope={scope}&status=open&limit=100") for scope in ("area", "street", "mine"))
    yield from (caller.get(f"tickets?scope={scope}&q={SECRET}") for scope in ("mine", "area", "street"))
    yield caller.get(f"tickets?scope=compound&compound={home}&status=all")
    yield caller.get(f"tickets?scope=compound&compound={home}&q={SECRET}")
    yield caller.get(f"duplicates?compound={home}&category=PK01&text={SECRET}")
    yield caller.get("queue?limit=100")
    yield caller.get("queue?status=ended&limit=100")
    yield caller.get("me")


@pytest.mark.parametrize("key", ACCUSED + OTHERS)
def test_for_the_accused_and_for_strangers_the_report_is_not_there(api, report, key):
    caller = api(key)
    absent = {"id": str(uuid.uuid4()), "photo": str(uuid.uuid4())}
    found, missing = answers(caller, report), answers(caller, absent)
    assert found == missing
    assert {status for status, _, _ in found} == {404, 400}
    assert [status for status, _, _ in found].count(400) == 1
    home = row(report).compound_id
    for document in lists(caller, home):
        text = json.dumps(document, ensure_ascii=False)
        assert SECRET not in text
        assert report["id"] not in text
        assert report["code"] not in text


def test_the_street_s_task_force_carries_a_confidential_report_to_its_end(api, report, organisation):
    resident, officer, enforcement = api("resident"), api("property_officer"), api("enforcement_officer")
    office, company = organisation("天岳恒学院路14号院项目部"), organisation("北京天岳恒房屋经营管理有限公司")
    assert (report["state"], report["holder"]) == ("coordinating", None)
    assert report["coordinator"] == organisation("物业专班")
    assert history(report)[0].data["rule"] == "accused"
    assert told(report) == {"物业专班"}
    assert {office, company} < {str(one) for one in row(report).accused}
    assert shown(officer, report["photo"])
    assert report["id"] in [one["id"] for one in officer.get("tickets", scope="street", q=SECRET)["results"]]

    # It goes to nobody whom it names, neither as holder nor beside one.
    section = organisation("综合行政执法队")
    for party in (office, company, organisation("天岳恒志新西路1号院项目部")):
        for inputs in ({"holder": party}, {"holder": section, "co_handlers": [party]}):
            problem = officer.move(report, "dispatch", 400, **inputs)
            assert problem["errors"][0]["code"] == "accused"
    officer.move(report, "record", met_with="举报人", agreed="由执法队核查。")
    ticket = officer.move(report, "dispatch", holder=section)
    assert ticket["holder"] == section
    assert told(ticket) == {"物业专班", "综合行政执法队"}
    assert queued(enforcement, ticket) == "lead"
    assert seen(enforcement, ticket)["contact"]["phone"] == "199****0001"

    enforcement.move(ticket, "sign")
    enforcement.move(ticket, "contact", result="reached")
    enforcement.move(ticket, "reply", result="情况属实，已立案。", photos=[enforcement.photo()])
    ticket = resident.move(ticket, "confirm", resolved=True, rating=5)
    assert timeline(resident, ticket) == ["submit", "record", "dispatch", "sign", "contact", "reply", "confirm"]
    for key in ACCUSED + OTHERS:
        assert seen(api(key), ticket) is None
    assert_whole(ticket, "closed")


def test_a_confidential_complaint_about_the_service_accuses_whoever_serves_the_place(api, organisation):
    ticket = api("resident").file("SV01", type="complaint", secrecy="confidential")
    assert (ticket["state"], ticket["coordinator"]) == ("coordinating", organisation("物业专班"))
    assert told(ticket) == {"物业专班"}
    for key in ACCUSED + OTHERS:
        assert seen(api(key), ticket) is None
    assert_whole(ticket, "coordinating")


def test_an_open_complaint_about_the_service_is_coordinated_by_the_committee(api, organisation):
    ticket = api("resident").file("SV01", type="complaint")
    assert ticket["coordinator"] == organisation("学院路14号院物业管理委员会")
    assert seen(api("neighbour"), ticket)


def test_a_report_without_a_name_is_confidential_all_the_same(api):
    ticket = api("resident").file("IL01", type="report", secrecy="open")
    assert row(ticket).secrecy == "confidential"
    assert seen(api("neighbour"), ticket) is None
    assert api("neighbour").move(ticket, "cosign", 404)["code"] == "not_found"


@pytest.mark.parametrize("key", ["property_officer", "enforcement_officer"])
def test_an_officer_who_also_sits_with_the_accused_is_recused(api, report, organisation, key):
    officer = api("property_officer")
    ticket = officer.move(report, "dispatch", holder=organisation("综合行政执法队"))
    recused = api(key)
    assert seen(recused, ticket)
    seat(recused.person, "co-tianyueheng", "member")
    absent = {"id": str(uuid.uuid4()), "photo": str(uuid.uuid4())}
    assert answers(recused, ticket | {"photo": report["photo"]}) == answers(recused, absent)
    for document in lists(recused, row(ticket).compound_id):
        assert SECRET not in json.dumps(document, ensure_ascii=False)


@pytest.mark.parametrize("secrecy", ["confidential", "anonymous"])
def test_nobody_comes_to_read_a_secret_report_by_having_their_own_merged_into_it(api, secrecy):
    officer, neighbour = api("property_officer"), api("neighbour")
    secret = api("resident").file("CL03", secrecy=secrecy, text=SECRET)
    plain, own = neighbour.file("CL03"), api("resident").file("CL03")
    assert officer.move(plain, "merge", 400, into=secret["id"])["errors"][0]["code"] == "no_public_face"
    assert seen(neighbour, secret) is None
    assert_whole(plain, "dispatched")
    assert officer.move(own, "merge", into=secret["id"])["state"] == "merged"
    assert officer.move(secret, "merge", into=plain["id"])["state"] == "merged"
    assert seen(neighbour, secret) is None
    assert SECRET not in json.dumps(seen(neighbour, plain), ensure_ascii=False)
    assert_whole(secret, "merged")


def test_cosigners_are_not_taken_along_into_a_secret_report(api):
    officer, resident, neighbour = api("property_officer"), api("resident"), api("neighbour")
    secret, own = resident.file("CL03", secrecy="confidential", text=SECRET), resident.file("CL03")
    neighbour.move(own, "cosign")
    assert officer.move(own, "merge", 400, into=secret["id"])["errors"][0]["code"] == "no_public_face"
    assert seen(neighbour, secret) is None


def test_a_neighbour_reads_that_it_happened_but_not_what_the_parties_said(api):
    resident, dispatcher, neighbour = api("resident"), api("dispatcher"), api("neighbour")
    ticket = resident.file("CL03", text="垃圾桶满了")
    dispatcher.move(ticket, "sign")
    dispatcher.move(ticket, "contact", result="reached", words="诉求人住3号楼")
    dispatcher.move(ticket, "reply", result="已清运", photos=[dispatcher.photo()])
    resident.move(ticket, "confirm", resolved=True, rating=2, words="太慢")
    resident.move(ticket, "thank", words="谢谢小李", consent=False)
    lines = {one["verb"]: one for one in neighbour.get(f"tickets/{ticket['id']}/events")["results"]}
    assert lines["submit"]["words"]["text"] == "垃圾桶满了"
    assert lines["reply"]["words"] == {"result": "已清运"}
    assert [lines[verb]["words"] for verb in ("contact", "confirm", "thank")] == [{}, {}, {}]
    assert not any(one["data"] for one in lines.values())
    own = {one["verb"]: one for one in resident.get(f"tickets/{ticket['id']}/events")["results"]}
    assert own["confirm"]["data"]["rating"] == 2
    assert own["thank"]["words"] == {"words": "谢谢小李"}


def test_a_neighbour_does_not_read_at_whose_door_it_is(api):
    resident, neighbour = api("resident"), api("neighbour")
    ticket = resident.file("CL06", text="楼道堆满杂物。", spot="3号楼2单元401")
    assert seen(resident, ticket)["spot"] == "3号楼2单元401"
    assert seen(neighbour, ticket)["text"] == "楼道堆满杂物。"
    for shown_to_them in (seen(neighbour, ticket), neighbour.get(f"tickets/{ticket['id']}/events")):
        assert "2单元401" not in json.dumps(shown_to_them, ensure_ascii=False)


def test_a_title_that_was_not_given_says_what_and_where_and_nothing_of_the_text(api, street):
    ticket = api("resident").file("CL03", text="张三每天乱扔垃圾。")
    assert ticket["title"] == "垃圾满溢/清运不及时 · 学院路14号院"
    dispatcher = api("dispatcher")
    dispatcher.move(ticket, "return", reason="不归我们。")
    api("property_officer").move(ticket, "uphold")
    assert "张三" not in json.dumps(seen(dispatcher, ticket), ensure_ascii=False)
    road = api("resident").file("TR04", street=str(street.pk), text="路灯不亮。")
    assert (road["title"], seen(api("resident"), road)["place"]) == (f"市政道路破损/照明 · {street.name}", street.name)


def test_a_contact_is_revealed_once_for_each_key_which_does_not_keep_it(api, organisation):
    ticket, dispatcher = api("resident").file("CL03"), api("dispatcher")
    path, key = f"tickets/{ticket['id']}/moves/reveal", {"Idempotency-Key": "one"}
    first, again = (dispatcher.post(path, {"reason": "联系。"}, **key) for _ in range(2))
    assert first == again
    assert first["contact"] == {"name": "唐明舟", "phone": "19900000001"}
    assert [one.verb for one in history(ticket)] == ["submit", "reveal"]
    (kept,) = IdempotencyKey.objects.filter(caller=dispatcher.person.pk)
    assert b"19900000001" not in bytes(kept.body)
    # Whoever has lost the ticket since is told nothing by an old key.
    api("property_officer").move(ticket, "redispatch", holder=organisation("物业专班"), reason="改派。")
    assert dispatcher.post(path, {"reason": "联系。"}, **key)["contact"] is None


def test_who_reported_in_confidence_is_shown_to_the_street_alone(api, organisation):
    ticket = api("resident").file("CL03", secrecy="confidential", text="怕打击报复。")
    dispatcher, officer = api("dispatcher"), api("property_officer")
    assert ticket["holder"] == organisation("天岳恒学院路14号院项目部")
    assert seen(dispatcher, ticket)["contact"] is None
    assert dispatcher.move(ticket, "reveal", 409, reason="联系。")["code"] == "reporter_is_confidential"
    assert seen(officer, ticket)["contact"]["phone"] == "199****0001"
    answer = officer.post(f"tickets/{ticket['id']}/moves/reveal", {"reason": "核实。"})
    assert answer["contact"]["phone"] == "19900000001"
    assert seen(api("neighbour"), ticket) is None
    assert_whole(ticket, "dispatched")


def test_who_reported_without_a_name_is_shown_to_nobody(api):
    ticket = api("resident").file("CL03", secrecy="anonymous")
    for key in ("dispatcher", "property_officer", "street_lead"):
        assert seen(api(key), ticket)["contact"] is None
        assert "reveal" not in api(key).moves(ticket)
    assert api("street_lead").move(ticket, "reveal", 409, reason="核实。")["code"] == "reporter_is_anonymous"
    assert_whole(ticket, "dispatched")


def test_residents_read_what_happened_and_not_how_the_engine_keeps_time(api):
    ticket = api("resident").file("CL07")
    api("dispatcher").move(ticket, "sign")

    def facts(reader):
        return [set(one["data"]) for one in reader.get(f"tickets/{ticket['id']}/events")["results"]]

    told, known = facts(api("resident")), facts(api("desk_officer"))
    assert "terms" in known[0]
    assert not {"terms", "promised", "helping", "fired"} & set().union(*told)
    assert {"category", "channel", "rule"} <= told[0]
