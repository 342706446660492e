import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

MADE_UP = {"kind": "windows", "number": "1", "ordinal": "1"}
ID = "00000000-0000-4000-8000-000000000000"


def routes():
    """Every method and address of the description, with something in the place of each id."""
    for address, methods in SchemaGenerator().get_schema(request=None, public=True)["paths"].items():
        for method, operation in methods.items():
            named = {
                one["name"]: MADE_UP.get(one["name"], ID)
                for one in operation.get("parameters", ())
                if one["in"] == "path"
            }
            yield (
                method,
                address.format(**named),
                {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"},
            )


@pytest.mark.parametrize(("language", "reason"), [("zh-Hans", "没有这个参数。"), ("en", "There is no such parameter.")])
def test_every_operation_refuses_parameters_that_it_does_not_describe(language, reason):
    reached = list(routes())
    assert len([one for one in reached if one[0] == "get"]) > 30
    for method, address, known in reached:
        assert "colour" not in known
        answer = getattr(Client(), method)(f"{address}?colour=red", headers={"Accept-Language": language})
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), (method, address)
        assert answer.json()["errors"] == [{"field": "colour", "code": "unknown_parameter", "reason": reason}]


def test_what_an_operation_describes_is_no_unknown_parameter():
    for method, address, known in routes():
        asked = "&".join(f"{name}=%01" for name in sorted(known))
        if not known:
            continue
        found = getattr(Client(), method)(f"{address}?{asked}").json()["errors"]
        assert {one["code"] for one in found} == {"control_character"}, (method, address)


def test_no_more_than_ten_parameters_are_named(db):
    asked = "&".join(f"p{number}=1" for number in range(12))
    document = Client().get(f"/api/v1/places?{asked}").json()
    assert [one["field"] for one in document["errors"]] == [f"p{number}" for number in range(10)]
    assert document["more_errors"] == 2


def test_head_is_asked_as_get_is_and_a_method_that_is_not_there_is_refused_as_such(db):
    assert Client().head("/api/v1/places?colour=red").status_code == 400
    assert Client().delete("/api/v1/places?colour=red").status_code in (401, 405)
