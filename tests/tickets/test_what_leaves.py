"""What leaves the house because of tickets, by every channel there is: to people, to group chats, to other systems."""

import time
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from community.models import Organisation
from notifications.models import Delivery, Endpoint, Message, Robot
from notifications.topics import ROBOTS, ChannelName
from tickets import announce
from tickets.models import TicketOutbox


@pytest.fixture
def outlets(paper, street, settings) -> dict[uuid.UUID, uuid.UUID]:
    """The organisations by the id of their robot and of their system, with every channel set up, also those that need a template."""
    settings.SMS_TEMPLATE, settings.WECHAT_TEMPLATE = "SMS_1", "wx-1"
    parties = list(Organisation.objects.order_by("code").values_list("pk", flat=True))
    robots = Robot.objects.bulk_create(
        Robot(street_id=street.pk, organisation_id=one, name="群", token="t", vendor=ROBOTS[number % len(ROBOTS)])
        for number, one in enumerate(parties)
    )
    systems = Endpoint.objects.bulk_create(
        Endpoint(street_id=street.pk, organisation_id=one, name="系统", url="https://example.com", secrets="s")
        for one in parties
    )
    return {outlet.pk: outlet.organisation_id for outlet in (*robots, *systems)}


def left() -> set[str]:
    """The channels by which something leaves."""
    return set(Delivery.objects.values_list("channel", flat=True))


@pytest.mark.django_db
def test_an_outbox_that_stood_still_for_days_fills_inboxes_and_then_news_goes_out_as_ever(scene, outlets):
    scene.now = timezone.now() - timedelta(days=3)
    ticket = scene.file("CL03")
    announce.tell_outbox()
    heard = Message.objects.filter(person__isnull=False)
    assert {"received.resident", "work.handler"} <= set(heard.values_list("kind", flat=True))
    assert set(heard.values_list("inbox", "held_until")) == {(True, None)}
    assert left() == {ChannelName.WEBHOOK}
    scene.now = timezone.now()
    scene.do("dispatcher", ticket, "sign")
    announce.tell_outbox()
    assert {ChannelName.EMAIL, ChannelName.WECHAT} < left()


@pytest.mark.django_db
def test_a_broker_that_is_away_is_asked_once_in_a_run_and_delays_nothing(
    scene, outlets, broker_away, caplog, monkeypatch
):
    monkeypatch.setattr(announce, "BATCH", 1)
    scene.now = timezone.now()
    for _ in range(3):
        scene.file("CL03")
    began = time.monotonic()
    assert announce.tell_outbox() == 3
    # One attempt that goes on connecting takes six seconds.
    assert time.monotonic() - began < 5
    assert caplog.text.count("nobody was nudged") == 1
    assert not TicketOutbox.objects.exists()
    assert Message.objects.filter(kind="received.resident").count() == 3
