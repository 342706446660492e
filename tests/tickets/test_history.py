"""A ticket's history only grows; whoever changes it behind Linli's back is found out."""

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from tests.tickets.committed import behind_linlis_back
from tests.tickets.story import assert_whole, history, row
from tickets.models import Assignment, Follower, Photo, Ticket, TicketEvent, TicketOutbox, TicketWords
from web.words import en
from workflow.audit import chain, erase, sealed_words
from workflow.verification import flaw, fold, verify


@pytest.fixture
def told(api):
    """A ticket with a history of six events, two of them in people's own words."""
    resident, dispatcher = api("resident"), api("dispatcher")
    ticket = resident.file("CL07", text="楼道里有老鼠。")
    dispatcher.move(ticket, "sign")
    dispatcher.move(ticket, "contact", result="reached")
    dispatcher.move(ticket, "arrive")
    dispatcher.move(ticket, "reply", result="已消杀。")
    resident.move(ticket, "confirm", resolved=True, rating=5)
    assert_whole(ticket, "closed")
    return ticket


@pytest.fixture
def other(api):
    """Another ticket, filed later, with nothing wrong."""
    return api("neighbour").file("CL07")


def tamper(ticket, seq, /, **changes):
    """Change an event of the ticket behind Linli's back."""
    with behind_linlis_back():
        assert TicketEvent.objects.filter(subject=ticket["id"], seq=seq).update(**changes) == 1


def found(ticket):
    """What the audit says of the ticket."""
    return flaw(row(ticket), history(ticket))


