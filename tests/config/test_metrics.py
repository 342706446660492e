"""What Prometheus reads of a street, and who may."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from prometheus_client.parser import text_string_to_metric_families

from casework.kinds import kinds
from notifications.models import LastRound
from notifications.topics import ChannelName
from tests.notifications.post import letter
from tickets.models import Ticket, TicketClock, TicketFiring, TicketOutbox
from tickets.states import OPEN
from workflow.models import LastSweep
from workflow.sweep import note_sweep

TOKEN = "a-token-of-more-than-thirty-two-characters"


def figures(client):
    """Every sample that is read now, by its name and the value of its label."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    found = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            found[sample.name, *sample.labels.values()] = sample.value
    return found


def due(ticket, name, seconds):
    """Let the clock's next rung be due since so many seconds; the ticket's other clocks have none."""
    clocks = TicketClock.objects.filter(subject=ticket)
    clocks.exclude(name=name).update(fire_at=None)
    clocks.filter(name=name).update(fire_at=Now() - timedelta(seconds=seconds))


def test_an_empty_street_has_every_figure_but_those_that_nothing_says(client, db):
    found = figures(client)
    ages = {"linli_sweep_age_seconds", "linli_post_round_age_seconds"}
    assert {value for (name, *_), value in found.items() if name not in ages} == {0}
    assert {key[1] for key in found if key[0] == "linli_rungs_waiting"} == {"0-2", "2-10", "10-60", "60+"}
    assert {key[1] for key in found if key[0] == "linli_tickets_open"} == set(OPEN)
    assert {key[1] for key in found if key[0] == "linli_tickets_overdue"} == {f"L{level}" for level in range(6)}
    assert {key[1:] for key in found if key[0] == "linli_deliveries"} == {
        (channel, state) for channel in ChannelName for state in ("queued", "sending", "dead")
    }
    assert {name for name, *_ in found} == {
        *(
            "linli_rungs_waiting",
            "linli_rungs_oldest_due_seconds",
            "linli_clocks_failing",
            "linli_rungs_fired_last_hour",
        ),
        *("linli_outbox_rows", "linli_outbox_oldest_age_seconds", "linli_tickets_open", "linli_tickets_overdue"),
        *("linli_deliveries", "linli_deliveries_stranded", "linli_webhooks_failing"),
    }


def test_the_post_is_told_by_channel(client, db):
    for seconds in (1, 2, 3, 100):
        letter(ChannelName.EMAIL, state="sent", available_at=Now() - timedelta(seconds=seconds), finished_at=Now())
    ago = Now() - timedelta(hours=2)
    letter(ChannelName.EMAIL, state="sent", available_at=ago, finished_at=ago)
    letter(ChannelName.EMAIL, available_at=Now() - timedelta(seconds=7))
    letter(ChannelName.EMAIL, available_at=Now() + timedelta(seconds=7), urgent=True)
    letter(ChannelName.EMAIL, state="sending", lease_until=Now())
    letter(ChannelName.SMS, state="dead", finished_at=Now())
    letter(ChannelName.SMS, available_at=Now() - timedelta(seconds=90), urgent=True)
    LastRound.objects.update_or_create(name="post", defaults={"at": Now() - timedelta(seconds=5)})
    found = figures(client)
    counted = {key[1:]: value for key, value in found.items() if key[0] == "linli_deliveries" and value}
    assert counted == {("email", "queued"): 2, ("email", "sending"): 1, ("sms", "dead"): 1, ("sms", "queued"): 1}
    assert found["linli_deliveries_stranded",] == 1
    assert found["linli_deliveries_sent_last_hour", "email"] == 4
    oldest = [found["linli_delivery_oldest_due_seconds", name] for name in ("email", "sms")]
    assert oldest == pytest.approx([7, 90], abs=1)
    taken = [found["linli_delivery_seconds", "email", quantile] for quantile in ("0.5", "0.99")]
    assert taken == pytest.approx([2.5, 97.09], abs=0.5)
    assert found["linli_post_round_age_seconds",] == pytest.approx(5, abs=1)


def test_rungs_that_wait_are_counted_by_how_late_they_are(client, scene):
    for seconds in (-1, 0, 1, 2, 9, 10, 59, 60, 4000):
        due(scene.file(), "coordinate", seconds)
    found = figures(client)
    counted = {key[1]: value for key, value in found.items() if key[0] == "linli_rungs_waiting"}
    assert counted == {"0-2": 2, "2-10": 2, "10-60": 2, "60+": 2}
    assert found["linli_rungs_oldest_due_seconds",] == 4000


