"""Bad input gets a problem document with the field and the reason, never a 500 and never a page of HTML."""

import uuid
from io import BytesIO

import orjson
import pytest

from community.models import Organisation, Person, Street
from tests.addresses import routes
from tests.people import seat
from tests.tickets.paths import rows
from tickets.models import Photo, Ticket, TicketEvent

PROBLEM = "application/problem+json"


def post(caller, path, content, content_type="application/json", **headers):
    return caller.client.generic("POST", f"/api/v1/{path}", content, content_type, headers=headers)


def fields(response):
    assert response["Content-Type"] == PROBLEM, response.content
    document = response.json()
    assert document["status"] == response.status_code
    return {(fault["field"], fault["code"]) for fault in document.get("errors", ())}


@pytest.mark.parametrize(
    ("report", "fault"),
    [
        ({"category": 7}, ("category", "invalid")),
        ({"text": 12}, ("text", "invalid")),
        ({"text": 1.5}, ("text", "invalid")),
        ({"text": True}, ("text", "invalid")),
        ({"spot": 0}, ("spot", "invalid")),
        ({"compound": False}, ("compound", "invalid")),
        ({"photos": [False]}, ("photos.0", "invalid")),
        ({"type": 0}, ("type", "invalid_choice")),
        ({"category": ["CL03"]}, ("category", "invalid")),
        ({"category": "ZZ99"}, ("category", "unknown_category")),
        ({"category": None}, ("category", "null")),
        ({"text": {"a": 1}}, ("text", "invalid")),
        ({"text": ""}, ("text", "blank")),
        ({"text": "   "}, ("text", "blank")),
        ({"text": "长" * 10_000}, ("text", "max_length")),
        ({"text": "\u200b\ufeff"}, ("text", "blank")),
        ({"text": "满\x7f了"}, ("text", "control_character")),
        ({"title": "长" * 61}, ("title", "max_length")),
        ({"title": "\u3164"}, ("title", "blank")),
        ({"compound": "14"}, ("compound", "invalid")),
        ({"compound": 14}, ("compound", "invalid")),
        ({"compound": str(uuid.uuid4())}, ("compound", "unknown_place")),
        ({"type": "rage"}, ("type", "invalid_choice")),
        ({"secrecy": True}, ("secrecy", "invalid_choice")),
        ({"photos": [str(uuid.uuid4())]}, ("photos", "unknown_photo")),
        ({"photos": "photo"}, ("photos", "not_a_list")),
        ({"photos": [1]}, ("photos.0", "invalid")),
        ({"accused": str(uuid.uuid4()), "type": "report"}, ("accused", "unknown_organisation")),
        ({"reporter": str(uuid.uuid4())}, ("reporter", "unknown_field")),
        ({"contact_phone": "13800008000"}, ("contact_phone", "for_staff")),
    ],
)
def test_a_report_with_a_bad_field_names_it_and_files_nothing(api, report, fault):
    resident = api("resident")
    home = str(resident.person.residencies.first().compound_id)
    response = resident.client.post(
        "/api/v1/tickets", {"category": "CL03", "compound": home, "text": "满了", **report}, format="json"
    )
    assert response.status_code == 400
    assert fault in fields(response)
    assert not Ticket.objects.filter(reporter=resident.person).exists()


def test_a_report_without_a_place_asks_for_one(api):
    response = api("resident").client.post("/api/v1/tickets", {"category": "CL03", "text": "满了"}, format="json")
    assert ("compound", "required") in fields(response)


