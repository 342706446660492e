"""Where messages go that are for no single person: group robots and webhooks."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from notifications.sealed import SealedField
from notifications.topics import ROBOTS, Topic
from web.models import Identified
from web.words import bilingual


class Outlet(Identified):
    """What a robot and a webhook share: an organisation that it speaks to, and whether it works."""

    street_id = models.UUIDField(verbose_name=bilingual("街道", "street"))
    organisation_id = models.UUIDField(verbose_name=bilingual("单位", "organisation"))
    name = models.CharField(bilingual("名称", "name"), max_length=60)
    active = models.BooleanField(bilingual("启用", "active"), default=True)
    disabled_reason = models.CharField(bilingual("停用原因", "why it is off"), max_length=200, blank=True, default="")
    created_at = models.DateTimeField(bilingual("建立时间", "created at"), db_default=Now(), editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Robot(Outlet):
    """A group robot of an organisation, with the key in its address and, where the vendor signs, the secret.

    `topics` are what it tells; empty means all.
    """

    vendor = models.CharField(
        bilingual("平台", "vendor"), max_length=8, choices=[(one.value, one.label) for one in ROBOTS]
    )
    token = SealedField(bilingual("密钥（地址中的 key 或 access_token）", "key in the robot's address"))
    secret = SealedField(bilingual("加签密钥", "signing secret"), blank=True, default="")
    topics = ArrayField(
        models.CharField(max_length=12, choices=Topic),
        default=list,
        blank=True,
        verbose_name=bilingual("主题", "topics"),
    )

    class Meta:
        verbose_name = bilingual("群机器人", "group robot")
        verbose_name_plural = bilingual("群机器人", "group robots")
        constraints = [
            models.UniqueConstraint(F("street_id"), F("organisation_id"), F("name"), name="robot_name"),
            models.CheckConstraint(condition=Q(vendor__in=ROBOTS), name="robot_vendor_known"),
        ]


class Endpoint(Outlet):
    """A webhook (Standard Webhooks): where an organisation's own system hears that something happened.

    `secrets` are one a line (`whsec_…`), the newest first: each signs, so that the receiver can change over. `types` are the
    events that it is told; empty means all.
    """

    url = models.URLField(bilingual("地址", "address"), max_length=500)
    secrets = SealedField(bilingual("签名密钥", "signing secrets"))
    types = ArrayField(
        models.CharField(max_length=48), default=list, blank=True, verbose_name=bilingual("事件类别", "event types")
    )
    disabled_at = models.DateTimeField(bilingual("停用时间", "disabled at"), null=True, editable=False)

    class Meta:
        verbose_name = bilingual("Webhook 回调", "webhook")
        verbose_name_plural = bilingual("Webhook 回调", "webhooks")
        constraints = [
            models.UniqueConstraint(F("street_id"), F("organisation_id"), F("url"), name="endpoint_url"),
        ]


class Bucket(models.Model):
    """What may still be sent under a limit: each token comes back at a moment of its own (`taken` holds those moments)."""

    name = models.CharField(primary_key=True, max_length=80)
    taken = ArrayField(models.DateTimeField(), default=list)
    blocked_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
