"""The app of what every kind of subject has in common; it has tasks and commands, and no tables."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from web.words import bilingual


class CaseworkConfig(AppConfig):
    """What is done for every kind of subject alike."""

    name = "casework"
    verbose_name = bilingual("事务", "Casework")

    def ready(self) -> None:
        """Have every app that has a kind of subject register it, as its module `kind` does, and give each kind its page in the admin."""
        autodiscover_modules("kind")
        import_module("casework.admin").register_histories()
