from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models.functions import Now

from community.models import SignInCode
from community.tasks import purge
from config.celery import app


@pytest.mark.django_db
def test_beat_sends_the_purge_every_hour_and_the_worker_knows_it():
    entry = settings.CELERY_BEAT_SCHEDULE["purge"]
    app.loader.import_default_modules()
    assert app.tasks[entry["task"]].name == purge.name
    assert entry["schedule"] == 3600
    SignInCode.objects.create(phone="13900000001", code_hash=b"x", created_at=Now() - timedelta(days=2))
    purge()
    assert not SignInCode.objects.exists()
