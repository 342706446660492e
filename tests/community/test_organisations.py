"""Staff find whom to give work to; residents have no business with the list."""

from datetime import date

import pytest

from community.models import Organisation


@pytest.fixture
def find(at_api):
    """`find("desk_officer", q="交通")` is the status and the JSON of the answer."""

    def ask(key, **query):
        response = at_api(key).get("/api/v1/organisations", query)
        return response.status_code, response.json()

    return ask


def names(answer):
    status, body = answer
    assert status == 200, body
    return [one["name"] for one in body["results"]]


def test_an_officer_finds_a_department_by_part_of_its_name(find):
    assert names(find("desk_officer", q="交通支队")) == ["区公安交通支队"]
    assert names(find("desk_officer", q="交通　支队")) == ["区公安交通支队"]


def test_a_chair_finds_project_offices_by_kind(find):
    found = names(find("chair", kind="project_office", limit=100))
    assert len(found) == 47
    assert "天岳恒学院路14号院项目部" in found


def test_one_without_people_says_so(find):
    _, body = find("desk_officer", kind="project_office", limit=100)
    empty = [one["name"] for one in body["results"] if not one["staffed"]]
    assert empty
    for name in empty:
        assert not Organisation.objects.get(name=name).memberships.filter(ends_on=None).exists()


@pytest.mark.parametrize(
    "change", [{"active": False}, {"dissolved_on": date(2021, 1, 1)}, {"founded_on": date(2999, 1, 1)}], ids=str
)
def test_those_that_are_not_there_are_left_out(find, change):
    Organisation.objects.filter(name="区公安交通支队").update(**change)
    assert names(find("desk_officer", q="交通支队")) == []


def test_somebody_of_another_street_sees_the_shared_alone(find):
    found = find("traffic_liaison", limit=100)[1]["results"]
    assert found
    assert all(one["shared"] for one in found)


def test_residents_are_refused(find):
    status, body = find("resident")
    assert (status, body["code"]) == (403, "not_permitted")


def test_a_kind_that_does_not_exist_is_named(find):
    status, body = find("desk_officer", kind="club")
    assert status == 400
    assert body["errors"][0]["field"] == "kind"
