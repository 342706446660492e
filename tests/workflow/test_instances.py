"""Instances made the short way are those that Django would have made."""

import uuid
from datetime import UTC, datetime

import pytest
from django.db import connection

from tests.workflow.clock_rows import clock
from tickets.models import Assignment, Ticket, TicketClock, TicketEvent, TicketOutbox, TicketWords
from workflow.instances import fresh, stored

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


def columns(one):
    return {name: value for name, value in vars(one).items() if name != "_state"}


@pytest.mark.parametrize("model", [TicketEvent, TicketWords, TicketOutbox, TicketClock, Assignment])
def test_a_fresh_instance_has_every_default_of_the_model(model):
    mine, theirs = columns(fresh(model)), columns(model())
    assert mine.keys() == theirs.keys()
    for name, value in theirs.items():
        assert type(mine[name]) is type(value)
        assert mine[name] == value or name == "id" or "Database" in type(value).__name__


def test_what_is_mutable_belongs_to_one_instance_alone():
    one, other = fresh(TicketClock), fresh(TicketClock)
    one.spans.append(AT)
    assert other.spans == TicketClock().spans == []


def test_given_values_go_before_defaults():
    key = uuid.UUID(int=7)
    one = fresh(TicketClock, subject_id=key, name="handle", spans=[AT])
    assert (one.subject_id, one.name, one.spans, one._state.adding) == (key, "handle", [AT], True)


def test_a_stored_instance_is_the_one_that_the_orm_reads(scene):
    pk = scene.file()
    theirs = Ticket.objects.get(pk=pk)
    names = [field.attname for field in Ticket._meta.concrete_fields]
    (mine,) = stored(Ticket, names, Ticket.objects.values_list(*names).filter(pk=pk))
    assert columns(mine) == columns(theirs)
    assert (mine._state.adding, mine._state.db) == (False, connection.alias)
    assert mine == theirs
    with pytest.raises(AttributeError):
        mine.state = "closed"


def test_the_engine_s_rows_in_tests_have_the_columns_of_a_clock():
    own = {field.attname for field in TicketClock._meta.concrete_fields} - {"id", "street_id", "subject_id"}
    assert own == set(vars(clock("7d", AT)))
