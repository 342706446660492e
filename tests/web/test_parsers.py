import pytest

from web.parsers import BODY_LIMIT, DEPTH_LIMIT, loads
from web.problems import FAULTS_TOLD, Problem


def refused(body: bytes) -> Problem:
    with pytest.raises(Problem) as caught:
        loads(body)
    return caught.value


def nested(depth: int) -> bytes:
    return b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        (b'{"spot": {"text": "a\\u0000b"}}', "spot.text", "control_character"),
        (b'{"a": ["x", "\\u001b"]}', "a.1", "control_character"),
        (b'{"a": "\\b"}', "a", "control_character"),
        (b'{"a": "\\f"}', "a", "control_character"),
        (b'{"a": "\x01"}', "a", "control_character"),
        (b'{"a": {"b\\u0000": 1}}', "a", "control_character"),
        (b'{"a": "\\ud83d"}', "a", "lone_surrogate"),
        (b'{"a": {"n": NaN}}', "a.n", "not_a_number"),
        (b'{"n": -Infinity}', "n", "not_a_number"),
        (b'{"n": 1e999}', "n", "not_a_number"),
        (b"[1]", "", "not_an_object"),
        (b'"x"', "", "not_an_object"),
    ],
)
def test_what_the_database_or_a_reader_would_choke_on_is_refused_by_field(body, field, code):
    problem = refused(body)
    assert problem.status_code == 400
    assert [(fault.field, fault.code) for fault in problem.errors] == [(field, code)]


@pytest.mark.parametrize("body", [b"", b" ", b"{", b"{}{}", b"\xff{}", b'{"a": "\xed\xa0\x80"}', b"\xef\xbb\xbf{}"])
def test_what_is_not_json_in_utf_8_is_malformed(body):
    assert (refused(body).status_code, refused(body).code) == (400, "malformed")


def test_tabs_newlines_and_every_script_pass():
    assert loads('{"text": "三号楼\\t漏水\\r\\n🚰 ß \u007f"}'.encode()) == {"text": "三号楼\t漏水\r\n🚰 ß \u007f"}
    assert loads(b'{"text": "\\u00e9 \\\\b"}') == {"text": "é \\b"}


def test_nesting_is_limited():
    assert loads(nested(DEPTH_LIMIT))
    assert [fault.code for fault in refused(nested(DEPTH_LIMIT + 1)).errors] == ["too_deep"]
    assert refused(b"[" * 100_000).status_code == 400


def test_many_small_lists_are_not_deep():
    assert len(loads(b'{"a": [' + b"[]," * 500 + b"[]]}")["a"]) == 501


def test_of_a_body_full_of_faults_ten_are_told_and_how_many_more():
    document = refused(b'{"a": [' + b'"\\u0000",' * 5000 + b"0]}").document()
    assert (len(document["errors"]), document["more_errors"]) == (FAULTS_TOLD, 5000 - FAULTS_TOLD)


def test_a_large_body_is_413_before_it_is_read(web):
    answer = web.generic(
        "POST", "/api/raw", b'{"a": 1}', content_type="application/json", CONTENT_LENGTH=BODY_LIMIT + 1
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_body_at_the_limit_passes(web):
    body = b'{"a": "%s"}' % (b"x" * (BODY_LIMIT - 9))
    assert len(body) == BODY_LIMIT
    assert web.generic("POST", "/api/raw", body, content_type="application/json").status_code == 200


def test_a_route_may_take_more_than_the_others(web):
    body = b'{"a": "%s"}' % (b"x" * (BODY_LIMIT * 2 - 9))
    assert web.generic("POST", "/api/large", body, content_type="application/json").status_code == 200
    refused = web.generic("POST", "/api/large", body + b" ", content_type="application/json")
    assert (refused.status_code, refused.json()["detail"]) == (413, "请求内容不能超过 128 KB。")