def check_keys_now():
    """Check foreign keys at each statement, as the end of a transaction does; PostgreSQL truncates nothing before that."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


# Append-only.


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tickets_ticketevent SET verb = 'x'",
        "UPDATE tickets_ticketevent SET data = data",
        "UPDATE tickets_ticketevent SET at = now() WHERE seq = 1",
        "DELETE FROM tickets_ticketevent",
        "DELETE FROM tickets_ticketevent WHERE seq = (SELECT max(seq) FROM tickets_ticketevent)",
        "TRUNCATE tickets_ticketevent CASCADE",
        "INSERT INTO tickets_ticketevent SELECT * FROM tickets_ticketevent WHERE seq = 1 ON CONFLICT (id) DO UPDATE SET seq = 9",
        "MERGE INTO tickets_ticketevent e USING (SELECT 1) one ON e.seq = 1 WHEN MATCHED THEN DELETE",
    ],
)
def test_the_database_refuses_to_change_history(told, statement):
    before = list(TicketEvent.objects.order_by("pk").values_list())
    check_keys_now()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert list(TicketEvent.objects.order_by("pk").values_list()) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda events: events.update(data={}),
        lambda events: events.update(seq=F("seq") + 10),
        lambda events: events.filter(seq=6)._raw_delete("default"),
        lambda events: events.last().save(force_update=True),
        lambda events: TicketEvent.objects.bulk_update([events.last()], ["verb"]),
    ],
    ids=["update", "update-f", "raw-delete", "save", "bulk-update"],
)
def test_the_orm_is_refused_as_well(told, change):
    before = list(TicketEvent.objects.order_by("pk").values_list())
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        change(TicketEvent.objects.filter(subject=told["id"]).order_by("seq"))
    assert list(TicketEvent.objects.order_by("pk").values_list()) == before


def test_a_ticket_with_a_history_cannot_be_deleted(told):
    with pytest.raises(IntegrityError), transaction.atomic():
        row(told).delete()
    check_keys_now()
    with pytest.raises(IntegrityError), transaction.atomic():
        Ticket.objects.filter(pk=told["id"])._raw_delete("default")
    assert_whole(told, "closed")


def test_two_events_cannot_take_one_place(told):
    first = history(told)[0]
    with pytest.raises(IntegrityError, match="ticketevent_seq"), transaction.atomic():
        TicketEvent.objects.create(
            street_id=first.street_id, subject_id=first.subject_id, seq=1, verb="x", source="", target="submitted",
            at=first.at, visibility="public", digest=b"x" * 32,
        )  # fmt: skip


# What the audit finds.


@pytest.mark.parametrize(
    ("seq", "changes"),
    [
        (1, {"data": {"rule": "direct"}}),
        (2, {"actor_organisation_id": uuid.UUID(int=7)}),
        (4, {"visibility": "internal"}),
        (5, {"on_behalf": "holder"}),
        (6, {"digest": b"\0" * 32}),
        (3, {"verb": "arrive"}),
    ],
)
def test_a_changed_event_is_found(told, seq, changes):
    tamper(told, seq, **changes)
    assert (found(told).seq, en(found(told).reason)) == (seq, "its digest does not match its contents")


def test_one_changed_fact_is_found(told):
    data = history(told)[5].data
    assert data["rating"] == 5
    tamper(told, 6, data=data | {"rating": 4})
    assert (found(told).seq, en(found(told).reason)) == (6, "its digest does not match its contents")


def test_a_moment_that_was_moved_by_a_microsecond_is_found(told):
    tamper(told, 5, at=history(told)[4].at - timedelta(microseconds=1))
    assert found(told).seq == 5


def test_a_forged_actor_is_found(told, cast):
    tamper(told, 6, actor=cast["dispatcher"])
    assert (found(told).seq, en(found(told).reason)) == (6, "its digest does not match its contents")


def test_changed_words_are_found(told):
    words = history(told)[4].words
    assert words.body == {"result": "已消杀。"}
    TicketWords.objects.filter(pk=words.pk).update(body={"result": "未消杀。"})
    assert (found(told).seq, en(found(told).reason)) == (5, "its words do not match their hash")


def test_words_sealed_anew_are_found(told):
    salt, digest = sealed_words({"result": "未消杀。"})
    TicketWords.objects.filter(event=history(told)[4]).update(body={"result": "未消杀。"}, salt=salt)
    tamper(told, 5, data={"words": digest})
    assert (found(told).seq, en(found(told).reason)) == (5, "its digest does not match its contents")


def test_words_put_under_another_event_are_found(told):
    events = history(told)
    TicketWords.objects.filter(event=events[4]).delete()
    TicketWords.objects.filter(event=events[0]).update(event=events[4])
    assert (found(told).seq, en(found(told).reason)) == (1, "its words are missing")
    words = TicketWords.objects.create(street_id=events[0].street_id, event=events[0], salt=b"0" * 16)
    erase(words)
    assert (found(told).seq, en(found(told).reason)) == (5, "its words do not match their hash")


def test_words_put_where_nobody_spoke_are_found(told):
    event = history(told)[1]
    salt, _ = sealed_words({"reason": "补写"})
    TicketWords.objects.create(street_id=event.street_id, event=event, salt=salt, body={"reason": "补写"})
    assert found(told).seq == 2


def test_two_events_that_changed_places_are_found(told):
    tamper(told, 3, seq=99)
    tamper(told, 4, seq=3)
    tamper(told, 99, seq=4)
    assert [one.verb for one in history(told)] == ["submit", "sign", "arrive", "contact", "reply", "confirm"]
    assert fold(history(told)) == "closed"
    assert (found(told).seq, en(found(told).reason)) == (3, "its digest does not match its contents")


def remove(ticket, seq):
    """Remove an event of the ticket, and what hangs on it, behind Linli's back."""
    with behind_linlis_back():
        event = TicketEvent.objects.get(subject=ticket["id"], seq=seq)
        TicketWords.objects.filter(event=event).delete()
        TicketOutbox.objects.filter(event=event).delete()
        TicketEvent.objects.filter(pk=event.pk)._raw_delete("default")


def test_a_missing_event_is_found(told):
    remove(told, 5)
    assert (found(told).seq, en(found(told).reason)) == (5, "the event is missing")


def cut_last_event(ticket, **columns):
    """Remove the last event, and set the ticket back as far as an intruder could know how."""
    remove(ticket, 6)
    Ticket.objects.filter(pk=ticket["id"]).update(
        state="replied", event_count=5, closed_at=None, next_due_at=row(ticket).closed_at, **columns
    )


def test_a_history_cut_short_is_found_by_its_count(told):
    remove(told, 6)
    assert (found(told).seq, en(found(told).reason)) == (6, "the subject counts 6 events, the history has 5")


