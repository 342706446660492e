"""Every page, as somebody whom it is for sees it."""

from django.utils import timezone

from tests.console.browser.looking import look_at
from tests.console.browser.street import morning
from tickets.models import Ticket


def test_the_queue_is_as_it_should_be(looking, scene):
    morning(scene, timezone.now())
    look_at(looking, "queue", "dispatcher", "/console/queue", lambda page: page.get_by_text("门口垃圾桶").wait_for())


def test_a_ticket_is_as_it_should_be(looking, scene):
    found = Ticket.objects.get(pk=morning(scene, timezone.now())[2])
    path = f"/console/t/{found.code}"
    look_at(
        looking, "ticket", "dispatcher", path, lambda page: page.get_by_role("heading", name="楼道灯").first.wait_for()
    )
