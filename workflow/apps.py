"""The workflow app: moves, events, clocks and calendars."""

from django.apps import AppConfig

from web.words import bilingual


class WorkflowConfig(AppConfig):
    """The engine; knows no ticket."""

    name = "workflow"
    verbose_name = bilingual("流程与日历", "Workflow")