MALFORMED, NO_OBJECT = ("malformed", set()), ("invalid", {("", "not_an_object")})


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"", ("invalid", {("category", "required"), ("text", "required")})),
        (b"{", MALFORMED),
        (b"garbage", MALFORMED),
        (b"[]", NO_OBJECT),
        (b'"text"', NO_OBJECT),
        (b"12", NO_OBJECT),
        (b"null", NO_OBJECT),
        (b'{"category": NaN}', ("invalid", {("category", "not_a_number")})),
        (b"\xff\xfe{}", MALFORMED),
        (b'{"text": "\\ud800"}', ("invalid", {("text", "lone_surrogate")})),
        (b'{"a":' * 50 + b"1" + b"}" * 50, ("invalid", {(".".join("a" * 20), "too_deep")})),
    ],
)
def test_a_body_that_is_no_json_object_is_refused_as_such(api, body, refusal):
    response = post(api("resident"), "tickets", body)
    assert response.status_code == 400
    assert (response.json()["code"], fields(response)) == refusal
    assert not Ticket.objects.filter(reporter=api("resident").person).exists()


@pytest.mark.parametrize("character", ["\0", "\x08", "\x1b"])
def test_control_characters_are_refused_with_the_field(api, character):
    resident = api("resident")
    home = str(resident.person.residencies.first().compound_id)
    report = {"category": "CL03", "compound": home, "text": f"垃圾{character}桶"}
    response = resident.client.post("/api/v1/tickets", report, format="json")
    assert response.status_code == 400, response.content
    assert any(field == "text" for field, _ in fields(response))


def test_line_breaks_and_emoji_are_kept(api):
    resident = api("resident")
    text = "第一行\n第二行\t🚮 𠮷"
    ticket = resident.file("CL03", text=text)
    assert resident.get(f"tickets/{ticket['id']}")["text"] == text


def test_another_content_type_is_415(api):
    response = post(api("resident"), "tickets", b"category=CL03", "application/x-www-form-urlencoded")
    assert response.status_code == 415
    fields(response)


def test_a_body_over_one_megabyte_is_413(api):
    response = post(api("resident"), "tickets", b'{"text": "' + b"a" * 2_000_000 + b'"}')
    assert response.status_code == 413
    fields(response)


@pytest.mark.parametrize("date", ["0000-01-01", "0001-01-01", "9999-12-31", "2026-13-01", "tomorrow", 20261231, None])
def test_a_plan_date_out_of_this_world_is_refused(api, organisation, date):
    ticket = api("resident").file("TR01", street=str(api("resident").person.residencies.first().street_id))
    problem = api("desk_officer").move(
        ticket, "put_on_account", 400,
        kind="planning", owner=organisation("区公安交通支队"), plan_date=date, reason="待立项",
    )  # fmt: skip
    assert [fault["field"] for fault in problem["errors"]] == ["plan_date"]
    assert Ticket.objects.get(pk=ticket["id"]).state == "coordinating"


@pytest.mark.parametrize("cursor", ["x", "W10", "WyIwMDAwLTAxLTAxIiwgMV0", "%00", "e30", "A" * 5000])
def test_a_bad_cursor_is_a_400(api, cursor):
    assert api("resident").get("tickets", 400, cursor=cursor)["code"] == "bad_cursor"


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "x"}, {"scope": "all"}, {"state": "lost"}, {"status": "?"}, {"compound": "1"}]
)
def test_a_bad_query_is_a_400_that_names_it(api, query):
    problem = api("resident").client.get("/api/v1/tickets", query).json()
    assert problem["status"] == 400
    assert [fault["field"] for fault in problem["errors"]] == list(query)


@pytest.mark.parametrize(
    "inputs", [{"resolved": "true"}, {"resolved": 1}, {"rating": "5"}, {"rating": 5.0}, {"rating": True}]
)
def test_a_move_takes_nothing_of_another_type(api, inputs):
    resident, dispatcher = api("resident"), api("dispatcher")
    ticket = resident.file("CL07")
    for name, given in (("sign", {}), ("contact", {"result": "reached"}), ("reply", {"result": "好了"})):
        dispatcher.move(ticket, name, **given)
    before = rows()
    problem = resident.move(ticket, "confirm", 400, **{"resolved": True, "rating": 5, **inputs})
    assert [fault["field"] for fault in problem["errors"]] == list(inputs)
    assert rows() == before


