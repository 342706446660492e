"""The month of demo tickets: lived through with the real moves, so that everything promised of tickets holds of them."""

import random
from collections import Counter
from io import StringIO

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db.models import F
from django.utils import timezone

from tickets.demo import month
from tickets.demo.crowd import Crowd, settle
from tickets.models import Photo, Ticket, TicketEvent, TicketOutbox, TicketWords
from tickets.states import State
from workflow.audit import fold, verify

COUNT = 24


def load(**options: int) -> str:
    told = StringIO()
    call_command("load_demo_tickets", stdout=told, **options)
    return told.getvalue()


@pytest.fixture
def loaded(db, settings, tmp_path, django_capture_on_commit_callbacks):
    """A small month, committed as far as its photos are concerned."""
    settings.MEDIA_ROOT = tmp_path
    with django_capture_on_commit_callbacks(execute=True):
        load(count=COUNT)


def test_there_are_as_many_as_asked_for_in_every_state(loaded):
    states = Counter(Ticket.objects.values_list("state", flat=True))
    assert states.total() == COUNT
    assert set(states) == set(State)


def test_every_history_holds_and_leads_to_the_state(loaded):
    assert [flaw for _, flaw in verify(Ticket) if flaw] == []
    for ticket in Ticket.objects.prefetch_related("events"):
        assert fold(sorted(ticket.events.all(), key=lambda event: event.seq)) == ticket.state


def test_everything_happened_in_the_last_thirty_days_and_in_order(loaded):
    now = timezone.now()
    for ticket in Ticket.objects.prefetch_related("events"):
        moments = [event.at for event in sorted(ticket.events.all(), key=lambda event: event.seq)]
        assert moments == sorted(moments)
        assert moments[0] == ticket.submitted_at
        assert (now - moments[0]).days < month.DAYS
        assert moments[-1] < now
    filed = list(Ticket.objects.exclude(state="merged").order_by("id").values_list("submitted_at", flat=True))
    assert filed == sorted(filed)


def test_a_month_has_what_a_month_brings(db, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    load(count=120)
    verbs = set(TicketEvent.objects.values_list("verb", flat=True))
    assert {"cosign", "merge", "dispute", "callback", "put_on_account", "whistle", "record", "answer_now"} <= verbs
    assert set(Ticket.objects.values_list("channel", flat=True)) >= {"app", "phone", "hotline"}
    assert Ticket.objects.exclude(secrecy="open").exists()
    assert Ticket.objects.filter(next_due_at__lt=timezone.now()).exists()
    assert Ticket.objects.values("compound").distinct().count() > 10
    assert Ticket.objects.values("category").distinct().count() > 20


def test_a_second_run_changes_nothing(loaded):
    before = list(Ticket.objects.order_by("id").values())
    assert "nothing new" in load(count=COUNT)
    assert list(Ticket.objects.order_by("id").values()) == before


def test_every_event_waits_to_be_told(loaded):
    assert TicketOutbox.objects.count() == TicketEvent.objects.count()
    assert TicketWords.objects.filter(event__verb="submit").count() == COUNT


def test_photos_are_files_of_their_own(loaded):
    photos = list(Photo.objects.all())
    assert photos
    assert all(photo.ticket_id for photo in photos)
    names = [name for photo in photos for name in (photo.full, photo.thumb)]
    assert len(set(names)) == len(names)
    assert all(default_storage.exists(name) for name in names)


def test_the_same_seed_draws_the_same_plots(street):
    now = timezone.now()
    settle(street)

    def plots(seed: int) -> list[month.Plot]:
        return month.Month(Crowd.gather(street, now), random.Random(seed)).plots(30)

    assert plots(7) == plots(7)
    assert plots(7) != plots(8)


def test_merged_tickets_are_followed_by_their_reporters(loaded):
    merged = list(Ticket.objects.filter(state="merged").select_related("merged_into"))
    assert merged
    for ticket in merged:
        assert ticket.merged_into.followers.filter(person=ticket.reporter_id, kind="merged").exists()


def test_cosigns_are_counted(loaded):
    cosigned = Ticket.objects.exclude(cosigns=0)
    assert cosigned.exists()
    assert not cosigned.exclude(cosigns__lte=F("event_count")).exists()


def test_too_few_for_every_state_is_refused(db):
    with pytest.raises(CommandError, match="12 states"):
        load(count=5)
    assert not Ticket.objects.exists()


def test_production_has_no_invented_tickets(db, settings):
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="not in production"):
        load(count=COUNT)
    assert not Ticket.objects.exists()
