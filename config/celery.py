"""The Celery application: worker and beat of a Linli server."""

import os

from celery import Celery
from kombu.transport.redis import Channel

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# docs/decisions/nudges-are-taken-off-at-once.md: what is given back to a broker that has died fells the worker that gives it.
Channel.do_restore = False
app = Celery("linli")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
