import pytest
import yaml
from django.conf import settings
from django.test import Client
from django.urls import include, path
from django.utils.translation import trans_real
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

from web import schema
from web.problems import MEDIA_TYPE
from web.schema import TAGS, openapi_yaml


@pytest.fixture(scope="module")
def operations():
    """The community's operations by their id."""
    addresses = [path("api/v1/", include("community.api.urls"))]
    paths = SchemaGenerator(patterns=addresses).get_schema(request=None, public=True)["paths"]
    return {operation["operationId"]: operation for methods in paths.values() for operation in methods.values()}


@pytest.mark.parametrize(
    ("operation", "statuses"),
    [
        ("send_code", {202, 400, 403, 406, 413, 415, 429, 503}),
        ("move_in", {200, 201, 400, 401, 403, 406, 409, 413, 415, 422, 429, 503}),
        ("find_places", {200, 400, 401, 403, 406, 503}),
        ("read_place", {200, 400, 401, 403, 404, 406, 503}),
    ],
)
def test_an_operation_tells_every_problem_it_can_answer_with(operations, operation, statuses):
    responses = operations[operation]["responses"]
    assert {int(status) for status in responses} == statuses
    for status, response in responses.items():
        assert (MEDIA_TYPE in response["content"]) == (int(status) >= 400)


@pytest.mark.parametrize(
    ("operation", "summary"),
    [
        ("send_code", "Send a sign-in code to a phone: 1 a minute, 5 an hour, 10 a day"),
        ("read_me", "Who I am, with my seats and homes of today"),
        ("move_out", "Say that I live there no more"),
    ],
)
def test_an_operation_says_in_one_line_what_it_does(operations, operation, summary):
    assert operations[operation]["summary"] == summary


def test_every_operation_of_the_api_has_a_summary():
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    for address, methods in paths.items():
        for method, operation in methods.items():
            assert operation.get("summary"), (method, address)
            assert "\n" not in operation["summary"]
            assert len(operation["summary"]) < 160, operation["summary"]


def test_a_door_for_strangers_asks_for_no_credentials(operations):
    assert operations["send_code"]["security"] == [{}]
    assert operations["read_me"]["security"] == [{"token": []}, {"session": []}]


@pytest.fixture(scope="module")
def whole():
    """The whole description, as docs/openapi.yaml has it."""
    return yaml.safe_load(openapi_yaml())


