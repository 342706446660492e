"""Whatever is changed, removed or added behind Linli's back is named by the audit: column by column, row by row."""

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction
from django.db.migrations.state import ProjectState
from django.db.models import F
from django.utils import timezone

from casework import sealing
from community.models import Street
from tests.commands import outcome, printed
from tests.statements import statements
from tests.tickets.committed import behind_linlis_back
from tickets.models import Assignment, Follower, Photo, Ticket, TicketClock, TicketEvent, TicketSeal, TicketWords
from tickets.models.clock import TicketFiring
from web.words import en
from workflow.append_only import AppendOnly
from workflow.audit import canonical, head_after, keyed
from workflow.moment import at
from workflow.seals import Head

pytestmark = pytest.mark.django_db

# What failing to fire a clock leaves there, and what says nothing of the ticket.
NO_FLAW = {("ticketclock", "failures"), ("ticketclock", "error")}


@pytest.fixture
def ticket(api):
    """A ticket with words, photos, an assignment, clocks, a firing and a follower."""
    filed = api("resident").file("CL07", photos=[api("resident").photo()])
    api("neighbour").move(filed, "cosign")
    api("dispatcher").move(filed, "sign")
    with at(timezone.now() + timedelta(days=6)):
        call_command("tick", only="clocks", stdout=StringIO())
    assert TicketFiring.objects.filter(clock__subject=filed["id"]).exists()
    return Ticket.objects.get(pk=filed["id"])


def audit(*heads: str) -> str:
    """What the audit complains of, with its last words; empty where everything holds."""
    _, complained, error = outcome("verify_audit", head=list(heads), all=True)
    return f"{complained}{error}"


def rows_of(ticket: Ticket) -> dict[str, models.QuerySet[Any]]:
    return {
        "ticket": Ticket.objects.filter(pk=ticket.pk),
        "assignment": Assignment.objects.filter(ticket=ticket),
        "ticketevent": TicketEvent.objects.filter(subject=ticket),
        "ticketwords": TicketWords.objects.filter(event__subject=ticket),
        "ticketclock": TicketClock.objects.filter(subject=ticket),
        "ticketfiring": TicketFiring.objects.filter(clock__subject=ticket),
        "follower": Follower.objects.filter(ticket=ticket),
        "photo": Photo.objects.filter(ticket=ticket),
    }


def other_values(field: Any, value: Any) -> Iterator[Any]:
    """Values that the column could hold in the place of its own."""
    if field.null and value is not None:
        yield None
    match field:
        case ArrayField(base_field=models.IntegerField()):
            yield [*value, 7]
        case ArrayField():
            yield [*value, uuid.uuid4() if isinstance(field.base_field, models.UUIDField) else timezone.now()]
        case models.ForeignKey():
            yield from field.related_model._base_manager.exclude(pk=value).values_list("pk", flat=True)[:1]
        case models.BooleanField():
            yield not value
        case models.DateTimeField():
            yield (value or datetime(2026, 1, 1, tzinfo=timezone.get_current_timezone())) + timedelta(microseconds=1)
        case models.DateField():
            yield (value or date(2026, 1, 1)) + timedelta(days=1)
        case models.DurationField():
            yield (value or timedelta()) + timedelta(microseconds=1)
        case models.IntegerField():
            yield (value or 0) + 1
        case models.UUIDField():
            yield uuid.uuid4()
        case models.JSONField():
            yield {**value, "more": 1}
        case models.BinaryField():
            yield bytes(32)
            yield b""
        case _:
            yield from [one for one, _ in field.choices if one != value][:1] if field.choices else [f"{value}x"[-4:]]


@pytest.mark.parametrize(
    "model", [Ticket, Assignment, TicketEvent, TicketWords, TicketClock, TicketFiring, Follower, Photo]
)
def test_no_column_changes_unseen(ticket, model):
    assert audit() == ""
    rows, unseen, tried = rows_of(ticket)[model._meta.model_name], [], 0
    for field in model._meta.concrete_fields:
        if field.primary_key or field.generated or (model._meta.model_name, field.attname) in NO_FLAW:
            continue
        for row in rows:
            value = getattr(row, field.attname)
            for other in other_values(field, value):
                if isinstance(field, models.BinaryField) and bytes(other) == bytes(value):
                    continue
                tried += 1
                if not seen(row, field.attname, other):
                    unseen.append(f"{field.attname} of {row}: {value!r} became {other!r}")
    assert unseen == []
    assert tried > len(rows)
    assert audit() == ""


