"""The bytes that digests and seals are made of: what was sealed by this release must hold by every later one."""

import uuid
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from tickets.models import Follower, TicketEvent, TicketWords
from workflow.audit import (
    _plain,
    canonical,
    chain,
    erasure,
    head_after,
    keyed,
    links,
    lone_seal,
    sum_of_rows,
    words_hash,
)

IN_BEIJING = datetime.fromisoformat("2025-06-02T09:00:00.000007+08:00")
ELSEWHERE = timezone(timedelta(hours=-3))


@pytest.fixture(autouse=True)
def key(settings):
    """An audit key that never changes."""
    settings.AUDIT_KEY = b"a key that no other test uses or knows"


def event(**columns) -> TicketEvent:
    """An event in memory."""
    given = {
        "subject_id": uuid.UUID(int=1), "seq": 2, "verb": "sign", "source": "dispatched", "target": "in_progress",
        "actor_id": uuid.UUID(int=3), "actor_organisation_id": uuid.UUID(int=4), "on_behalf": "holder", "at": IN_BEIJING,
        "visibility": "public", "data": {"b": [1, None], "a": "文"},
    }  # fmt: skip
    return TicketEvent(**given | columns)


def follower(**columns) -> Follower:
    """A row in memory that is sealed by itself."""
    given = {
        "street_id": uuid.UUID(int=1), "ticket_id": uuid.UUID(int=2), "person_id": uuid.UUID(int=3), "kind": "cosigned",
        "since": IN_BEIJING,
    }  # fmt: skip
    return Follower(**given | columns)


def test_an_event_is_the_same_bytes_everywhere():
    said = (
        '["00000000-0000-0000-0000-000000000001",2,"sign","dispatched","in_progress",'
        '"00000000-0000-0000-0000-000000000003","00000000-0000-0000-0000-000000000004","holder",'
        '"2025-06-02T01:00:00.000007+00:00","public",{"a":"文","b":[1,null]}]'
    )
    assert canonical(event()) == said.encode()
    assert canonical(event(at=IN_BEIJING.astimezone(ELSEWHERE))) == said.encode()
    nobody = canonical(event(actor_id=None, actor_organisation_id=None, on_behalf="", data={}))
    assert b'"in_progress",null,null,"","2025' in nobody
    assert nobody.endswith(b',"public",{}]')


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (IN_BEIJING, "2025-06-02T01:00:00.000007+00:00"),
        (datetime(2025, 6, 2, tzinfo=ELSEWHERE), "2025-06-02T03:00:00.000000+00:00"),
        (b"\x01\xff", "01ff"),
        (memoryview(b"\x01\xff"), "01ff"),
        (Decimal("93.10"), "93.1"),
        (Decimal("100"), "100"),
        ("文", "文"),
        (7, 7),
    ],
)
def test_a_column_s_value_is_the_same_before_it_is_written_and_after_it_is_read(value, plain):
    assert _plain(value) == plain


def test_what_is_sealed_today_is_sealed_alike_by_every_later_release():
    digest, head = chain(bytes(32), event())
    assert digest.hex() == "e5ad580c454e8df30b3cf83b74c9246c994fefea3c17266f3c6a9c13b71c130b"
    assert head.hex() == "d795b8d067978e369a38e5f4b8a37025251578ba1402be4f1da389e0b6d87ace"
    assert lone_seal(follower()).hex() == "6beac550cee316a9386e85ea20ded144cee974967e2434dd0cac1ebce6f01b47"
    assert (
        words_hash(bytes(16), {"text": "配件已到货"})
        == "6687c6dbbd64b46a83e4dc1212b0f5c6ef59f00f3fc22f582271bea01a957a3a"
    )
    assert digest == keyed(b"\x02" + bytes(32) + canonical(event()))


def test_a_seal_covers_every_value_and_not_the_id_that_postgresql_gives():
    seal = lone_seal(follower())
    assert lone_seal(follower(id=uuid.UUID(int=9))) == seal
    assert lone_seal(follower(since=IN_BEIJING.astimezone(UTC))) == seal
    for column, value in (("since", IN_BEIJING + timedelta(microseconds=1)), ("rating", 5), ("kind", "merged")):
        assert lone_seal(follower(**{column: value})) != seal


def test_an_event_follows_by_the_digests_of_today_and_of_before_there_were_seals():
    one, head = event(), bytes(range(32))
    one.digest = keyed(b"\x02" + head + canonical(one))
    assert links(head, one) is True
    one.digest = keyed(head + canonical(one))
    assert links(head, one) is False
    assert links(head_after(head), one) is None
    one.verb = "assign"
    assert links(head, one) is None


def test_a_sum_of_rows_has_no_order_and_is_empty_where_nothing_is_left():
    first, second = follower(), follower(person_id=uuid.UUID(int=8))
    both = sum_of_rows(b"", added=[first, second])
    assert both == sum_of_rows(sum_of_rows(b"", added=[second]), added=[first])
    assert len(both) == 32
    assert sum_of_rows(both, removed=[second]) == lone_seal(first)
    assert sum_of_rows(memoryview(both), removed=[first, second]) == b""
    assert sum_of_rows(b"\0", added=[first], removed=[second]) == b"\0"


def test_erasure_leaves_another_mark_on_every_event():
    first, second = (TicketWords(event_id=uuid.UUID(int=number), salt=bytes(16)) for number in (5, 6))
    assert erasure(first) == keyed(b"erased" + uuid.UUID(int=5).bytes + bytes(16))
    assert erasure(first) != erasure(second)
