"""Telling what happened: once, together with what the telling wrote, and nobody held up by a row that fails."""

import threading
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from community import demo
from tests.connections import together
from tests.tickets.committed import need_superuser, remove
from tests.tickets.paths import Scene
from tickets.models import Follower, Ticket, TicketOutbox
from tickets.models.follower import FollowerKind
from workflow.outbox import drain


def each(tell):
    """What tells a batch, row by row."""

    def told(rows):
        for row in rows:
            tell(row)

    return told


def moved(scene: Scene, moves: int) -> list:
    """The rows of a new ticket's report and of so many moves, oldest first."""
    ticket = scene.file()
    for _ in range(moves):
        scene.do("desk_officer", ticket, "record", met_with="业主", agreed="周五前整改")
    return list(TicketOutbox.objects.order_by("available_at", "pk"))


@pytest.mark.django_db
def test_every_row_is_told_once_oldest_first_and_then_gone(scene):
    rows = moved(scene, 3)
    told = []
    assert drain(TicketOutbox, each(lambda row: told.append((row.pk, row.event.seq)))) == 4
    assert told == [(row.pk, seq) for seq, row in enumerate(rows, start=1)]
    assert not TicketOutbox.objects.exists()
    assert drain(TicketOutbox, each(lambda row: told.append(row))) == 0
    assert len(told) == 4


@pytest.mark.django_db
def test_a_drain_takes_no_more_than_its_limit(scene):
    moved(scene, 3)
    assert drain(TicketOutbox, each(lambda row: None), limit=3) == 3
    assert TicketOutbox.objects.count() == 1


@pytest.mark.django_db
def test_a_row_that_fails_stays_without_what_it_wrote_and_holds_nobody_up(scene):
    bad = moved(scene, 2)[1]
    told = []

    def tell(row):
        Follower.objects.create(
            street_id=row.street_id,
            ticket_id=row.event.subject_id,
            person_id=scene.cast[("chair", "outsider", "member")[row.event.seq - 1]].pk,
            kind=FollowerKind.COSIGNED,
            since=row.event.at,
        )
        if row.pk == bad.pk:
            raise ValueError("no way through " + "x" * 300)
        told.append(row.event.seq)

    assert drain(TicketOutbox, each(tell)) == 2
    assert told == [1, 1, 3], "The batch failed at the second, and then each was told by itself."
    assert Follower.objects.count() == 2
    (left,) = TicketOutbox.objects.all()
    assert (left.pk, left.attempts) == (bad.pk, 1)
    assert left.error.startswith("ValueError: no way through")
    assert len(left.error) == 200


@pytest.mark.django_db
def test_a_row_that_breaks_the_database_s_rules_holds_nobody_up(scene):
    bad = moved(scene, 1)[0]

    def tell(row):
        if row.pk == bad.pk:
            TicketOutbox.objects.create(id=row.pk, street_id=row.street_id, event=row.event)

    assert drain(TicketOutbox, each(tell)) == 1
    assert TicketOutbox.objects.get().error.startswith("IntegrityError")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("attempts", "wait"), [(0, 1), (1, 2), (5, 32), (11, 2048), (12, 3600), (40, 3600), (900, 3600)]
)
def test_each_failure_waits_longer_up_to_an_hour_with_jitter(scene, attempts, wait):
    moved(scene, 0)
    TicketOutbox.objects.update(attempts=attempts)

    def fail(row):
        raise RuntimeError("down")

    assert drain(TicketOutbox, each(fail)) == 0
    left = TicketOutbox.objects.annotate(now=Now()).get()
    waited = (left.available_at - left.now).total_seconds()
    assert wait * 0.5 <= waited <= wait * 1.5
    assert left.attempts == attempts + 1
    assert drain(TicketOutbox, each(fail)) == 0
    assert TicketOutbox.objects.get().attempts == attempts + 1, "A row that waits was tried again."
    TicketOutbox.objects.update(available_at=Now() - timedelta(microseconds=1))
    assert drain(TicketOutbox, each(lambda row: None)) == 1


class Killed(BaseException):
    """The process dies: nothing in it can catch this."""


