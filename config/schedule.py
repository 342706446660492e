"""Beat's schedule: that of the settings, and the duties of each kind of subject. Imported when the apps are there."""

from casework.tasks import SCHEDULE
from config.celery import app

app.conf.beat_schedule = {**app.conf.beat_schedule, **SCHEDULE}
