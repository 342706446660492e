"""`manage.py verify_audit` finds what was changed behind Linli's back, and nothing else."""

import uuid
from datetime import timedelta
from importlib import import_module

import pytest
from django.db import connection, transaction
from django.db.models import F, ProtectedError
from django.utils import timezone

from community.models import OffDuty, Organisation, Person, Rota
from tests.commands import outcome
from tests.tickets.committed import behind_linlis_back
from tickets.models import Ticket, TicketClock, TicketEvent, TicketFiring, TicketOutbox
from tickets.states import State
from workflow.references import Orphan, orphans, references
from workflow.seals import seal_heads
from workflow.verification import verify


@pytest.fixture
def tickets(api):
    """Three tickets, the first with a second event."""
    filed = [api("resident").file("CL07"), api("neighbour").file("CL02"), api("resident").file("RP04")]
    api("dispatcher").move(filed[0], "sign")
    return [Ticket.objects.get(pk=one["id"]) for one in filed]


def change(ticket: Ticket, seq: int, **facts: str) -> None:
    with behind_linlis_back():
        assert TicketEvent.objects.filter(subject=ticket, seq=seq).update(**facts) == 1


def test_sound_histories_are_counted(tickets):
    told, complained, error = outcome("verify_audit")
    assert told.startswith("3 tickets with 4 events in ")
    assert "Every history holds." in told
    assert (complained, error) == ("", "")


def test_with_nothing_to_prove_it_is_content(db):
    told, _, error = outcome("verify_audit")
    assert told.startswith("0 tickets with 0 events")
    assert error == ""


def test_the_first_flaw_is_named_and_ends_it(tickets):
    change(tickets[0], 2, verb="reply")
    change(tickets[2], 1, verb="reply")
    told, complained, error = outcome("verify_audit")
    assert complained == f"{tickets[0].code} ({tickets[0].pk}), event 2: its digest does not match its contents\n"
    assert "number 1" in error
    assert "holds" not in told


def test_all_tells_every_flaw(tickets):
    change(tickets[0], 2, verb="reply")
    change(tickets[2], 1, verb="reply")
    told, complained, error = outcome("verify_audit", all=True)
    assert [line.split()[0] for line in complained.splitlines()] == [tickets[0].code, tickets[2].code]
    assert error == "2 of 3 tickets are flawed."
    assert "holds" not in told


def test_a_ticket_that_moves_meanwhile_is_not_flawed(tickets, api):
    """The move happens between the audit's reading of the tickets and its reading of their events."""
    moved = []

    def move_meanwhile(execute, sql, params, many, context):
        if 'FROM "tickets_ticketevent"' in sql and not moved:
            moved.append(sql)
            api("resident").move({"id": str(tickets[0].pk)}, "urge")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(move_meanwhile):
        results = list(verify(Ticket))
    assert moved
    assert [flaw for _, flaw in results] == [None, None, None]
    assert TicketEvent.objects.filter(subject=tickets[0], verb="urge").exists()


@pytest.mark.parametrize(
    "change_of",
    [
        {"due_at": F("due_at") + timedelta(hours=1)},
        {"stopped_at": None, "consumed": None, "over": None},
        {"breached_at": F("due_at")},
        {"budget": "90d"},
        {"rung": 7},
    ],
)
def test_a_clock_that_was_moved_behind_linlis_back_is_found(tickets, change_of):
    TicketClock.objects.filter(subject=tickets[0], name="sign").update(**change_of)
    _, complained, error = outcome("verify_audit")
    assert "the clock 'sign' that it started is not as the history says" in complained
    assert error


def test_a_clock_that_is_missing_or_one_too_many_is_found(tickets):
    TicketClock.objects.filter(subject=tickets[1], name="overall").delete()
    extra = TicketClock.objects.get(subject=tickets[2], name="overall")
    extra.pk, extra._state.adding, extra.epoch = uuid.uuid4(), True, 7
    extra.save(force_insert=True)
    _, complained, error = outcome("verify_audit", all=True)
    assert complained.count("the clock 'overall'") == 2
    assert error.startswith("2 of 3")


def test_ratings_of_an_older_release_are_known_as_the_street_s_own_after_its_migration(scene):
    rated = {}
    for who, on_behalf in (("desk_officer", "reporter"), ("resident", "")):
        rated[who] = scene.reach(State.REPLIED)
        scene.do(who, rated[who], "confirm", on_behalf=on_behalf, resolved=True, rating=5)
    scene.reach(State.CLOSED)
    Ticket.objects.update(rated_on_behalf=False)
    migration = import_module("tickets.migrations.0024_rated_on_behalf")
    with connection.cursor() as cursor:
        cursor.execute(migration.RATED_ON_BEHALF)
    assert [ticket.pk for ticket in Ticket.objects.filter(rated_on_behalf=True)] == [rated["desk_officer"]]


def test_what_names_a_street_that_is_not_there_is_found(tickets):
    row = TicketOutbox.objects.first()
    nowhere = uuid.uuid4()
    TicketOutbox.objects.filter(pk=row.pk).update(street=nowhere)
    told, complained, error = outcome("verify_audit")
    assert complained == f"tickets_ticketoutbox {row.pk}: its street_id {nowhere} does not exist\n"
    assert error == "1 rows name a row that is not there."
    assert "holds" not in told


def test_every_column_that_postgresql_does_not_check_is_looked_at(tickets, api):
    api("neighbour").move({"id": str(tickets[0].pk)}, "cosign")
    seal_heads(Ticket, timezone.now(), street=tickets[0].street)
    event, clock = TicketEvent.objects.first(), TicketClock.objects.first()
    TicketFiring.objects.create(
        street_id=event.street_id, clock=clock, event=event, rung="x", due_at=event.at, fired_at=event.at
    )
    office, person = Organisation.objects.get(pk=tickets[0].desk_id), Person.objects.first()
    Rota.objects.create(organisation=office, changed_by=person)
    OffDuty.objects.create(organisation=office, person=person, noted_by=person, since=event.at)
    assert list(orphans()) == []
    looked_at = list(references())
    assert len(looked_at) >= 20
    for field in looked_at:
        nowhere, rows = uuid.uuid4(), field.model._base_manager.all()
        row = rows.order_by("pk").first()
        with transaction.atomic():
            with behind_linlis_back():
                rows.filter(pk=row.pk).update(**{field.attname: nowhere})
            key = nowhere if field.primary_key else row.pk
            assert list(orphans()) == [Orphan(field.model._meta.db_table, key, field.attname, nowhere)]
            transaction.set_rollback(True)


def test_django_refuses_to_delete_what_is_named(tickets):
    for named in (tickets[0].street, tickets[0].area, tickets[0].compound, tickets[0].desk):
        with pytest.raises(ProtectedError):
            named.delete()
