"""The console app: pages for the people who work with tickets."""

from django.apps import AppConfig

from web.words import bilingual


class ConsoleConfig(AppConfig):
    """The pages of companies, committees and the street office."""

    name = "console"
    verbose_name = bilingual("工作台", "Console")
