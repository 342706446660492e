"""Every page, as somebody whom it is for sees it."""

from datetime import timedelta

from django.utils import timezone

from tests.console.browser.looking import look_at


def test_the_queue_is_as_it_should_be(looking, scene):
    scene.now = timezone.now() - timedelta(minutes=50)
    scene.file("CL03", title="门口垃圾桶满了两天没人清")
    look_at(looking, "queue", "dispatcher", "/console/queue", lambda page: page.get_by_text("垃圾桶").wait_for())
