"""What a client is told so that it can draw its buttons and forms: labels, limits, and in whose place a move is made."""

import re

import pytest
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator

from casework.api.inputs import STANDING_IN, json_schema
from tickets.filing import Submit
from tickets.models import Ticket
from workflow.moves import moves

INPUTS = {**{name: move.input for name, move in moves(Ticket).items()}, "submit": Submit}
HAN = re.compile("[\u4e00-\u9fff]")


@pytest.mark.parametrize("name", INPUTS)
def test_every_field_is_named_and_explained_in_the_reader_s_language(name):
    for field, about in json_schema(INPUTS[name])["properties"].items():
        said = [about["title"], about.get("description", about["title"])]
        assert all(HAN.search(one) for one in said), (name, field, said)
    with translation.override("en"):
        for field, about in json_schema(INPUTS[name])["properties"].items():
            said = about["title"] + about.get("description", "")
            assert said, (name, field)
            assert not HAN.search(said), (name, field, said)


def test_a_schema_says_what_is_refused():
    reply, correct = json_schema(INPUTS["reply"]), json_schema(INPUTS["correct"])
    assert (reply["properties"]["result"]["minLength"], reply["properties"]["photos"]["minItems"]) == (1, 0)
    assert json_schema(INPUTS["whistle"])["properties"]["departments"]["minItems"] == 1
    assert correct["properties"]["compound"]["type"] == ["string", "null"]
    assert correct["properties"]["spot"]["minLength"] == 0
    assert STANDING_IN not in reply["properties"]
    standing_in = json_schema(INPUTS["sign"], "holder")
    assert standing_in["required"] == [STANDING_IN]
    assert (
        standing_in["properties"][STANDING_IN] | {"const": "holder", "const_label": "承办单位"}
        == (standing_in["properties"][STANDING_IN])
    )


def offers(caller, ticket) -> set[tuple[str, str | None]]:
    """The moves that the caller is offered, each with the party in whose place."""
    return {(one["name"], one["on_behalf_of"]) for one in caller.get(f"tickets/{ticket['id']}/moves")["moves"]}


@pytest.mark.django_db
def test_the_street_is_offered_what_it_may_do_in_another_s_place_and_nobody_else_is(api):
    officer, ticket = api("property_officer"), api("resident").file("EL01")
    assert {("sign", "holder"), ("return", "holder"), ("report_in", "co_handler"), ("withdraw", "reporter")} <= offers(
        officer, ticket
    )
    assert ("reveal", None) in offers(officer, ticket)
    assert not {("reveal", "holder"), ("report_in", "whistled")} & offers(officer, ticket)
    for key in ("resident", "dispatcher", "lift_dispatcher"):
        assert {party for _, party in offers(api(key), ticket)} == {None}
    officer.move(ticket, "sign", on_behalf_of="holder")
    assert ("sign", "holder") not in offers(officer, ticket)


@pytest.mark.django_db
def test_the_description_tells_what_each_address_takes_and_answers():
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    for path, methods in paths.items():
        post = methods.get("post")
        # The preview of a public face writes nothing.
        if post and re.match("/api/v1/(tickets|photos)", path) and path != "/api/v1/tickets/face":
            headers = {one["name"] for one in post["parameters"] if one["in"] == "header"}
            assert "Idempotency-Key" in headers, path
            assert "409" in post["responses"], path

    def status(path):
        return next(one for one in paths[path]["get"]["parameters"] if one["name"] == "status")["schema"]

    assert set(status("/api/v1/queue")["enum"]) == {"open", "ended"}
    assert set(status("/api/v1/tickets")["enum"]) == {"open", "ended", "all"}
    assert "default" not in status("/api/v1/tickets")
