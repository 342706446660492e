"""The house: settings, addresses, and the doors of web server, worker and beat."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
