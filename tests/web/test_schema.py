import pytest
from django.urls import include, path
from drf_spectacular.generators import SchemaGenerator

from web.problems import MEDIA_TYPE


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
        ("move_in", {200, 201, 400, 401, 403, 406, 409, 413, 415, 422, 503}),
        ("find_places", {200, 400, 401, 403, 406, 503}),
        ("read_place", {200, 401, 403, 404, 406, 503}),
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
