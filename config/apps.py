"""Django's admin as Linli has it, and what Linli checks before it is deployed."""

from django.contrib.admin import apps
from django.core.checks import register

# Tasks that an app sends find this application; who reads the settings alone does not load Celery for it.
from config import celery  # noqa: F401
from config.readiness import check_migrations, check_sign_in, check_static_files


class AdminConfig(apps.AdminConfig):
    """The admin with a front door of its own."""

    default_site = "community.office.Office"

    def ready(self) -> None:
        """Have `manage.py check --deploy` look at what a server needs."""
        super().ready()
        register(check_migrations, deploy=True)
        register(check_static_files, deploy=True)
        register(check_sign_in, deploy=True)
