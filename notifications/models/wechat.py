"""What WeChat's subscription messages need: the access token that all workers share, and what people have allowed."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from notifications.sealed import SealedField
from web.models import Identified
from web.words import bilingual


class AccessToken(models.Model):
    """An access token of a WeChat app; whoever finds it about to expire fetches the next under its row's lock."""

    app_id = models.CharField(primary_key=True, max_length=32)
    token = SealedField(default="", blank=True)
    expires_at = models.DateTimeField(null=True)
    refreshed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.app_id


class Grant(Identified):
    """How many messages of a template a person has allowed to one WeChat account and that were not sent yet.

    `standing` is a long-term subscription, of which none is used up.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    openid = models.CharField(max_length=64)
    template = models.CharField(max_length=64)
    remaining = models.PositiveIntegerField(default=0)
    standing = models.BooleanField(default=False)
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = bilingual("微信订阅授权", "WeChat grant")
        verbose_name_plural = bilingual("微信订阅授权", "WeChat grants")
        constraints = [models.UniqueConstraint(F("openid"), F("template"), name="grant_once")]
        indexes = [
            models.Index(
                F("person"), F("template"), condition=Q(remaining__gt=0) | Q(standing=True), name="grant_usable"
            )
        ]

    def __str__(self) -> str:
        return f"{self.template} {self.remaining}"
