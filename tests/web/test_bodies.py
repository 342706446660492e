"""What a hostile body costs, and what is answered to it."""

import time

import pytest
from rest_framework import serializers

from tickets.api.policies import MOST_ROWS
from web.bodies import Body, Dict
from web.parsers import BODY_LIMIT
from web.problems import FAULTS_TOLD


def bodies(kind=Body):
    """Every body of the API."""
    for each in kind.__subclasses__():
        yield each
        yield from bodies(each)


def test_every_list_in_a_body_says_how_long_it_may_be(db):
    found = list(bodies())
    assert len(found) > 30
    for body in found:
        for name, field in body().fields.items():
            assert not isinstance(field, serializers.DictField) or isinstance(field, Dict), (body, name)
            if isinstance(field, serializers.ListField | serializers.ListSerializer | Dict):
                # A service level or a calendar of many years is a table; its route takes a larger body.
                most = MOST_ROWS if body.__module__ == "tickets.api.policies" else 200
                assert 0 < field.max_length <= most, (body, name)
                assert not isinstance(getattr(field, "child", None), serializers.ListField), (body, name)


class Looked(serializers.Field):
    looked = 0

    def to_internal_value(self, data):
        Looked.looked += 1
        return data


class Line(Body):
    words = Looked()


class Several(Body):
    plain = serializers.ListField(child=Looked(), max_length=3, required=False)
    lines = Line(many=True, max_length=3, required=False)
    named = Dict(child=Looked(), max_length=3, required=False)


@pytest.mark.parametrize(
    ("name", "items"),
    [("plain", ["a"] * 4), ("lines", [{"words": "a"}] * 4), ("named", dict.fromkeys("abcd", "x"))],
)
def test_a_list_is_counted_before_anybody_looks_into_it(name, items):
    Looked.looked = 0
    body = Several(data={name: items})
    assert not body.is_valid()
    assert [str(fault) for fault in body.errors[name]] == ["最多 3 项。"]
    assert Looked.looked == 0
    fewer = dict.fromkeys("abc", "x") if isinstance(items, dict) else items[:3]
    assert Several(data={name: fewer}).is_valid()


def filled(start: bytes, item: bytes, end: bytes) -> bytes:
    """A body of as many items as the limit lets through."""
    return start + item * ((BODY_LIMIT - len(start) - len(end)) // len(item)) + end


HOSTILE = {
    "a list of no ids": filled(b'{"photos": [', b'"a",', b'"a"]}'),
    "unknown fields": b"{" + b",".join(b'"%x":0' % number for number in range(6000)) + b"}",
    "control characters": filled(b'{"text": [', b'"\\u0000",', b"0]}"),
    "half characters": filled(b'{"text": [', b'"\\ud800",', b"0]}"),
    "nested": b'{"text":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "nested objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "a long number": b'{"text": ' + b"9" * 60_000 + b"}",
    "a long word": b'{"text": "' + b"x" * 60_000 + b'"}',
    "small lists": filled(b'{"photos": [', b"[],", b"[]]}"),
}


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("who", ["resident", None])
def test_a_hostile_body_costs_little_and_is_answered_briefly(client, at_api, db, who, what):
    caller, address = (at_api(who), "/api/v1/tickets") if who else (client, "/api/v1/auth/codes")
    began = time.process_time()
    answer = caller.generic("POST", address, HOSTILE[what], content_type="application/json")
    assert time.process_time() - began < 0.5
    assert answer.status_code == 400
    assert len(answer.content) < 4000
    document = answer.json()
    assert len(document.get("errors", [])) <= FAULTS_TOLD
    if what in {"unknown fields", "control characters", "half characters"}:
        assert document["more_errors"] > 3000


@pytest.mark.parametrize("address", ["/api/v1/tickets", "/api/v1/auth/codes", "move"])
def test_what_is_larger_than_the_route_takes_is_not_read(at_api, scene, db, address):
    if address == "move":
        address = f"/api/v1/tickets/{scene.file()}/moves/urge"
    body = b'{"photos": [' + b'"a",' * 230_000 + b'"a"]}'
    began = time.process_time()
    answer = at_api("resident").generic("POST", address, body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert time.process_time() - began < 0.3
