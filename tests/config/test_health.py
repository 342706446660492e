from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from casework.kinds import kinds
from casework.lag import OUTBOX_STALE, RUNG_STALE, SWEEP_STALE
from community.models import Person
from config import health
from config.celery import app
from config.heartbeat import KEY, STALE, heartbeat
from notifications.delivery.standing import ROUND_STALE, WAITING_LONG
from notifications.models import Delivery, LastRound
from notifications.topics import ChannelName
from tests.notifications.post import letter
from tickets.models import TicketClock
from workflow import calendars
from workflow.models import CalendarVersion, CalendarYear, LastSweep
from workflow.sweep import note_sweep

NOWHERE = "/nowhere/linli.sock"
A_MOMENT = 10
"""Seconds at most between a row that is written and an answer that reads its age, on a busy machine."""


def since(age):
    """What equals an age in seconds that was `age` when it was written a moment ago."""
    return None if age is None else pytest.approx(age + A_MOMENT / 2, abs=A_MOMENT / 2)


@pytest.fixture
def watched(db):
    """Sweep and postman have just come by, and a worker is alive."""
    heartbeat()
    for kind in kinds():
        note_sweep(kind.name)
    LastRound.note()


def test_everything_in_place_is_ok(client, watched):
    answer = client.get("/healthz")
    assert answer.status_code == 200
    report = answer.json()
    assert report["status"] == "ok"
    assert report["database"] == {"ok": True, "version": "{}.{}".format(*connection.get_database_version())}
    assert report["migrations"] == {"ok": True}
    assert report["static_files"] == {"ok": True}
    assert report["worker"]["heartbeat_age_seconds"] < 5
    assert report["outbox"] == {"ok": True, "oldest_age_seconds": None}
    assert report["clocks"] == {
        "ok": True,
        "last_sweep_age_seconds": since(0),
        "oldest_due_seconds": None,
        "failing": 0,
    }
    assert report["post"] == {
        "ok": True,
        "last_round_age_seconds": since(0),
        "oldest_due_seconds": None,
        "dead_last_day": 0,
    }
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("seconds", [None, STALE + 1])
def test_a_missing_or_late_heartbeat_degrades(client, db, seconds):
    cache.delete(KEY)
    if seconds is not None:
        cache.set(KEY, timezone.now().timestamp() - seconds, None)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["worker"]["ok"] is False
    assert answer.json()["redis"]["ok"] is True


@pytest.fixture
def event_to_tell(scene):
    """An event that waits to be told, since as many seconds ago as one says."""
    scene.file()

    def since(seconds):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE tickets_ticketoutbox SET id = uuidv7(make_interval(secs => %s))", [-float(seconds)])

    return since


@pytest.mark.parametrize(("seconds", "status"), [(0, "ok"), (60, "ok"), (OUTBOX_STALE + 5, "degraded")])
def test_the_age_of_the_oldest_event_to_be_told_is_shown(client, watched, event_to_tell, seconds, status):
    event_to_tell(seconds)
    TicketClock.objects.update(fire_at=None)
    report = client.get("/healthz").json()
    assert report["status"] == status
    assert seconds <= report["outbox"]["oldest_age_seconds"] < seconds + 10
    assert report["outbox"]["ok"] == ("detail" not in report["outbox"]) == (status == "ok")


@pytest.mark.parametrize("age", [None, SWEEP_STALE - A_MOMENT, SWEEP_STALE + 1])
def test_clocks_that_nobody_watches_degrade_and_it_says_what_to_start(client, watched, age):
    if age is None:
        LastSweep.objects.all().delete()
    else:
        LastSweep.objects.update(at=Now() - timedelta(seconds=age))
    report = client.get("/healthz").json()
    well = age is not None and age < SWEEP_STALE
    assert report["status"] == ("ok" if well else "degraded")
    assert report["clocks"]["ok"] is well
    assert report["clocks"]["last_sweep_age_seconds"] == since(age)
    assert ("manage.py tick --loop" in report["clocks"].get("detail", "")) is not well


@pytest.mark.parametrize("late", [-60, RUNG_STALE - A_MOMENT, RUNG_STALE + 1])
def test_a_deadline_that_waits_to_be_fired_degrades(client, watched, scene, late):
    ticket = scene.file()
    TicketClock.objects.filter(subject=ticket).update(fire_at=None)
    TicketClock.objects.filter(subject=ticket, name="coordinate").update(fire_at=Now() - timedelta(seconds=late))
    report = client.get("/healthz").json()
    assert report["clocks"]["ok"] is (late < RUNG_STALE)
    assert report["clocks"]["oldest_due_seconds"] == since(late if late > 0 else None)
    assert report["status"] == ("ok" if late < RUNG_STALE else "degraded")
    assert ("detail" in report["clocks"]) is (late > RUNG_STALE)


def test_clocks_that_fail_are_counted_while_they_are_live(client, watched, scene):
    ticket = scene.file()
    TicketClock.objects.filter(subject=ticket).update(fire_at=None)
    TicketClock.objects.filter(subject=ticket, name="coordinate").update(failures=2)
    assert client.get("/healthz").json()["clocks"]["failing"] == 1
    TicketClock.objects.filter(subject=ticket, name="coordinate").update(
        stopped_at=Now(), running_since=None, consumed=timedelta(0), over=timedelta(0)
    )
    assert client.get("/healthz").json()["clocks"]["failing"] == 0