def seen(row: models.Model, column: str, value: Any) -> bool:
    """Whether the audit sees that this column was changed; PostgreSQL may refuse it besides."""
    try:
        with transaction.atomic():
            with behind_linlis_back():
                assert type(row)._base_manager.filter(pk=row.pk).update(**{column: value}) == 1
            found = bool(audit())
            transaction.set_rollback(True)
    except IntegrityError:
        return True
    return found


def failing(ticket: Ticket, **columns: Any) -> str:
    """What the audit says, a minute after a clock was due, where it is marked as one that cannot be fired."""
    clock = TicketClock.objects.filter(subject=ticket, fire_at__isnull=False).order_by("fire_at").first()
    TicketClock.objects.filter(pk=clock.pk).update(failures=1, **columns)
    with at(clock.fire_at + timedelta(minutes=1)):
        return audit()


def test_a_clock_that_cannot_be_fired_is_no_flaw(ticket):
    assert failing(ticket) == ""
    assert failing(ticket, fire_at=F("fire_at") + timedelta(minutes=3)) == ""


@pytest.mark.parametrize(
    "columns",
    [
        {"fire_at": None},
        {"fire_at": F("fire_at") - timedelta(minutes=3)},
        {"fire_at": F("fire_at") + timedelta(days=3000)},
        {"due_at": F("due_at") + timedelta(days=1)},
    ],
)
def test_a_clock_that_cannot_be_fired_hides_nothing(ticket, columns):
    assert "is not as the history says" in failing(ticket, **columns)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("ticketevent", "a row of it belongs to another street_id"),
        ("ticketwords", "a row of it belongs to another street_id"),
        ("ticketclock", "the clock 'sign' belongs to another street_id"),
    ],
)
def test_a_row_that_was_given_to_another_street_is_found(ticket, table, said):
    other = Street.objects.create(code="elsewhere", name="别处街道")
    row = rows_of(ticket)[table].order_by("pk").first()
    with behind_linlis_back():
        assert type(row)._base_manager.filter(pk=row.pk).update(street=other) == 1
    assert said in audit()


# Followers come, say their word and go.


def test_every_change_of_the_followers_is_sealed(api):
    master, other = api("resident").file("CL07"), api("neighbour").file("CL07")
    for who, ticket, move, inputs in (
        ("neighbour", master, "cosign", {}),
        ("neighbour", master, "uncosign", {}),
        ("desk_officer", other, "merge", {"into": master["id"]}),
        ("desk_officer", other, "split", {}),
        ("neighbour", master, "cosign", {}),
    ):
        api(who).move(ticket, move, **inputs)
        assert audit() == "", move
    assert Follower.objects.filter(ticket=master["id"]).count() == 1


def test_the_file_of_a_photo_is_read_where_it_is_asked_for(ticket):
    photo = Photo.objects.get(ticket=ticket)
    assert outcome("verify_audit", photos=True)[1:] == ("", "")
    path = Path(default_storage.path(photo.full))
    whole = path.read_bytes()
    for content, reason in ((whole + b"x", "was changed"), (None, "is gone")):
        path.unlink() if content is None else path.write_bytes(content)
        _, complained, error = outcome("verify_audit", photos=True)
        assert "1 photos are not as they were uploaded" in error
        assert f"the file of photo {photo.pk} {reason}" in complained


# Rows that are gone, or one too many.


@pytest.mark.parametrize(
    "table", ["assignment", "ticketevent", "ticketwords", "ticketclock", "ticketfiring", "follower", "photo"]
)
def test_no_row_goes_unseen(ticket, table):
    for row in rows_of(ticket)[table]:
        with transaction.atomic():
            with behind_linlis_back():
                assert type(row)._base_manager.filter(pk=row.pk)._raw_delete("default") == 1
            assert audit(), row
            transaction.set_rollback(True)