@pytest.mark.parametrize("guess", ["as it was", "the last digest", "made without the key", "empty"])
def test_a_history_cut_short_is_found_whatever_head_is_put_back(told, settings, guess):
    events = history(told)
    key = settings.AUDIT_KEY
    settings.AUDIT_KEY = b"what an intruder may guess"
    _, forged = chain(events[3].digest, events[4])
    settings.AUDIT_KEY = key
    heads = {
        "as it was": row(told).head,
        "the last digest": events[4].digest,
        "made without the key": forged,
        "empty": b"",
    }
    cut_last_event(told, head=heads[guess])
    assert fold(history(told)) == row(told).state == "replied"
    assert (found(told).seq, en(found(told).reason)) == (5, "the subject's head does not seal its history")


@pytest.mark.parametrize("head", [b"", b"\0" * 32, b"\xff" * 31])
def test_a_changed_head_is_found(told, head):
    Ticket.objects.filter(pk=told["id"]).update(head=head)
    assert (found(told).seq, en(found(told).reason)) == (6, "the subject's head does not seal its history")


def test_a_state_changed_behind_the_history_is_found(told):
    Ticket.objects.filter(pk=told["id"]).update(state="rejected")
    assert en(found(told).reason) == "the subject is 'rejected', its history says 'closed'"


def test_the_history_of_another_ticket_is_found(told, other):
    with behind_linlis_back():
        TicketEvent.objects.filter(subject=other["id"]).update(subject=told["id"], seq=7)
        Ticket.objects.filter(pk=told["id"]).update(event_count=7)
    assert found(told).seq == 7


def test_verify_names_the_flawed_ticket_among_the_sound_ones(told, other):
    assert [one for _, one in verify(Ticket)] == [None] * Ticket.objects.count()
    tamper(told, 2, verb="x")
    results = list(verify(Ticket, batch=1))
    assert [number for number, _ in results] == list(range(1, Ticket.objects.count() + 1))
    (one,) = [one for _, one in results if one]
    assert (str(one.subject.pk), one.seq) == (told["id"], 2)


def test_a_digest_depends_on_the_head_before_it(told):
    """Else an event could stand in any history in which its number is free."""
    event, other = history(told)[2], bytes(range(32))
    assert chain(b"", event)[0] != chain(other, event)[0]
    assert chain(b"", event)[1] != chain(other, event)[1]


def test_with_another_key_nothing_holds(told, settings):
    settings.AUDIT_KEY = b"another key altogether, just as long"
    assert found(told).seq == 1


# Erasing a person.


def erase_all(ticket):
    """Erase all words of the ticket; how many there were."""
    spoken = TicketWords.objects.filter(event__subject=ticket["id"])
    for words in spoken:
        erase(words)
    return len(spoken)


@pytest.mark.parametrize("erased", [b"", b"\0" * 32])
def test_words_that_were_emptied_behind_linlis_back_are_found(told, erased):
    TicketWords.objects.filter(event__subject=told["id"], event__seq=5).update(body={}, erased=erased)
    assert (found(told).seq, en(found(told).reason)) == (5, "its words were erased behind Linli's back")


def test_words_that_were_removed_are_found(told):
    TicketWords.objects.filter(event__subject=told["id"], event__seq=5).delete()
    assert (found(told).seq, en(found(told).reason)) == (5, "its words are missing")


def test_the_mark_of_another_erasure_is_found(told):
    erase_all(told)
    first, last = TicketWords.objects.filter(event__subject=told["id"]).order_by("event__seq")
    TicketWords.objects.filter(pk=last.pk).update(erased=first.erased)
    assert en(found(told).reason) == "its words were erased behind Linli's back"


def test_erasing_words_leaves_the_chain_whole(told):
    assert erase_all(told) == 2
    assert found(told) is None
    assert_whole(told, "closed")


def test_a_move_after_erasing_goes_on_in_the_same_chain(told, api):
    erase_all(told)
    api("resident").move(told, "reopen", reason="又有了。")
    assert_whole(told, "in_progress")
    assert [one.words.body for one in history(told) if hasattr(one, "words")] == [{}, {}, {"reason": "又有了。"}]


def test_the_same_words_twice_have_two_hashes(api):
    one, another = (api("resident").file("CL07", text="一样的话。") for _ in range(2))
    assert history(one)[0].data["words"] != history(another)[0].data["words"]


# A refused move.


