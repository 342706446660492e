"""The tickets of the demo street: simulated by the real moves and the real sweep, so that everything promised of tickets holds of them."""

from collections import Counter
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError
from django.utils import timezone

from community import demo
from community.actors import by_person
from tests.commands import printed
from tickets.models import Photo, Ticket, TicketClock, TicketEvent, TicketOutbox, TicketWords
from tickets.queries import in_communities, queue
from tickets.states import State
from workflow.verification import verify

COUNT, DAYS = 30, 4
WHO_WORKS = ("dispatcher", "lift_dispatcher", "other_dispatcher", "guard", "water_dispatcher", "enforcement_officer")


def simulate(**options: object) -> str:
    return printed("simulate", **{"tickets": COUNT, "days": DAYS, **options})


@pytest.fixture
def loaded(db, settings, tmp_path, django_capture_on_commit_callbacks):
    """A few days of tickets, committed as far as their photos are concerned."""
    settings.MEDIA_ROOT = tmp_path
    with django_capture_on_commit_callbacks(execute=True):
        simulate()


def test_there_are_as_many_as_asked_for_in_every_state_and_all_of_it_happened_in_these_days(loaded):
    states = Counter(Ticket.objects.values_list("state", flat=True))
    assert states.total() == COUNT
    assert set(states) == set(State)
    assert [flaw for _, flaw in verify(Ticket) if flaw] == []
    now = timezone.now()
    begin = now - timedelta(days=DAYS)
    assert not TicketEvent.objects.exclude(at__range=(begin - timedelta(minutes=5), now)).exists()
    filed = list(Ticket.objects.order_by("id").values_list("submitted_at", flat=True))
    assert filed == sorted(filed)


def test_nobody_of_the_cast_has_an_empty_list_and_nothing_is_due_but_not_fired(loaded):
    cast, end = demo.cast(), TicketEvent.objects.latest("at").at
    queues = {who: queue(by_person(cast[who].pk).actor, None).count() for who in WHO_WORKS}
    assert all(queues.values()), queues
    assert in_communities(by_person(cast["residents_committee_worker"].pk).actor).exists()
    assert Ticket.objects.filter(compound=None).exists()
    assert not TicketClock.objects.filter(fire_at__lte=end).exists()


def test_every_event_waits_to_be_told_and_photos_are_files_of_their_own(loaded):
    assert TicketOutbox.objects.count() == TicketEvent.objects.count()
    assert TicketWords.objects.filter(event__verb="submit").count() == COUNT
    photos = list(Photo.objects.all())
    assert photos
    assert all(photo.ticket_id for photo in photos)
    names = [name for photo in photos for name in (photo.full, photo.thumb)]
    assert len(set(names)) == len(names)
    assert all(default_storage.exists(name) for name in names)


def test_a_street_that_has_tickets_is_left_as_it_is_unless_more_are_asked_for(loaded):
    before = list(Ticket.objects.order_by("id").values())
    assert "nothing new" in simulate(once=True)
    with pytest.raises(CommandError, match="has tickets already"):
        simulate()
    assert list(Ticket.objects.order_by("id").values()) == before
    assert "Everything is kept." in simulate(into_used=True, seed=8)
    assert Ticket.objects.count() == 2 * COUNT


@pytest.mark.parametrize("options", [{"tickets": 17}, {"days": 1}])
def test_too_little_for_every_state_is_refused(db, options):
    with pytest.raises(CommandError, match="18 tickets at least"):
        simulate(**options)
    assert not Ticket.objects.exists()


def test_production_has_no_invented_tickets(db, settings):
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="not in production"):
        simulate()
    assert not Ticket.objects.exists()