@pytest.mark.django_db
def test_a_crash_in_the_middle_leaves_every_row_and_nothing_that_telling_wrote(scene):
    rows = moved(scene, 2)

    def tell(row):
        Follower.objects.create(
            street_id=row.street_id,
            ticket_id=row.event.subject_id,
            person_id=scene.cast[("chair", "outsider", "member")[row.event.seq - 1]].pk,
            kind=FollowerKind.COSIGNED,
            since=row.event.at,
        )
        if row.event.seq == 2:
            raise Killed

    with pytest.raises(Killed), transaction.atomic():
        drain(TicketOutbox, each(tell))
    assert [row.pk for row in TicketOutbox.objects.order_by("available_at", "pk")] == [row.pk for row in rows]
    assert not Follower.objects.exists()
    assert set(TicketOutbox.objects.values_list("attempts", flat=True)) == {0}


# With committed rows and several drainers.


@pytest.fixture
def committed(transactional_db):
    """A scene whose rows are committed, and taken away again afterwards in spite of the history's own guard."""
    need_superuser()
    known = list(Ticket.objects.values_list("pk", flat=True))
    yield Scene(demo.cast())
    remove(list(Ticket.objects.exclude(pk__in=known).values_list("pk", flat=True)))
    assert not TicketOutbox.objects.exists()


def test_drainers_at_once_never_tell_a_row_twice(committed):
    total = len(moved(committed, 39))
    told, guard = [], threading.Lock()

    def tell(row):
        with guard:
            told.append(row.pk)

    def work(number):
        mine = 0
        while TicketOutbox.objects.exists():
            mine += drain(TicketOutbox, each(tell), limit=3)
        return mine

    assert sum(together(6, work)) == total == 40
    assert len(told) == len(set(told)) == total


def test_what_belongs_together_is_told_by_one_of_many_at_once(committed):
    ticket = committed.file()
    moments = [committed.now + timedelta(hours=hour) for hour in range(1, 9)]
    for moment in moments:
        for _ in range(5):
            committed.do("desk_officer", ticket, "record", met_with="业主", agreed="周五前整改", at=moment)
    told, guard = [], threading.Lock()

    def tell(rows):
        with guard:
            told.append([(row.event.at, row.pk) for row in rows])

    def work(number):
        while TicketOutbox.objects.exists():
            drain(TicketOutbox, tell, limit=3, belongs=lambda row: row.event.verb == "record")

    together(6, work)
    assert sum(map(len, told)) == len({one for call in told for one in call}) == 41
    for moment in moments:
        assert sorted(sum(at == moment for at, _ in call) for call in told)[-2:] == [0, 5]


@pytest.mark.django_db
def test_what_belongs_together_fails_together_and_is_put_off_as_one(scene):
    ticket, later = scene.file(), scene.now + timedelta(hours=1)
    for moment in (later, later, later + timedelta(hours=1)):
        scene.do("desk_officer", ticket, "record", met_with="业主", agreed="周五前整改", at=moment)
    calls = []

    def tell(rows):
        calls.append([row.event.seq for row in rows])
        if 3 in calls[-1]:
            raise ValueError("no")

    assert drain(TicketOutbox, tell, limit=2, belongs=lambda row: row.event.verb == "record") == 1
    assert calls == [[1, 2, 3], [1], [2, 3]]
    left = list(TicketOutbox.objects.order_by("pk"))
    assert [(row.event.seq, row.attempts) for row in left] == [(2, 1), (3, 1), (4, 0)]
    assert left[0].available_at == left[1].available_at > left[2].available_at


def test_a_row_that_is_being_told_is_passed_over_and_not_waited_for(committed):
    first, second = moved(committed, 1)
    holding, release = threading.Event(), threading.Event()
    told = {"slow": [], "quick": []}

    def slow(row):
        told["slow"].append(row.pk)
        holding.set()
        assert release.wait(10)

    def quick():
        assert holding.wait(10)
        began = timezone.now()
        drain(TicketOutbox, each(lambda row: told["quick"].append(row.pk)))
        took = timezone.now() - began
        release.set()
        return took

    took = together(2, lambda number: drain(TicketOutbox, each(slow), limit=1) if number == 0 else quick())[1]
    assert told == {"slow": [first.pk], "quick": [second.pk]}
    assert took < timedelta(seconds=2)