def everything(ticket):
    """All rows of the ticket, in all tables."""
    mine = {"ticket": ticket["id"]}
    tables = [
        Ticket.objects.filter(pk=ticket["id"]),
        Assignment.objects.filter(**mine),
        Follower.objects.filter(**mine),
        Photo.objects.all(),
        TicketEvent.objects.filter(subject=ticket["id"]),
        TicketWords.objects.filter(event__subject=ticket["id"]),
        TicketOutbox.objects.filter(event__subject=ticket["id"]),
    ]
    return [list(rows.order_by("pk").values()) for rows in tables]


def test_a_refused_move_leaves_no_trace(api, organisation):
    resident, dispatcher, officer = api("resident"), api("dispatcher"), api("property_officer")
    ticket = resident.file("CL03")
    api("neighbour").move(ticket, "cosign")
    dispatcher.move(ticket, "sign")
    mine, theirs = dispatcher.photo(), resident.photo()
    other = resident.file("CL03")
    empty, office = organisation("银杏树月泉家园项目部"), organisation("北京通达驿停车管理有限公司")
    before = everything(ticket)
    absent = str(uuid.uuid4())
    for who, name, status, inputs in [
        (dispatcher, "sign", 409, {}),
        (dispatcher, "reply", 409, {"result": "x", "photos": [mine]}),
        (dispatcher, "complete_step", 409, {"result": "x"}),
        (dispatcher, "progress", 400, {"text": "x", "photos": [mine, theirs]}),
        (dispatcher, "progress", 400, {"text": "x", "photos": [mine, absent]}),
        (dispatcher, "request_extension", 409, {"days": 3, "reason": "x"}),
        (dispatcher, "terminate", 403, {"reason": "x"}),
        (dispatcher, "reveal", 400, {}),
        (dispatcher, "contact", 400, {"result": "reached", "surplus": 1}),
        (resident, "answer", 409, {"answer": "x"}),
        (resident, "confirm", 409, {"resolved": True, "rating": 5}),
        (resident, "cosign", 409, {}),
        (api("neighbour"), "cosign", 409, {}),
        (api("neighbour"), "dispute", 409, {"reason": "x"}),
        (api("outsider"), "urge", 404, {}),
        (api("chair"), "merge", 403, {"into": other["id"]}),
        (officer, "merge", 400, {"into": absent}),
        (officer, "merge", 400, {"into": ticket["id"]}),
        (officer, "redispatch", 400, {"holder": absent, "reason": "x"}),
        (officer, "redispatch", 400, {"holder": office, "reason": "x"}),
        (officer, "redispatch", 400, {"holder": empty, "co_handlers": [absent], "reason": "x"}),
        (officer, "whistle", 400, {"departments": [empty], "reason": "x"}),
        (officer, "put_on_account", 400, {"kind": "other", "owner": absent, "plan_date": "2999-01-01", "reason": "x"}),
        (officer, "reject", 409, {"branch": "secret", "guidance": "x"}),
        (officer, "designate", 409, {}),
        (officer, "raise_level", 400, {"level": 9}),
        (officer, "callback", 400, {"valid": True}),
        (officer, "progress", 403, {"text": "x", "on_behalf_of": "committee"}),
    ]:
        answer = who.move(ticket, name, status, **inputs)
        assert answer["status"] == status
        assert everything(ticket) == before, name
    stale = dispatcher.post(f"tickets/{ticket['id']}/moves/contact", {"result": "reached"}, 412, **{"If-Match": '"1"'})
    assert stale["code"] == "stale_version"
    missing = dispatcher.post(f"tickets/{ticket['id']}/moves/contact", {"result": "reached"}, 428)
    assert missing["status"] == 428
    assert everything(ticket) == before
    assert_whole(ticket, "in_progress")


def test_a_refused_report_leaves_no_ticket(api, organisation):
    resident = api("resident")
    counts = [model.objects.count() for model in (Ticket, TicketEvent, TicketWords, TicketOutbox, Assignment)]
    resident.file("XX99", 400)
    resident.file("CL03", 400, compound=str(uuid.uuid4()))
    resident.file("CL03", 400, photos=[str(uuid.uuid4())])
    resident.file("PK01", 400, type="report", accused=str(uuid.uuid4()))
    resident.file("CL03", 403, channel="phone", contact_name="李大爷")
    assert [model.objects.count() for model in (Ticket, TicketEvent, TicketWords, TicketOutbox, Assignment)] == counts