@pytest.mark.parametrize(
    ("path", "body", "faults"),
    [
        ("notifications/read-all", {"up_to": False}, {("up_to", "invalid")}),
        ("notifications/read-all", {"upto": False}, {("upto", "unknown_field")}),
        ("auth/codes", {"phone": 19900000001}, {("phone", "invalid")}),
        (
            "auth/tokens",
            {"phone": "19900000001", "code": 123456, "device": 0},
            {("code", "invalid"), ("device", "invalid")},
        ),
        ("me/homes", {"compound": 0, "relation": 1}, {("compound", "invalid"), ("relation", "invalid_choice")}),
        ("notifications/email", {"email": 5}, {("email", "invalid")}),
    ],
)
def test_no_body_takes_a_value_of_another_type(api, path, body, faults):
    response = api("resident").client.post(f"/api/v1/{path}", body, format="json")
    assert response.status_code == 400, response.content
    assert fields(response) == faults
    assert {fault["reason"] for fault in response.json()["errors"]} <= {
        "应为文字。",
        "没有这个字段。",
        "“1” 不是合法选项。",
    }


@pytest.mark.parametrize(
    ("path", "body", "faults"),
    [
        ("me", {"name": 0}, {("name", "invalid")}),
        ("me", {"name": False, "language": 1}, {("name", "invalid"), ("language", "invalid_choice")}),
        ("notifications/settings", {"quiet_from": 22}, {("quiet_from", "invalid")}),
        (
            "notifications/settings",
            {"preferences": [{"topic": "todo", "channel": "sms", "wanted": "no"}]},
            {("preferences.0.wanted", "invalid")},
        ),
    ],
)
def test_no_change_takes_a_value_of_another_type(api, path, body, faults):
    resident = api("resident")
    before = resident.get("me"), resident.get("notifications/settings")
    response = resident.client.patch(f"/api/v1/{path}", body, format="json")
    assert response.status_code == 400, response.content
    assert faults <= fields(response)
    assert (resident.get("me"), resident.get("notifications/settings")) == before


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("notifications", "unread="), ("notifications", "topic="), ("notifications", "limit="), ("notifications", "cursor="),
        ("places", "street="), ("organisations", "kind="), ("organisations", "function="), ("tickets", "scope="),
        ("tickets", "state="), ("tickets", "compound="), ("queue", "organisation="), ("duplicates", "compound=&category="),
        ("service-levels/preview", "at="), ("service-levels/preview", "type="),
    ],
)  # fmt: skip
def test_an_empty_parameter_is_a_400_that_names_it(api, path, query):
    response = api("desk_officer").client.get(f"/api/v1/{path}?{query}")
    assert response.status_code == 400
    assert fields(response) == {(one.rstrip("="), "empty") for one in query.split("&")}


@pytest.mark.parametrize("path", ["places", "organisations", "tickets", "queue"])
def test_an_empty_search_searches_for_nothing(api, path):
    officer = api("desk_officer")
    assert officer.get(f"{path}?q=") == officer.get(path)


@pytest.mark.parametrize("path", ["places", "organisations", "tickets", "queue", "duplicates"])
@pytest.mark.parametrize("text", ["a%00b", "%1b", "a%7f"])
def test_a_control_character_in_a_parameter_is_a_400_that_says_so(api, path, text):
    response = api("desk_officer").client.get(f"/api/v1/{path}?q={text}")
    assert response.status_code == 400
    assert fields(response) == {("q", "control_character")}
    assert response.json()["errors"][0]["reason"] == "不能包含控制字符。"
    english = api("desk_officer").client.get(f"/api/v1/{path}?q={text}", headers={"Accept-Language": "en"}).json()
    assert english["errors"][0]["reason"] == "Control characters are not allowed."


