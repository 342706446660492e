"""The one write path: the order of refusals, versions, moments, facts, locks and what is written."""

import re
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from tests.statements import statements
from tests.tickets.paths import BEGIN, INPUTS, rows
from tests.tickets.story import row
from tickets.models import Assignment, Ticket, TicketEvent, TicketOutbox, TicketWords
from web.words import bilingual
from workflow.errors import IllegalMove, NotPermitted, Refusal, StaleVersion
from workflow.writing import _fact, lock, perform

pytestmark = pytest.mark.django_db


def refused(scene, transition, who, ticket, *, version=None, at=None, **inputs) -> Refusal:
    """The refusal of `perform`, which has written nothing and left the subject in memory as it was."""
    before = rows()
    actor = scene.actor(who, at=at)
    (locked,) = lock(Ticket, ticket, by=actor)
    columns = {field.attname: locked.__dict__[field.attname] for field in Ticket._meta.concrete_fields}
    with pytest.raises(Refusal) as caught:
        perform(transition, locked, by=actor, version=version, **inputs)
    assert rows() == before
    assert columns == {field.attname: locked.__dict__[field.attname] for field in Ticket._meta.concrete_fields}
    return caught.value


# The order of refusals: version, state, person, conditions.


def test_a_stale_version_is_said_before_anything_else(scene):
    ticket = scene.reach("closed")
    version = row(ticket).version
    for stale in (version - 1, version + 1, 0):
        caught = refused(scene, Ticket.sign, "outsider", ticket, version=stale)
        assert (type(caught), caught.code) == (StaleVersion, "stale_version")


def test_an_impossible_move_is_said_before_a_missing_permission(scene):
    ticket = scene.reach("closed")
    caught = refused(scene, Ticket.sign, "outsider", ticket, version=row(ticket).version)
    assert (type(caught), caught.code) == (IllegalMove, "illegal_move")


def test_a_missing_permission_is_said_before_an_unmet_condition(scene):
    ticket = scene.reach("in_progress")
    for who, kind, code in (
        ("outsider", NotPermitted, "not_permitted"),
        ("dispatcher", IllegalMove, "not_contacted"),
    ):
        caught = refused(scene, Ticket.reply, who, ticket, version=row(ticket).version, result="已整改")
        assert (type(caught), caught.code) == (kind, code)


def test_the_first_unmet_condition_is_the_one_that_is_said(scene):
    ticket = scene.reach("returning")
    scene.do("desk_officer", ticket, "designate")
    late = scene.now + timedelta(days=3)
    assert refused(scene, Ticket.return_, "dispatcher", ticket, at=late, reason="x").code == "already_designated"


def test_a_state_cannot_be_set_from_outside():
    with pytest.raises(AttributeError):
        Ticket(state="submitted").state = "closed"


# Versions and counts.


def test_only_what_others_act_upon_makes_a_new_version(scene):
    ticket = scene.reach("in_progress")
    begun = row(ticket)
    quiet = [
        ("neighbour", "cosign"), ("resident", "urge"), ("dispatcher", "reveal"), ("dispatcher", "progress"),
        ("dispatcher", "contact"), ("dispatcher", "arrive"), ("desk_officer", "whistle"), ("desk_officer", "supervise"),
        ("desk_officer", "raise_level"), ("dispatcher", "ask"), ("resident", "answer"), ("traffic_liaison", "report_in"),
        ("dispatcher", "request_extension"), ("resident", "withdraw"),
    ]  # fmt: skip
    for who, name in quiet:
        scene.do(who, ticket, name, version=None, **INPUTS.get(name, {}))
        assert row(ticket).version == begun.version, name
    assert row(ticket).event_count == begun.event_count + len(quiet)
    loud = [("desk_officer", "grant_extension"), ("desk_officer", "redispatch"), ("desk_officer", "coordinate")]
    for count, (who, name) in enumerate(loud, start=1):
        scene.do(who, ticket, name, version=row(ticket).version, **INPUTS.get(name, {}))
        assert row(ticket).version == begun.version + count, name


def test_a_subject_is_born_with_version_one_and_its_first_event(scene):
    ticket = scene.file()
    (event,) = TicketEvent.objects.filter(subject=ticket)
    assert (row(ticket).version, row(ticket).event_count) == (1, 1)
    assert (event.seq, event.verb, event.source, event.target) == (1, "submit", "", "coordinating")


# Time.


def test_time_never_runs_backwards_on_a_subject(scene):
    ticket = scene.reach("in_progress")
    last = row(ticket).last_event_at
    early = scene.do("dispatcher", ticket, "contact", at=last - timedelta(hours=5), result="reached")
    assert early.at == last == row(ticket).last_event_at
    assert Assignment.objects.get(ticket=ticket, role="lead", open=True).contacted_at == last
    later = scene.do("dispatcher", ticket, "arrive", at=last + timedelta(microseconds=1))
    assert later.at == last + timedelta(microseconds=1)


