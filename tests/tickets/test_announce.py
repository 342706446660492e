"""What waits in the outbox is told once, without a word or a name of anybody's."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.celery import app
from tickets import announce, tasks
from tickets.models import Photo, TicketEvent, TicketOutbox
from workflow.outbox import drain


@pytest.fixture
def filed(api):
    """A ticket with two events."""
    ticket = api("resident").file("CL07", text="楼道里有老鼠。")
    api("dispatcher").move(ticket, "sign")
    return ticket


@pytest.fixture
def lines(caplog):
    """What was told."""
    caplog.set_level(logging.INFO, logger="tickets.announce")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "tickets.announce"]


def test_each_event_is_told_in_its_order_and_then_gone(filed, lines):
    assert announce.tell_outbox() == 2
    assert lines() == [f"told verb={verb} ticket={filed['code']} audience=2" for verb in ("submit", "sign")]
    assert not TicketOutbox.objects.exists()


def test_a_second_run_tells_nothing(filed, lines):
    announce.tell_outbox()
    assert announce.tell_outbox() == 0
    assert len(lines()) == 2


def test_no_name_no_phone_and_no_word_is_told(filed, lines, cast):
    announce.tell_outbox()
    said = " ".join(lines())
    for secret in (cast["resident"].name, cast["resident"].phone, "老鼠"):
        assert secret not in said


def test_events_stay_when_they_have_been_told(filed):
    announce.tell_outbox()
    assert TicketEvent.objects.filter(subject=filed["id"]).count() == 2


def test_more_than_a_batch_is_told_in_one_run(filed, api, monkeypatch):
    monkeypatch.setattr(announce, "BATCH", 1)
    assert announce.tell_outbox() == 2
    assert not TicketOutbox.objects.exists()


def test_a_row_costs_no_statement_to_read(filed, api):
    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            drain(TicketOutbox, announce.tell, limit=1)
        return sum(query["sql"].startswith("SELECT") for query in queries)

    assert statements() == 1


def test_a_row_that_cannot_be_told_holds_up_no_other(filed, lines):
    TicketOutbox.objects.filter(event__verb="submit").update(
        available_at=datetime.now(UTC) + timedelta(hours=1), attempts=3
    )
    assert announce.tell_outbox() == 1
    assert TicketOutbox.objects.get().event.verb == "submit"


def test_the_tasks_are_known_and_on_the_schedule(filed):
    app.loader.import_default_modules()
    for name in ("tell_outbox", "purge_photos"):
        entry = settings.CELERY_BEAT_SCHEDULE[name]
        assert entry["task"] in app.tasks
        assert entry["options"]["expires"] <= entry["schedule"]
    tasks.tell_outbox()
    assert not TicketOutbox.objects.exists()


def test_photos_that_nobody_attached_are_purged(api, filed):
    photo = api("resident").photo("report")
    tasks.purge_photos()
    assert Photo.objects.filter(pk=photo).exists()
    Photo.objects.filter(pk=photo).update(created_at=datetime.now(UTC) - timedelta(hours=25))
    tasks.purge_photos()
    assert not Photo.objects.filter(pk=photo).exists()