def test_a_plus_that_was_not_encoded_is_a_plus_in_a_list_too(api):
    officer = api("desk_officer")
    api("resident").file("CL07")
    for written in ("2020-01-01T10:00:00 08:00", "2020-01-01T10:00:00%2B08:00"):
        assert officer.get(f"tickets?scope=street&updated_after={written}")["results"]


def test_an_id_in_an_address_is_the_same_in_capitals(api):
    resident = api("resident")
    ticket = resident.file("CL07")
    assert resident.get(f"tickets/{ticket['id'].upper()}")["id"] == ticket["id"]
    assert resident.get(f"tickets/{ticket['id'].upper()}/events")["results"]
    api("dispatcher").post(
        f"tickets/{ticket['id'].upper()}/moves/sign", {}, 200, **{"If-Match": f'"{ticket["version"]}"'}
    )
    home = str(resident.person.residencies.first().compound_id)
    assert resident.get(f"places/{home.upper()}")["id"] == home
    assert resident.get("tickets", compound=home.upper())["results"]


def test_no_address_of_the_api_asks_for_small_letters():
    asked = [route for route, _ in routes() if route.startswith("/api/")]
    assert len(asked) > 100
    assert [one for one in asked if "<uuid:" in one] == []


@pytest.mark.parametrize("version", ["7", "W/7", '"x"', '"1", "2"', "*", '"' + "9" * 30 + '"'])
def test_a_malformed_if_match_is_a_400(api, version):
    ticket = api("resident").file("CL03")
    problem = api("dispatcher").post(f"tickets/{ticket['id']}/moves/sign", {}, 400, **{"If-Match": version})
    assert problem["code"] == "if_match_malformed"


def upload(caller, content: bytes, name: str, content_type: str):
    file = BytesIO(content)
    file.name = name
    file.content_type = content_type
    return caller.client.post("/api/v1/photos", {"file": file, "kind": "report"}, format="multipart")


def test_a_photo_of_30_megabytes_is_413(api):
    response = upload(api("resident"), b"\xff\xd8\xff" + b"\0" * 30_000_000, "big.jpg", "image/jpeg")
    assert response.status_code == 413
    assert fields(response) == set()
    assert response.json()["code"] == "too_large"
    assert "15 MB" in response.json()["detail"]
    assert not Photo.objects.filter(uploader=api("resident").person).exists()


def test_an_svg_named_jpg_is_415(api):
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    response = upload(api("resident"), svg, "photo.jpg", "image/jpeg")
    assert response.status_code == 415
    assert fields(response) == set()
    assert response.json()["code"] == "not_a_picture"
    assert "JPEG" in response.json()["detail"]
    assert not Photo.objects.filter(uploader=api("resident").person).exists()


def test_foreign_and_absent_tickets_get_the_same_404_everywhere(api, cast):
    ticket = api("resident").file("PK01")
    outsider = api("outsider")
    absent = str(uuid.uuid4())
    for path in ("tickets/{}", "tickets/{}/events", "tickets/{}/moves"):
        foreign = outsider.client.get("/api/v1/" + path.format(ticket["id"]))
        nothing = outsider.client.get("/api/v1/" + path.format(absent))
        assert (foreign.status_code, foreign.content) == (404, nothing.content)
        assert foreign.headers == nothing.headers
    events = TicketEvent.objects.count()
    bodies = {
        "sign": {},
        "reply": {"result": "好"},
        "withdraw": {},
        "cosign": {},
        "urge": {},
        "reveal": {"reason": "好"},
    }
    for name, body in bodies.items():
        foreign, nothing = (
            post(outsider, f"tickets/{one}/moves/{name}", orjson.dumps(body), **{"If-Match": '"1"'})
            for one in (ticket["id"], absent)
        )
        assert (foreign.status_code, foreign.content) == (404, nothing.content)
    assert TicketEvent.objects.count() == events