@pytest.mark.parametrize("table", ["assignment", "ticketclock", "ticketfiring", "follower", "photo"])
def test_no_row_comes_unseen(ticket, table):
    for row in rows_of(ticket)[table]:
        row.pk, row._state.adding = uuid.uuid4(), True
        try:
            with transaction.atomic():
                with behind_linlis_back():
                    row.save(force_insert=True)
                assert audit(), row
                transaction.set_rollback(True)
        except IntegrityError:
            # PostgreSQL itself refuses it.
            continue


def test_a_firing_too_many_is_named_by_what_is_wrong_with_it(ticket, api):
    other = api("neighbour").file("CL02")
    first = TicketFiring.objects.filter(clock__subject=ticket).earliest("pk")
    count = Ticket.objects.get(pk=ticket.pk).event_count
    for event, said in (
        (first.event, f"event {count}: an event has two firings"),
        (
            TicketEvent.objects.get(subject=ticket, seq=1),
            "event 1: no rung brought it about, and there is a firing of it",
        ),
        (TicketEvent.objects.get(subject=other["id"]), f"event {count}: there is a firing without an event"),
    ):
        with transaction.atomic():
            columns = {name: getattr(first, name) for name in ("street_id", "clock_id", "due_at", "fired_at")}
            TicketFiring.objects.create(event=event, rung="another", **columns)
            assert said in audit()
            transaction.set_rollback(True)
    assert audit() == ""


# Whole tickets.


def sealed(street_id: uuid.UUID) -> str:
    """The street's latest head, as it is kept elsewhere."""
    sealing.seal_all()
    return next(str(head) for head, seal in sealing.latest_heads() if seal.street_id == street_id)


def copy_of(ticket: Ticket) -> dict[str, list[Any]]:
    return {name: list(rows) for name, rows in rows_of(ticket).items()}


def remove(ticket: Ticket) -> None:
    """Remove a ticket with everything that hangs on it."""
    with behind_linlis_back() as cursor:
        for table, column in (
            ("tickets_ticketwords", "event_id IN (SELECT id FROM tickets_ticketevent WHERE subject_id = %s)"),
            ("tickets_ticketoutbox", "event_id IN (SELECT id FROM tickets_ticketevent WHERE subject_id = %s)"),
            ("tickets_ticketfiring", "clock_id IN (SELECT id FROM tickets_ticketclock WHERE subject_id = %s)"),
            ("tickets_ticketclock", "subject_id = %s"),
            ("tickets_ticketevent", "subject_id = %s"),
            ("tickets_assignment", "ticket_id = %s"),
            ("tickets_follower", "ticket_id = %s"),
            ("tickets_photo", "ticket_id = %s"),
            ("tickets_ticket", "id = %s"),
        ):
            cursor.execute(f"DELETE FROM {table} WHERE {column}", [ticket.pk])  # noqa: S608


def put_back(copy: dict[str, list[Any]]) -> None:
    with behind_linlis_back():
        for rows in copy.values():
            type(rows[0])._base_manager.bulk_create(rows)


def test_a_ticket_that_is_gone_is_named(ticket):
    sealed(ticket.street_id)
    assert audit() == ""
    remove(ticket)
    assert f"{ticket.pk} was sealed with {ticket.event_count} events, and is gone" in audit()


def test_a_ticket_that_was_set_back_is_named(ticket, api):
    before = copy_of(ticket)
    api("dispatcher").move({"id": str(ticket.pk)}, "contact", result="reached")
    sealed(ticket.street_id)
    assert audit() == ""
    remove(ticket)
    put_back(before)
    assert "it was set back" in audit()


def test_what_came_after_the_last_seal_is_proved_by_its_own_chain(ticket, api):
    sealed(ticket.street_id)
    api("dispatcher").move({"id": str(ticket.pk)}, "contact", result="reached")
    assert audit() == ""