def test_conditions_are_asked_at_the_move_s_own_moment(scene):
    ticket = scene.reach("in_progress")
    opened = Assignment.objects.get(ticket=ticket, role="lead", open=True).opened_at
    scene.do("dispatcher", ticket, "contact", at=opened + timedelta(days=5), result="reached")
    caught = refused(scene, Ticket.return_, "dispatcher", ticket, at=opened, reason="时钟被拨回")
    assert caught.code == "return_window_over"


# What is written.


def test_words_lie_beside_the_event_which_keeps_only_their_hash(scene):
    ticket = scene.reach("in_progress")
    event = scene.do("dispatcher", ticket, "progress", text="配件已到货", photos=[])
    stored = TicketEvent.objects.get(pk=event.pk)
    assert set(stored.data) == {"photos", "words"}
    assert re.fullmatch(r"[0-9a-f]{64}", stored.data["words"])
    assert TicketWords.objects.get(event=event).body == {"text": "配件已到货"}


def test_an_event_without_words_has_no_row_of_words(scene):
    ticket = scene.reach("in_progress")
    event = scene.do("dispatcher", ticket, "arrive")
    assert not TicketWords.objects.filter(event=event).exists()
    assert TicketEvent.objects.get(pk=event.pk).data == {}


def test_every_event_has_one_row_in_the_outbox_with_those_whom_it_concerned_before_and_after(scene):
    ticket = scene.reach("in_progress")
    event = scene.do("desk_officer", ticket, "redispatch", holder="co-linjianli", reason="另派")
    told = TicketOutbox.objects.get(event=event).audience
    assert {scene.codes["po-a01"], scene.codes["co-linjianli"], scene.codes["pmc-a01"]} <= set(told)
    assert sorted(TicketOutbox.objects.values_list("event", flat=True)) == sorted(
        TicketEvent.objects.values_list("pk", flat=True)
    )


def test_a_move_writes_only_the_columns_that_it_changed(scene):
    ticket = scene.reach("in_progress")
    with statements() as made:
        scene.do("resident", ticket, "urge")
    (written,) = (sql for sql in made if 'UPDATE "tickets_ticket" SET' in sql)
    setting = written.split('UPDATE "tickets_ticket" SET')[1].split("FROM jsonb_populate_record")[0]
    columns = set(re.findall(r'"(\w+)" = ', setting))
    assert columns == {"urges", "last_urged_at", "event_count", "head", "last_event_at", "seal"}


# Locks.


def test_several_subjects_are_locked_by_one_statement_in_the_order_of_their_ids(scene):
    first, second, third = (scene.file() for _ in range(3))
    officer = scene.actor("desk_officer")
    with statements() as made:
        found = lock(Ticket, third, first, second, by=officer)
    locking = [sql for sql in made if "FOR NO KEY UPDATE" in sql]
    assert locking == made[:1]
    assert re.search(r'ORDER BY "?(tickets_ticket"\.)?"?(id|1)"?.* FOR NO KEY UPDATE OF "tickets_ticket"', locking[0])
    assert [one.pk for one in found] == [third, first, second]


def test_a_lock_brings_what_the_moves_read(scene):
    ticket = scene.reach("in_progress")
    (locked,) = lock(Ticket, ticket, by=scene.actor("tenant"))
    with statements() as made:
        assert locked.follows
        assert locked.lead.organisation_id == scene.codes["po-a01"]
    assert made == []


@pytest.mark.parametrize("others", [0, 1])
def test_a_lock_on_what_is_not_there_says_so(scene, others):
    there = [scene.file() for _ in range(others)]
    with pytest.raises(Ticket.DoesNotExist):
        lock(Ticket, *there, uuid.uuid4(), by=scene.actor("resident"))


# Facts.


@pytest.mark.parametrize(
    ("value", "fact"),
    [
        (None, None),
        (True, True),
        (7, 7),
        ("文", "文"),
        (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (Decimal("93.10"), "93.10"),
        (bilingual("派单", "Dispatch"), "派单"),
        (date(2025, 6, 2), "2025-06-02"),
        (BEGIN, "2025-06-02T09:00:00+08:00"),
        (datetime(2025, 6, 2, tzinfo=UTC), "2025-06-02T00:00:00+00:00"),
        ([uuid.UUID(int=1), (2, "3")], ["00000000-0000-0000-0000-000000000001", [2, "3"]]),
        ({"a": {"b": Decimal("1.0"), "c": None}}, {"a": {"b": "1.0"}}),
        (Ticket(pk=uuid.UUID(int=9)), "00000000-0000-0000-0000-000000000009"),
    ],
)
def test_a_fact_is_the_same_bytes_everywhere(value, fact):
    assert _fact(value) == fact
    assert type(_fact(value)) is type(fact)


@pytest.mark.parametrize("value", [0.1, float("nan"), [1.5], {"a": 2.5}, b"bytes", object(), {"a": {1.0}}])
def test_what_has_no_canonical_form_is_no_fact(value):
    with pytest.raises(TypeError):
        _fact(value)


def test_a_fact_s_keys_may_come_in_any_order():
    assert _fact({"b": 1, "a": 2}) == _fact({"a": 2, "b": 1})


def test_a_set_has_one_order():
    assert _fact({"b", "a", "c", "d", "e"}) == _fact(frozenset("edcba")) == ["a", "b", "c", "d", "e"]