def test_an_unknown_address_under_the_api_is_a_problem_document(api):
    for path in ("/api/v1/nothing", "/api/v1/tickets/not-a-uuid", "/api/v1/tickets/1/moves/fly"):
        response = api("resident").client.get(path)
        assert response.status_code == 404
        assert response["Content-Type"] == PROBLEM


def test_without_a_sign_in_it_is_401_and_says_so(client):
    response = client.get("/api/v1/tickets")
    assert response.status_code == 401
    assert response["Content-Type"] == PROBLEM
    assert "Bearer" in response["WWW-Authenticate"]


def test_problems_come_in_the_readers_language(api):
    resident = api("resident")
    english = resident.client.get(f"/api/v1/tickets/{uuid.uuid4()}", headers={"Accept-Language": "en"}).json()
    chinese = resident.client.get(f"/api/v1/tickets/{uuid.uuid4()}").json()
    assert english["title"] == "Not found"
    assert chinese["title"] == "没有找到"
    assert english["code"] == chinese["code"] == "not_found"


# Ids of what exists, and is not the caller's to name.


@pytest.fixture
def refused(api):
    """`refused(caller, ticket, move, …)` is the fault that the move is refused with; nothing has changed then."""

    def attempt(caller, ticket, name, **inputs):
        before = rows()
        problem = caller.move(ticket, name, 400, **inputs)
        assert rows() == before
        (fault,) = problem["errors"]
        return fault["field"], fault["code"]

    return attempt


def test_somebody_elses_photo_is_no_photo(api, refused):
    resident, dispatcher = api("resident"), api("dispatcher")
    foreign, before = api("neighbour").photo(), rows()
    problem = resident.file("CL03", 400, photos=[foreign])
    assert [(one["field"], one["code"]) for one in problem["errors"]] == [("photos", "unknown_photo")]
    assert rows() == before
    ticket = resident.file("CL03")
    dispatcher.move(ticket, "sign")
    assert refused(dispatcher, ticket, "progress", text="已到场", photos=[foreign]) == ("photos", "unknown_photo")
    mine = dispatcher.photo()
    dispatcher.move(ticket, "progress", text="已到场", photos=[mine])
    # A photo that is attached is nobody's to attach again.
    assert refused(dispatcher, ticket, "progress", text="已到场", photos=[mine]) == ("photos", "unknown_photo")


def test_a_ticket_that_the_caller_may_not_see_is_no_ticket_to_merge_into(api, refused, street):
    chair, ticket = api("chair"), api("resident").file("PK01")
    elsewhere, secret = api("resident_yicheng").file("PK01"), api("resident").file("IL01", type="report")
    for into in (elsewhere["id"], secret["id"], str(uuid.uuid4())):
        assert refused(chair, ticket, "merge", into=into) == ("into", "unknown_ticket")


def test_an_organisation_of_another_street_is_no_organisation(api, refused, street):
    other = Street.objects.create(code="elsewhere", name="别处街道", timezone="Asia/Shanghai")
    company = Organisation.objects.create(street=other, code="co-elsewhere", name="别处物业", kind="company")
    person = Person.objects.create(phone="19700000002", name="别处经理", password="!")
    seat(person, company, "manager")
    chair, ticket = api("chair"), api("resident").file("PK01")
    known = ("holder", "unknown_organisation")
    assert refused(chair, ticket, "dispatch", holder=str(company.pk)) == known
    assert refused(chair, ticket, "dispatch", holder=str(uuid.uuid4())) == known
    before = rows()
    problem = api("resident").file("PK01", 400, type="report", accused=str(company.pk))
    assert [(one["field"], one["code"]) for one in problem["errors"]] == [("accused", "unknown_organisation")]
    assert rows() == before


def test_somebody_elses_worker_is_no_worker(api, refused):
    ticket, dispatcher = api("resident").file("CL03"), api("dispatcher")
    for stranger in (str(api("other_dispatcher").person.pk), str(uuid.uuid4())):
        assert refused(dispatcher, ticket, "sign", worker=stranger) == ("worker", "unknown_worker")
