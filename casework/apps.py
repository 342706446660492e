"""The app of what every kind of subject has in common; it has tasks and commands, and no tables."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from web.words import bilingual


class CaseworkConfig(AppConfig):
    """What is done for every kind of subject alike."""

    name = "casework"
    verbose_name = bilingual("事务", "Casework")

    def ready(self) -> None:
        """Have every app that has a kind of subject register it: its module `kind` does so."""
        autodiscover_modules("kind")
