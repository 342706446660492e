"""The Celery application: worker and beat of a Linli server."""

import os

from celery import Celery
from kombu.transport.redis import Channel

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# A worker that returns tasks to a broker that was killed may end: docs/decisions/nudges-are-taken-off-at-once.md.
Channel.do_restore = False
app = Celery("linli")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