def test_the_last_sweep_and_clocks_that_fail_are_told(client, scene):
    TicketClock.objects.filter(subject=scene.file(), name="coordinate").update(failures=1)
    for kind in kinds():
        note_sweep(kind.name)
    LastSweep.objects.update(at=F("at") - timedelta(seconds=7))
    found = figures(client)
    assert (found["linli_sweep_age_seconds",], found["linli_clocks_failing",]) == (7, 1)


def test_rungs_of_the_last_hour_are_told_with_how_late_they_were(client, scene):
    clock = TicketClock.objects.filter(subject=scene.file()).first()
    event = TicketOutbox.objects.get().event
    rows = [(0.5, 10)] * 98 + [(30, 10), (40, 10)] + [(1000, 3700)]
    for number, (late, ago) in enumerate(rows):
        fired = Now() - timedelta(seconds=ago)
        one = TicketFiring(street_id=clock.street_id, clock=clock, event=event, rung=f"r#{number}")
        one.fired_at, one.due_at = fired, fired - timedelta(seconds=late)
        one.save(force_insert=True)
    found = figures(client)
    assert found["linli_rungs_fired_last_hour",] == 100
    assert found["linli_rungs_fired_late_seconds", "0.5"] == 0.5
    assert 30 <= found["linli_rungs_fired_late_seconds", "0.99"] < 40


def test_the_outbox_is_told_with_the_age_of_its_oldest(client, scene):
    scene.file()
    scene.file()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tickets_ticketoutbox SET id = uuidv7(interval '-90 seconds')")
    found = figures(client)
    assert found["linli_outbox_rows",] == 2
    assert 90 <= found["linli_outbox_oldest_age_seconds",] < 100


def test_open_tickets_are_told_by_state_and_overdue_ones_by_level(client, scene):
    late, later, calm = scene.file(), scene.reach("in_progress"), scene.file()
    scene.reach("closed")
    Ticket.objects.filter(pk__in=[late, later]).update(next_due_at=Now() - timedelta(seconds=1), level=2)
    Ticket.objects.filter(pk=calm).update(next_due_at=Now() + timedelta(days=1))
    found = figures(client)
    assert {key[1]: value for key, value in found.items() if key[0] == "linli_tickets_open" and value} == {
        "coordinating": 2,
        "in_progress": 1,
    }
    assert {key[1]: value for key, value in found.items() if key[0] == "linli_tickets_overdue" and value} == {"L2": 2}


def test_in_production_there_is_no_such_address_without_a_token(client, db, settings):
    settings.PRODUCTION, settings.SECURE_SSL_REDIRECT = True, False
    absent = client.get("/nothing-here")
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": f"Bearer {TOKEN}"}):
        refused = client.get("/metrics", headers=headers)
        assert (refused.status_code, refused.content) == (404, absent.content)


@pytest.mark.parametrize("production", [True, False])
def test_where_there_is_a_token_it_is_asked_for(client, db, settings, production):
    settings.METRICS_TOKEN, settings.PRODUCTION = TOKEN, production
    for wrong in ("", TOKEN, f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer ", f"Basic {TOKEN}", "Bearer 令牌"):
        refused = client.get("/metrics", headers={"Authorization": wrong.encode().decode("latin-1")} if wrong else {})
        assert (refused.status_code, refused["WWW-Authenticate"]) == (401, "Bearer")
        assert b"linli_" not in refused.content
    assert b"linli_rungs_waiting" in client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content


def test_whoever_speaks_open_metrics_is_answered_so(client, db):
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer["Content-Type"].startswith("application/openmetrics-text")
    assert answer.content.endswith(b"# EOF\n")


def test_the_figures_are_not_kept_and_not_written(client, db):
    assert "no-store" in client.get("/metrics")["Cache-Control"]
    assert client.post("/metrics").status_code == 405


def test_without_a_database_there_are_no_figures_and_no_address(client, django_db_blocker, monkeypatch):
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {"host": "/nowhere"})
    monkeypatch.setitem(connection.settings_dict, "HOST", "")
    with django_db_blocker.unblock():
        answer = client.get("/metrics")
    assert answer.status_code == 503
    assert "/nowhere" not in answer.content.decode()
