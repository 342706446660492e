import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from config import health
from config.celery import app
from config.health import OUTBOX_STALE
from config.heartbeat import KEY, STALE, heartbeat
from tests.tickets.paths import Scene

NOWHERE = "/nowhere/linli.sock"


def test_everything_in_place_is_ok(client, db):
    heartbeat()
    answer = client.get("/healthz")
    assert answer.status_code == 200
    report = answer.json()
    assert report["status"] == "ok"
    assert report["database"] == {"ok": True, "version": "{}.{}".format(*connection.get_database_version())}
    assert report["migrations"] == {"ok": True}
    assert report["worker"]["heartbeat_age_seconds"] < 5
    assert report["outbox"] == {"ok": True, "oldest_age_seconds": None}
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
def event_to_tell(cast):
    """An event that waits to be told, since as many seconds ago as one says."""
    Scene(cast).file()

    def since(seconds):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE tickets_ticketoutbox SET id = uuidv7(make_interval(secs => %s))", [-float(seconds)])

    return since


@pytest.mark.parametrize(("seconds", "status"), [(0, "ok"), (60, "ok"), (OUTBOX_STALE + 5, "degraded")])
def test_the_age_of_the_oldest_event_to_be_told_is_shown(client, event_to_tell, seconds, status):
    event_to_tell(seconds)
    heartbeat()
    report = client.get("/healthz").json()
    assert report["status"] == status
    assert seconds <= report["outbox"]["oldest_age_seconds"] < seconds + 10
    assert report["outbox"]["ok"] == ("detail" not in report["outbox"]) == (status == "ok")


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
    assert "/nowhere" not in answer.content.decode()


def test_health_is_read_only(client):
    assert client.post("/healthz").status_code == 405


def test_every_entry_of_the_beat_schedule_names_a_task(settings):
    app.loader.import_default_modules()
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} <= set(app.tasks)