def test_an_hour_is_sealed_once(ticket):
    now = timezone.now()
    with at(now):
        assert sealing.seal_all() == 1
        assert sealing.seal_all() == 0
    with at(now + timedelta(minutes=59)):
        assert sealing.seal_all() == 0
    with at(now + timedelta(hours=1)):
        assert sealing.seal_all() == 1
    first, second = TicketSeal.objects.order_by("number")
    assert [entry[0] for entry in first.body] == [
        str(pk) for pk in Ticket.objects.order_by("pk").values_list("pk", flat=True)
    ]
    # Nothing has changed since.
    assert (first.number, second.number, second.body) == (1, 2, [])


def test_a_seal_lists_what_has_changed_since_the_one_before(ticket, api):
    now = timezone.now()
    other = api("resident").file("CL02")
    with at(now):
        sealing.seal_all()
    api("dispatcher").move(other, "sign")
    with at(now + timedelta(hours=1)):
        sealing.seal_all()
    latest = TicketSeal.objects.order_by("-number").first()
    assert [(key, count) for key, count, _ in latest.body] == [(other["id"], 2)]


@pytest.mark.parametrize(
    "change", [{"body": []}, {"at": F("at") - timedelta(hours=1)}, {"number": 7}, {"digest": bytes(32)}]
)
def test_a_seal_that_was_changed_is_found(ticket, change):
    sealed(ticket.street_id)
    with behind_linlis_back():
        TicketSeal.objects.update(**change)
    assert "The chain of seals does not hold." in audit()


def test_a_seal_that_is_missing_is_found(ticket):
    for hours in range(3):
        with at(timezone.now() + timedelta(hours=hours)):
            sealing.seal_all()
    with behind_linlis_back():
        TicketSeal.objects.filter(number=2)._raw_delete("default")
    assert "seal 2 is missing" in audit()


def test_seals_are_append_only(ticket):
    sealed(ticket.street_id)
    for refused in (
        lambda: TicketSeal.objects.update(number=2),
        lambda: TicketSeal.objects.all()._raw_delete("default"),
    ):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            refused()


def test_a_migration_that_lets_a_table_only_grow_can_be_taken_back(ticket):
    sealed(ticket.street_id)
    operation, state = AppendOnly("TicketSeal"), ProjectState.from_apps(apps)
    # PostgreSQL changes no triggers of a table on which some have still to run.
    connection.check_constraints()
    with connection.schema_editor() as editor:
        operation.database_backwards("tickets", editor, state, state)
    assert TicketSeal.objects.update(number=2) == 1
    connection.check_constraints()
    with connection.schema_editor() as editor:
        operation.database_forwards("tickets", editor, state, state)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        TicketSeal.objects.update(number=1)


def test_a_backup_of_yesterday_is_recognised_by_a_head_that_was_kept_elsewhere(ticket, api):
    """The intruder, or the restore, sets everything back, seals and all: only what was kept elsewhere tells."""
    sealed(ticket.street_id)
    before, seals = copy_of(ticket), list(TicketSeal.objects.all())
    api("dispatcher").move({"id": str(ticket.pk)}, "contact", result="reached")
    with at(timezone.now() + timedelta(days=1)):
        head = sealed(ticket.street_id)
    assert audit(head) == ""
    remove(ticket)
    put_back(before)
    with behind_linlis_back():
        TicketSeal.objects.exclude(pk__in=[one.pk for one in seals])._raw_delete("default")
    assert audit() == ""
    assert "this is a backup of an earlier time" in audit(head)


def test_a_chain_of_seals_made_anew_is_recognised_by_a_head_that_was_kept_elsewhere(ticket):
    head = sealed(ticket.street_id)
    with behind_linlis_back():
        TicketSeal.objects.all()._raw_delete("default")
    with at(timezone.now() + timedelta(hours=2)):
        sealing.seal_all()
    assert audit() == ""
    assert "the chain was made anew" in audit(head)


def test_a_head_is_read_as_it_is_printed(ticket):
    head = printed("seal_audit").strip()
    assert audit(head) == ""
    street, number, digest = head.split(":")
    assert (street, number, len(digest)) == (ticket.street.code, "1", 64)
    assert "There is no street elsewhere." in audit(f"elsewhere:{number}:{digest}")
    assert "A head is written STREET:NUMBER:DIGEST" in audit("x")


