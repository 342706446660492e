"""Rows that a kept statement writes are those that the ORM would have made."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, models, transaction
from django.test.utils import isolate_apps

from community.models import Household, Organisation
from tests.statements import statements
from tickets.models import Assignment, Ticket, TicketEvent, TicketOutbox, TicketWords
from tickets.states import AssignmentRole
from web.models import new_ids
from workflow.rows import Change, write_rows


@pytest.fixture
def ticket(scene) -> Ticket:
    """A ticket in coordination."""
    return Ticket.objects.get(pk=scene.reach("coordinating"))


def assignments(ticket: Ticket, *names: str) -> list[Assignment]:
    at = datetime(2026, 1, 5, 9, tzinfo=UTC)
    return [
        Assignment(
            street_id=ticket.street_id, ticket=ticket, organisation=Organisation.objects.get(name=name),
            role=AssignmentRole.WHISTLED, opened_at=at, next_due_at=at,
        )
        for name in names
    ]  # fmt: skip


def columns(row) -> dict:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key}


def test_one_statement_inserts_what_bulk_create_would(ticket):
    names = ["城市管理办公室", "民生保障办公室"]
    mine, theirs = assignments(ticket, *names), assignments(ticket, *names)
    with statements() as made:
        write_rows(mine)
    assert len(made) == 1
    found = [Assignment.objects.get(pk=row.pk) for row in mine]
    Assignment.objects.filter(pk__in=[row.pk for row in mine]).delete()
    Assignment.objects.bulk_create(theirs)
    assert [columns(row) for row in found] == [columns(Assignment.objects.get(pk=row.pk)) for row in theirs]
    assert not any(row._state.adding for row in mine)


def test_members_of_enumerations_are_stored_by_their_value(ticket):
    (row,) = assignments(ticket, "城市管理办公室")
    write_rows([row])
    with connection.cursor() as cursor:
        cursor.execute("SELECT role, outcome FROM tickets_assignment WHERE id = %s", [row.pk])
        assert cursor.fetchone() == ("whistled", "")


def test_json_and_bytes_come_back_as_they_went(ticket):
    event = TicketEvent.objects.filter(subject=ticket).latest("seq")
    words = TicketWords.objects.get(event=TicketEvent.objects.get(subject=ticket, seq=1))
    assert isinstance(event.data, dict)
    assert words.body["text"]
    assert len(bytes(words.salt)) == 16
    assert TicketOutbox.objects.get(event=event).audience


def test_the_databases_own_constraints_hold(ticket):
    with pytest.raises(IntegrityError), transaction.atomic():
        write_rows(assignments(ticket, "城市管理办公室", "城市管理办公室"))
    assert not Assignment.objects.filter(ticket=ticket, organisation__name="城市管理办公室").exists()


def test_a_value_that_it_does_not_know_is_refused(ticket):
    (row,) = assignments(ticket, "城市管理办公室")
    row.step = 1j
    with pytest.raises(TypeError, match="complex"):
        write_rows([row])


def test_decimals_are_written_as_they_are(db):
    home = Household.objects.filter(exclusive_area__isnull=False)[0]
    home.exclusive_area = Decimal("88.88")
    write_rows(changes=[Change([home], ("exclusive_area",))])
    assert Household.objects.get(pk=home.pk).exclusive_area == Decimal("88.88")


def test_a_change_writes_the_named_columns_and_no_others(ticket):
    (row,) = assignments(ticket, "城市管理办公室")
    write_rows([row])
    row.step, row.return_asked = 3, True
    write_rows(changes=[Change([row], ("step",))])
    found = Assignment.objects.get(pk=row.pk)
    assert (found.step, found.return_asked) == (3, False)


@isolate_apps("tests.workflow.poll")
def test_an_attribute_may_have_a_column_of_another_name(db):
    class Renamed(models.Model):
        id = models.UUIDField(primary_key=True, db_column="key")
        said = models.TextField(db_column="what was said")

        class Meta:
            app_label = "poll"

    with connection.cursor() as cursor:
        cursor.execute(
            'CREATE TEMPORARY TABLE poll_renamed (key uuid PRIMARY KEY, "what was said" text) ON COMMIT DROP'
        )
    rows = [Renamed(id=new, said="一") for new in new_ids(2)]
    write_rows(rows)
    rows[0].said, rows[1].said = "二", "三"
    write_rows(changes=[Change(rows[:1], ("said",))])
    assert sorted(Renamed.objects.values_list("said", flat=True)) == ["一", "二"]
    rows[0].said = "四"
    write_rows(changes=[Change(rows, ("said",))])
    assert [Renamed.objects.get(pk=row.pk).said for row in rows] == ["四", "三"]


def test_a_change_and_new_rows_go_by_one_statement(ticket):
    ticket.level, new = 2, assignments(ticket, "城市管理办公室")
    with statements() as made:
        write_rows(new, changes=[Change([ticket], ("level",))])
    assert len(made) == 1
    assert Ticket.objects.get(pk=ticket.pk).level == 2
    assert Assignment.objects.filter(ticket=ticket, organisation__name="城市管理办公室").exists()


def test_a_row_that_is_gone_cannot_be_changed(ticket):
    (row,) = assignments(ticket, "城市管理办公室")
    write_rows([row])
    Assignment.objects.filter(pk=row.pk).delete()
    with pytest.raises(DatabaseError, match="not there"):
        write_rows(changes=[Change([row], ("step",))])
