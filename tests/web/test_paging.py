from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from web.models import IdempotencyKey
from web.paging import _encode

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 2, 8, tzinfo=UTC)


@pytest.fixture
def rows():
    """Thirty rows, three at each moment; `status` is their place in order."""
    made = [
        IdempotencyKey(
            fingerprint=n.to_bytes(2), caller=UUID(int=n), request_digest=b"", status=n, headers="{}", body=b"",
            created_at=START + timedelta(seconds=n // 3),
        )
        for n in range(30)
    ]  # fmt: skip
    return IdempotencyKey.objects.bulk_create(made)


def walk(web, keys, limit):
    """Every row that following `next_cursor` to the end gives, and the number of pages."""
    found, pages, cursor = [], 0, None
    while True:
        query = {"key": keys, "limit": limit} | ({"cursor": cursor} if cursor else {})
        document = web.get("/api/list", query).json()
        found, pages, cursor = found + document["results"], pages + 1, document["next_cursor"]
        if cursor is None:
            return found, pages


@pytest.mark.parametrize("limit", [1, 7, 10, 30, 100])
@pytest.mark.usefixtures("rows")
def test_following_the_cursor_gives_every_row_once_in_order(web, limit):
    assert walk(web, ["created_at", "caller"], limit) == (list(range(30)), -(-30 // limit))
    assert walk(web, ["-created_at", "-caller"], limit) == (list(range(29, -1, -1)), -(-30 // limit))


@pytest.mark.usefixtures("rows")
def test_a_page_costs_one_statement_with_a_row_comparison(web, django_assert_num_queries):
    first = web.get("/api/list", {"key": ["created_at", "caller"], "limit": 5}).json()
    with django_assert_num_queries(1) as seen:
        web.get("/api/list", {"key": ["created_at", "caller"], "limit": 5, "cursor": first["next_cursor"]})
    sql = seen.captured_queries[0]["sql"]
    assert '("web_idempotencykey"."created_at", "web_idempotencykey"."caller") > (' in sql
    assert "COUNT" not in sql
    assert "OFFSET" not in sql


@pytest.mark.usefixtures("rows")
def test_a_page_has_twenty_five_rows_unless_asked(web):
    assert len(web.get("/api/list", {"key": ["status"]}).json()["results"]) == 25


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "", "１０", "1.5", "9" * 5000])
def test_a_limit_out_of_range_is_400(web, limit):
    answer = web.get("/api/list", {"key": ["status"], "limit": limit})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "limit"


BAD = {
    "not base64": "%%%",
    "not JSON": "YWJj",
    "not a list": _encode({"a": 1}),
    "too few keys": _encode(["2026-11-02T08:00:00+00:00"]),
    "wrong types": _encode(["x", "y"]),
    "a time without zone": _encode(["2026-11-02T08:00:00", str(UUID(int=1))]),
    "null": _encode([None, None]),
    "nested": _encode([["x"], {}]),
    "too long": "A" * 2000,
    "not ASCII": "页",
}


@pytest.mark.parametrize("cursor", BAD.values(), ids=BAD.keys())
def test_a_bad_cursor_is_400(web, cursor):
    answer = web.get("/api/list", {"key": ["created_at", "caller"], "cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


@pytest.mark.parametrize("cursor", [_encode([10**12]), _encode(["\0"]), _encode([-1])])
def test_a_cursor_of_another_size_than_its_column_is_400(web, cursor):
    assert web.get("/api/list", {"key": ["status"], "cursor": cursor}).status_code == 400