@pytest.mark.parametrize("age", [None, -60, ROUND_STALE - A_MOMENT, ROUND_STALE + 1])
def test_a_post_that_nobody_looks_after_degrades_and_it_says_what_to_start(client, watched, age):
    if age is None:
        LastRound.objects.all().delete()
    else:
        LastRound.objects.update(at=Now() - timedelta(seconds=age))
    report = client.get("/healthz").json()
    well = age is not None and 0 <= age < ROUND_STALE
    assert report["status"] == ("ok" if well else "degraded")
    # One that lies ahead is from before the clock was set back.
    assert report["post"]["last_round_age_seconds"] == (None if age == -60 else since(age))
    assert ("manage.py deliver --loop" in report["post"].get("detail", "")) is not well


@pytest.mark.parametrize("late", [-60, WAITING_LONG - A_MOMENT, WAITING_LONG + 1])
def test_a_message_that_nobody_sends_degrades(client, watched, late):
    letter(ChannelName.EMAIL, available_at=Now() - timedelta(seconds=late))
    report = client.get("/healthz").json()
    assert report["status"] == ("ok" if late < WAITING_LONG else "degraded")
    assert report["post"]["oldest_due_seconds"] == since(late if late > 0 else None)
    assert ("(email)" in report["post"].get("detail", "")) is (late > WAITING_LONG)


def test_a_channel_whose_server_is_slow_is_named_and_degrades_nothing(client, watched):
    letter(ChannelName.EMAIL, available_at=Now() - timedelta(hours=1))
    hanging = letter(ChannelName.EMAIL, state="sending", lease_until=Now() + timedelta(seconds=30))
    report = client.get("/healthz").json()
    assert (report["status"], report["post"]["slow"]) == ("ok", ["email"])
    Delivery.objects.filter(pk=hanging.pk).update(lease_until=Now() - timedelta(seconds=1))
    assert client.get("/healthz").json()["status"] == "degraded"


def test_messages_for_a_channel_that_is_not_set_up_are_named_and_degrade_nothing(client, watched):
    letter(ChannelName.SMS, available_at=Now() - timedelta(days=1), urgent=True)
    report = client.get("/healthz").json()
    assert (report["status"], report["post"]["not_set_up"]) == ("ok", ["sms"])
    assert report["post"]["oldest_due_seconds"] is None


def test_what_failed_for_good_in_the_last_day_is_counted_and_degrades_nothing(client, watched):
    for hours in (1, 23, 25):
        letter(ChannelName.EMAIL, state="dead", finished_at=Now() - timedelta(hours=hours))
    report = client.get("/healthz").json()
    assert (report["status"], report["post"]["dead_last_day"]) == ("ok", 2)


@pytest.fixture
def holidays(db):
    """`holidays(estimated=True)`: of no year the holidays are published; otherwise of this one and the next."""

    def say(*, estimated):
        draft = CalendarVersion.objects.get(number=calendars.newest()).copy_as_draft()
        year = timezone.localdate().year
        for one in (year, year + 1):
            CalendarYear.objects.update_or_create(version=draft, year=one, defaults={"source": "x"})
        CalendarYear.objects.filter(version=draft).update(estimated=estimated)
        draft.publish(at=timezone.now())
        calendars.forget()

    yield say
    calendars.forget()


def test_a_year_whose_holidays_are_missing_is_noticed_and_degrades_nothing(client, watched, holidays):
    holidays(estimated=True)
    report = client.get("/healthz").json()
    assert report["notices"][0].startswith(f"{timezone.localdate().year}年放假安排尚未录入")
    assert report["status"] == "ok"
    holidays(estimated=False)
    assert client.get("/healthz").json()["notices"] == []


def test_a_missing_calendar_is_noticed(client, watched, holidays):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE workflow_calendarversion SET published_at = NULL")
    calendars.forget()
    assert client.get("/healthz").json()["notices"] == ["尚未发布工作日历。"]


@pytest.mark.parametrize("may", [True, False])
def test_the_admin_s_first_page_says_it_to_whoever_keeps_the_calendar(client, cast, holidays, may):
    holidays(estimated=True)
    person = cast["desk_officer"]
    Person.objects.filter(pk=person.pk).update(is_staff=True)
    if may:
        person.user_permissions.set(Permission.objects.filter(codename="change_calendarversion"))
    client.force_login(person)
    words = f"{timezone.localdate().year}年放假安排尚未录入"
    assert (words in client.get("/admin/").content.decode()) is may
    holidays(estimated=False)
    assert "放假安排尚未录入" not in client.get("/admin/").content.decode()


def test_redis_down_degrades_and_says_no_address(client, db, settings):
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": f"unix://{NOWHERE}?db=0"}}
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert (answer.json()["redis"]["ok"], answer.json()["worker"]["ok"]) == (False, False)
    assert NOWHERE not in answer.content.decode()


def test_a_waiting_migration_degrades(client, db, monkeypatch):
    monkeypatch.setattr(health, "_complete", set())
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    heartbeat()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["migrations"] == {"ok": False, "detail": "1 migrations wait; run `manage.py migrate`."}


def test_no_database_is_down_and_says_no_address(client, django_db_blocker, monkeypatch):
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {"host": "/nowhere"})
    monkeypatch.setitem(connection.settings_dict, "HOST", "")
    monkeypatch.setattr(health, "_complete", set())
    with django_db_blocker.unblock():
        answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (503, "down")
    assert answer.json()["migrations"]["ok"] is answer.json()["outbox"]["ok"] is False
    assert answer.json()["clocks"]["ok"] is False
    assert "/nowhere" not in answer.content.decode()


def test_health_is_read_only(client):
    assert client.post("/healthz").status_code == 405


def test_every_entry_of_the_beat_schedule_names_a_task():
    app.loader.import_default_modules()
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)
