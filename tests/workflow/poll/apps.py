"""The app of the second subject, which tests alone install."""

from importlib import import_module

from django.apps import AppConfig


class PollConfig(AppConfig):
    """Polls."""

    name = "tests.workflow.poll"
    label = "poll"

    def ready(self):
        """Let the house serve polls."""
        import_module("tests.workflow.poll.kind")
