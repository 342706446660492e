"""Three tables of the plainest kind: a report, what happened to it, and what others are to hear of it."""

import uuid

from django.db import models


class BareReport(models.Model):
    """What somebody filed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    category = models.CharField(max_length=8)
    compound = models.UUIDField()
    title = models.CharField(max_length=60, blank=True)
    text = models.TextField(max_length=2000)
    state = models.CharField(max_length=20, default="submitted")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)


class BareEvent(models.Model):
    """What happened to a report."""

    report = models.ForeignKey(BareReport, models.PROTECT)
    verb = models.CharField(max_length=20)
    data = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)


class BareOutbox(models.Model):
    """What others are to hear of."""

    report = models.ForeignKey(BareReport, models.PROTECT)
    kind = models.CharField(max_length=20)
    payload = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)
