"""The app of the second subject, which tests alone install."""

from django.apps import AppConfig

from web.words import bilingual


class PollConfig(AppConfig):
    """Polls."""

    name = "tests.workflow.poll"
    label = "poll"
    verbose_name = bilingual("投票", "Polls")
