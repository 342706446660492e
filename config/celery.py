"""The Celery application: worker and beat of a Linli server."""

import os

from celery import Celery
from celery.signals import worker_init

from config.startup import refuse_old_postgresql

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("linli")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def before_the_first_task(**_: object) -> None:
    """A worker starts on a database that Linli can run on, or not at all."""
    refuse_old_postgresql()
