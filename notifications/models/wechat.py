"""What WeChat's subscription messages need: the access token that all workers share, and what people allow."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from notifications.encryption import EncryptedField
from notifications.models.message import Delivery
from web.models import Identified
from web.words import bilingual


class AccessToken(models.Model):
    """The access token of a WeChat app, shared by all workers.

    `refreshed_at` distinguishes one token from the next. Until `claimed_until` a worker fetches the next token or, after
    an `error`, no worker asks again. `forced_at` is when WeChat was last made to change the token early.
    """

    app_id = models.CharField(primary_key=True, max_length=32)
    token = EncryptedField(default="", blank=True)
    expires_at = models.DateTimeField(null=True)
    refreshed_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)
    forced_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=200, blank=True, default="")

    def __str__(self) -> str:
        return self.app_id


class GrantQuerySet(models.QuerySet["Grant"]):
    """Grants, narrowed."""

    def usable(self, template: str) -> "GrantQuerySet":
        """The grants by which a message of the template can be sent now."""
        return self.filter(Q(remaining__gt=0) | Q(standing=True), template=template)


class Grant(Identified):
    """How many messages of a template a person still allows to one WeChat account.

    `standing` is a long-term subscription, which is never used up. `changed_at` is when the person last changed it;
    sending does not change it.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    openid = models.CharField(max_length=64)
    template = models.CharField(max_length=64)
    remaining = models.PositiveIntegerField(default=0)
    standing = models.BooleanField(default=False)
    changed_at = models.DateTimeField(db_default=Now())

    objects = GrantQuerySet.as_manager()

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


class SpentGrant(models.Model):
    """The one message of a grant that a delivery has used. A delivery never uses a second one.

    `attempt` is the attempt that used it and may give it back. It is 0 once a later attempt relies on it, because
    the outcome of the earlier attempt is unknown.
    """

    delivery = models.OneToOneField(Delivery, models.CASCADE, primary_key=True, related_name="+")
    grant = models.ForeignKey(Grant, models.CASCADE, related_name="+")
    attempt = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.attempt}"