@pytest.fixture(scope="module")
def every(whole):
    """Every operation with its method and address."""
    return [
        (method, address, operation)
        for address, methods in whole["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_document_in_the_repository_is_this_one():
    assert (settings.BASE_DIR / "docs" / "openapi.yaml").read_text("utf-8") == openapi_yaml()


def test_the_document_is_made_without_a_warning():
    GENERATOR_STATS.reset()
    SchemaGenerator().get_schema(request=None, public=True)
    assert [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache] == []


def test_the_document_names_its_server_and_every_subject(whole, every):
    assert [one["url"] for one in whole["servers"]] == ["/"]
    assert (
        {one["name"] for one in whole["tags"]}
        == set(TAGS)
        == {tag for *_, operation in every for tag in operation["tags"]}
    )
    assert all(one["description"] for one in whole["tags"])


def bodies(whole, every):
    """The shapes of JSON bodies by name."""
    found = set()
    for *_, operation in every:
        for media in operation.get("requestBody", {}).get("content", {}).values():
            found.add(media["schema"]["$ref"].rpartition("/")[2])
    schemas = whole["components"]["schemas"]
    # A body of several shapes is one of each.
    either = {name for name in found if "oneOf" in schemas[name]}
    found |= {one["$ref"].rpartition("/")[2] for name in either for one in schemas[name]["oneOf"]}
    return {name: schemas[name] for name in found - either if name != "Upload"}


def test_a_body_has_no_other_fields_no_blank_texts_and_no_endless_lists(whole, every):
    shapes = bodies(whole, every)
    assert len(shapes) > 40
    for name, shape in shapes.items():
        assert shape["additionalProperties"] is False, name
        for field, described in shape["properties"].items():
            kind = described.get("type")
            if kind == "string" and "format" not in described:
                assert {"maxLength", "pattern"} & described.keys(), (name, field)
            if kind == "array":
                assert "maxItems" in described, (name, field)
            # A generator takes what has a default for something that is always there.
            assert "default" not in described, (name, field)
    assert shapes["Submit"]["properties"]["text"]["minLength"] == 1
    assert shapes["Submit"]["required"] == ["category", "text"]
    assert "minLength" not in shapes["Submit"]["properties"]["spot"]
    assert shapes["Dispatch"]["properties"]["co_handlers"]["maxItems"] == 10
    assert shapes["Whistle"]["properties"]["departments"]["minItems"] == 1


def test_who_holds_a_ticket_is_an_id_wherever_it_stands(whole):
    found = {
        (name, field, described.get("format"))
        for name, shape in whole["components"]["schemas"].items()
        for field, described in shape.get("properties", {}).items()
        if field in ("holder", "coordinator")
    }
    assert {"Brief", "Ticket", "TicketRow", "Clock", "Dispatch"} <= {name for name, *_ in found}
    assert {kind for *_, kind in found} == {"uuid"}


def test_what_carries_a_version_says_so_in_its_head(every):
    versioned = {
        operation["operationId"]
        for *_, operation in every
        if any("ETag" in answer.get("headers", ()) for answer in operation["responses"].values())
    }
    moves = {operation["operationId"] for _, address, operation in every if "/moves/" in address}
    assert {"tickets_submit", "tickets_read", "tickets_moves"} <= versioned
    assert {one for one in versioned if one.startswith("tickets_move_")} == moves


def test_every_refusal_for_a_while_says_for_how_long(every):
    for *_, operation in every:
        for status, answer in operation["responses"].items():
            assert answer["description"], (operation["operationId"], status)
            if status in ("429", "503"):
                assert "Retry-After" in answer["headers"]
            if status == "401":
                assert "WWW-Authenticate" in answer["headers"]


def test_who_signs_in_by_session_sends_its_token_with_what_changes_something(whole, every):
    assert set(whole["components"]["securitySchemes"]) == {"token", "session", "csrf"}
    for method, address, operation in every:
        asked = operation["security"]
        if asked == [{}]:
            assert address.startswith("/api/v1/auth/"), address
            assert method == "post"
            assert "401" not in operation["responses"]
        else:
            session = {"session": []} if method == "get" else {"session": [], "csrf": []}
            assert asked == [{"token": []}, session], address
            assert "401" in operation["responses"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("accepted", "name"), [("*/*", "linli-openapi.yaml"), ("application/json", "linli-openapi.json")]
)
def test_the_description_comes_as_a_file_with_a_plain_name(accepted, name):
    answer = Client().get("/api/schema/", headers={"Accept": accepted})
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == f'inline; filename="{name}"'


@pytest.mark.django_db
def test_the_description_is_drawn_once_for_each_language_and_format():
    def ask(kind, language):
        answer = Client().get("/api/schema/", headers={"Accept": kind, "Accept-Language": language})
        return answer.status_code, answer["Content-Type"], answer.content

    asked = [(kind, language) for kind in ("application/json", "application/yaml") for language in ("zh-Hans", "en")]
    first = {one: ask(*one) for one in asked}
    assert len({content for *_, content in first.values()}) == 4
    assert {kind for _, kind, _ in first.values()} == {"application/json", "application/yaml"}
    draws = schema._draw.cache_info().misses
    for one in asked * 3:
        assert ask(*one) == first[one]
    assert schema._draw.cache_info().misses == draws
    # A language that is not spoken is no other document, and nothing is kept of it.
    known = len(trans_real._translations)
    for number in range(9):
        assert Client().get(f"/api/schema/?lang=de-x{number}").status_code == 200
    assert len(trans_real._translations) == known
    assert Client().get("/api/schema/?lang=xx", headers={"Accept": "application/json"}).content == first[asked[0]][2]
    assert Client().get("/api/schema/?lang=en", headers={"Accept": "application/json"}).content == first[asked[1]][2]
