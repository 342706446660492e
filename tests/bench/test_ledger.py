"""The balance of the books finds what is wrong in them, and nothing else."""

import uuid

import pytest

from bench.ledger import LedgerLine, LedgerNews, LedgerWay, balance, read

EVENT, NEXT, PERSON = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
MAIL = LedgerWay("k1", uuid.uuid4(), "email", "a@mail.example", "sent")
NEWS = LedgerNews(MAIL.message, EVENT, PERSON, shown=True)


def line(key: str = "k1", to: str = "a@mail.example", said: str = "办结", *, taken: bool = True) -> LedgerLine:
    return LedgerLine(0.0, key, to, said, taken)


def faults(books, *, ways=(MAIL,), news=(NEWS,), expected=((EVENT, PERSON),), repeats=True) -> list[str]:
    return list(balance(expected, news, ways, books).faults(repeats=repeats))


def test_what_arrived_once_where_it_should_is_no_fault():
    assert faults({"email": [line()]}, repeats=False) == []


def test_what_nobody_took_is_lost_whatever_the_database_says():
    for book in ([], [line(taken=False)]):
        assert faults({"email": book}) == [f"1 deliveries that were lost, such as email k1 ({MAIL.state})"]


def test_an_event_that_was_not_told_is_found():
    (fault,) = faults({"email": [line()]}, expected=[(EVENT, PERSON), (NEXT, PERSON)])
    assert fault == f"1 events that were not told, such as event {NEXT} for {PERSON}"


def test_a_message_that_is_neither_shown_nor_in_a_digest_tells_nobody():
    (fault,) = faults({"email": [line()]}, news=[LedgerNews(MAIL.message, EVENT, PERSON, shown=False)])
    assert fault.startswith("1 events that were not told")
    assert (
        faults({"email": [line()]}, news=[LedgerNews(MAIL.message, EVENT, PERSON, shown=False, digest=uuid.uuid4())])
        == []
    )


def test_a_repeat_is_a_fault_where_none_is_allowed():
    books = {"email": [line(), line()]}
    assert faults(books) == []
    assert faults(books, repeats=False) == ["1 repeats"]
    assert faults({"email": [line(), line(taken=False)]}, repeats=False) == []


def test_a_repeat_under_another_key_is_a_fault_always():
    (fault,) = faults({"email": [line(), line("k2")]})
    assert fault == "1 keys that no delivery has, such as email k2"
    second = LedgerWay("k2", uuid.uuid4(), "email", MAIL.to, "sent")
    (fault,) = faults({"email": [line(), line("k2")]}, ways=[MAIL, second])
    assert fault == "1 repeats under another key, such as email k1 k2"


def test_two_digests_may_say_the_same():
    ways = [LedgerWay(key, uuid.uuid4(), "email", MAIL.to, "sent", summary=True) for key in ("k1", "k2")]
    assert faults({"email": [line(), line("k2")]}, ways=ways) == []


def test_what_came_to_somebody_else_is_found_and_has_not_arrived():
    found = faults({"email": [line(to="b@mail.example")]})
    assert [one.split(",")[0] for one in found] == [
        "1 deliveries that were lost",
        "1 deliveries that came to another address",
    ]
    assert faults({"sms": [line()]})[1].startswith("1 deliveries that came to another address")


@pytest.mark.parametrize("arrived", ["first", "second"])
def test_a_push_that_goes_on_by_another_channel_has_to_arrive_by_one(arrived):
    message = uuid.uuid4()
    first, second = LedgerWay("1", message, "wechat", "openid", "dropped"), LedgerWay("2", message, "sms", "1", "sent")
    books = {"wechat": [line("1", "openid")], "sms": [line("2", "1")]}
    kept = {"first": "wechat", "second": "sms"}[arrived]
    assert faults({kept: books[kept]}, ways=[first, second], expected=[]) == []
    result = balance([], [], [first, second], {kept: books[kept]})
    assert (result.due, result.arrived) == ({"sms": 1}, {"sms": 1})
    assert faults({}, ways=[first, second], expected=[]) == ["1 deliveries that were lost, such as sms 2 (sent)"]


def test_mail_beside_a_push_is_a_way_of_its_own():
    push = LedgerWay("k2", MAIL.message, "sms", "1", "sent")
    (fault,) = faults({"email": [line()]}, ways=[MAIL, push])
    assert fault == "1 deliveries that were lost, such as sms k2 (sent)"


def test_what_went_into_a_digest_arrives_with_it():
    part = LedgerWay("p", uuid.uuid4(), "wecom", "wecom:1", "gathered", digest="d")
    whole = LedgerWay("d", uuid.uuid4(), "wecom", "wecom:1", "sent", summary=True)
    assert faults({"wecom": [line("d", "wecom:1")]}, ways=[part, whole], expected=[]) == []
    assert faults({"wecom": []}, ways=[part, whole], expected=[])[0].startswith("2 deliveries that were lost")


def test_a_line_that_was_cut_off_is_left_out(tmp_path):
    book = tmp_path / "book"
    book.write_text('{"at": 1, "key": "k", "to": "t", "said": "s", "taken": true, "answer": "ok"}\n{"at": 2, "key"')
    assert read(book) == [LedgerLine(1, "k", "t", "s", taken=True)]