def test_every_head_that_was_kept_is_compared_by_reading_the_chain_once(ticket):
    heads, now = [], timezone.now()
    for hours in range(4):
        with at(now + timedelta(hours=2 * hours)):
            heads.append(Head.parse(sealed(ticket.street_id)))
    forged = Head(heads[1].group, heads[1].number, bytes(32))
    later = Head(heads[1].group, 9, bytes(32))
    with statements() as one:
        assert sealing.read_all(heads[:1])[1] == []
    with statements() as many:
        _, flaws = sealing.read_all([*heads, forged, later])
    assert len(many) == len(one)
    assert {street for street, _ in flaws} == {ticket.street.code}
    told = [en(reason) for _, reason in flaws]
    assert [flaw[:7] for flaw in told] == ["seal 2 ", "the cha"]
    assert "the chain was made anew" in told[0]
    sealed_at = f"{(now + timedelta(hours=6)).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    assert f"ends with seal 4 of {sealed_at}, and number 9 was kept outside" in told[1]
    assert f"封印链止于第 4 枚（{sealed_at}），而在外保存的是第 9 枚" in str(flaws[1][1])


def test_a_chain_of_which_nothing_is_left_is_recognised_by_a_head_that_was_kept_elsewhere(ticket):
    head = sealed(ticket.street_id)
    with behind_linlis_back():
        TicketSeal.objects.all()._raw_delete("default")
    assert "the chain ends with seal 0, and number 1 was kept outside" in audit(head)


def test_all_streets_are_sealed_as_of_one_moment(ticket):
    other = Street.objects.create(code="elsewhere", name="别处街道", name_en="Elsewhere")
    assert sealing.seal_all() == 2
    first, second = TicketSeal.objects.filter(number=1).values_list("street", "at")
    assert {first[0], second[0]} == {ticket.street_id, other.pk}
    assert first[1] == second[1]


def test_heads_are_mailed(ticket, mailoutbox, settings):
    settings.EMAIL_FROM = "linli@example.org"
    call_command("seal_audit", mail=["auditor@example.org"], stdout=StringIO())
    (mail,) = mailoutbox
    assert mail.to == ["auditor@example.org"]
    assert mail.body.startswith(f"{ticket.street.code}:1:")


# Tickets of the time before there were row seals.


@pytest.fixture
def old_ticket(ticket, settings):
    """The ticket as the release before wrote it: digests of the older kind, and no seal over its row."""
    head = b""
    with behind_linlis_back():
        for event in TicketEvent.objects.filter(subject=ticket).order_by("seq"):
            digest = keyed(head + canonical(event))
            head = head_after(digest)
            TicketEvent.objects.filter(pk=event.pk).update(digest=digest)
        Ticket.objects.filter(pk=ticket.pk).update(head=head, seal=b"", followers_seal=b"\0")
        Photo.objects.filter(ticket=ticket).update(seal=b"")
    return Ticket.objects.get(pk=ticket.pk)


def test_an_old_ticket_still_holds_and_goes_on(old_ticket, api):
    assert audit() == ""
    api("dispatcher").move({"id": str(old_ticket.pk)}, "contact", result="reached")
    assert audit() == ""
    Ticket.objects.filter(pk=old_ticket.pk).update(seal=b"")
    assert "is not as its last event left it" in audit()


def test_an_old_row_is_sealed_with_the_first_seal_of_its_street(old_ticket):
    sealed(old_ticket.street_id)
    assert audit() == ""
    assert len(bytes(Ticket.objects.get(pk=old_ticket.pk).seal)) == 32
    Follower.objects.filter(ticket=old_ticket).update(since=F("since") - timedelta(days=1))
    assert "its followers are not as they were left" in audit()
    Follower.objects.filter(ticket=old_ticket).update(since=F("since") + timedelta(days=1))
    for change in ({"title": "别的标题"}, {"seal": b""}, {"followers_seal": b"\0"}):
        with transaction.atomic():
            Ticket.objects.filter(pk=old_ticket.pk).update(**change)
            assert "is not as its last event left it" in audit()
            transaction.set_rollback(True)
