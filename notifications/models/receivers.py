"""Receivers that are not persons: group robots and webhooks."""

import base64
import secrets
import uuid
from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models import Case, F, Q, When
from django.db.models.functions import Coalesce, Greatest, Now
from django.utils import timezone

from notifications.encryption import EncryptedField
from notifications.models.message import Delivery
from notifications.topics import ROBOTS, ChannelName, DeliveryState, Topic
from web.models import Identified
from web.words import bilingual

PATIENCE = timedelta(days=5)
"""How long a webhook may only fail before it is switched off."""
LONGEST_PAUSE = timedelta(hours=30)
"""Longer than any pause of a receiver: a day at most, plus jitter."""
BLOCKED = (
    "blocked_until BETWEEN statement_timestamp()"
    f" AND statement_timestamp() + interval '{LONGEST_PAUSE.total_seconds():.0f} seconds'"
)
"""SQL: whether a bucket's receiver is paused. A moment too far ahead is from before the clock was set back, and ignored."""
FAILING_LONG = timedelta(minutes=5)
"""Time of failures only after which the office should look at a webhook."""
MOST_SECRETS = 2
_NOTED = timedelta(minutes=1)
_SECRET_BYTES = 32
FAILED_TOO_LONG = bilingual("连续五天无一成功。", "For five days not one delivery has succeeded.")
SWITCHED_OFF = "The webhook is switched off."
GONE = bilingual("对方返回 410，不再接收。", "The receiver answered 410: it wants no more.")


class MessageReceiver(Identified):
    """What robots and webhooks share: the organisation that they belong to, and whether they are switched on."""

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


class Robot(MessageReceiver):
    """A group robot of an organisation: the key in its address and, where the vendor signs, the secret.

    `topics` are what it is sent; empty means all.
    """

    vendor = models.CharField(
        bilingual("平台", "vendor"), max_length=8, choices=[(one.value, one.label) for one in ROBOTS]
    )
    token = EncryptedField(bilingual("密钥（地址中的 key 或 access_token）", "key in the robot's address"))
    secret = EncryptedField(bilingual("加签密钥", "signing secret"), blank=True, default="")
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


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    """Webhooks, narrowed."""

    def failing(self) -> "EndpointQuerySet":
        """Webhooks that are on and have only failed for FAILING_LONG."""
        return self.filter(active=True, failing_since__lt=Now() - FAILING_LONG)


class Endpoint(MessageReceiver):
    """A webhook (Standard Webhooks): the address of an organisation's own system that is sent events.

    `secrets` are one per line (`whsec_…`), the newest first. Each signs, so that the receiver can change over.
    `types` are the events that it is sent; empty means all. `failing_since` is the first failure since the last
    success, `succeeded_at` the last success, to the minute.
    """

    url = models.URLField(bilingual("地址", "address"), max_length=500)
    secrets = EncryptedField(bilingual("签名密钥", "signing secrets"), editable=False)
    types = ArrayField(
        models.CharField(max_length=48), default=list, blank=True, verbose_name=bilingual("事件类别", "event types")
    )
    failing_since = models.DateTimeField(bilingual("失败始于", "failing since"), null=True, editable=False)
    succeeded_at = models.DateTimeField(bilingual("上次成功", "last success"), null=True, editable=False)
    disabled_at = models.DateTimeField(bilingual("停用时间", "disabled at"), null=True, editable=False)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        verbose_name = bilingual("Webhook 回调", "webhook")
        verbose_name_plural = bilingual("Webhook 回调", "webhooks")
        constraints = [
            models.UniqueConstraint(F("street_id"), F("organisation_id"), F("url"), name="endpoint_url"),
        ]

    @property
    def signing(self) -> list[str]:
        """The secrets that sign, newest first; none where they were encrypted with a key that is gone."""
        return self.secrets.split()

    def rotate(self) -> str:
        """Make a new secret that signs first, beside the one before it. Returns the new secret, which is shown only once. Not saved."""
        new = f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"
        self.secrets = "\n".join([new, *self.signing][:MOST_SECRETS])
        return new

    def forget_old_secrets(self) -> bool:
        """Keep the newest secret only. Returns False where it already is the only one. Not saved."""
        newest, rest = self.signing[:1], self.signing[1:]
        self.secrets = "".join(newest)
        return bool(rest)

    def switch_off(self, reason: object) -> None:
        """Send it nothing more, and drop what waits for it, in one transaction."""
        with transaction.atomic():
            Endpoint.objects.filter(pk=self.pk).update(
                active=False, disabled_at=Now(), disabled_reason=str(reason)[:200]
            )
            self.waiting().update(state=DeliveryState.DROPPED, error=SWITCHED_OFF, finished_at=Now())

    def switch_on(self) -> None:
        """Send to it again, as if it had never failed. Dropped deliveries stay dropped until somebody replays them."""
        Endpoint.objects.filter(pk=self.pk).update(
            active=True, disabled_at=None, disabled_reason="", failing_since=None
        )

    def succeeded(self) -> None:
        """Record that a delivery arrived. It is noted once a minute; the others cost no statement."""
        noted = self.succeeded_at is not None and timezone.now() - self.succeeded_at < _NOTED
        if self.failing_since is not None or not noted:
            Endpoint.objects.filter(pk=self.pk).update(failing_since=None, succeeded_at=Now())

    def failed(self) -> None:
        """Record that a delivery did not arrive. A webhook that only fails for longer than `PATIENCE` is switched off."""
        mine = Endpoint.objects.filter(pk=self.pk)
        mine.update(failing_since=Coalesce("failing_since", Now()))
        # Read again: another delivery may have arrived meanwhile.
        if mine.filter(failing_since__lte=Now() - PATIENCE, active=True).exists():
            self.switch_off(FAILED_TOO_LONG)

    def rest(self, pause: timedelta) -> None:
        """Send it nothing for this long, because it asked for a pause. A longer pause that runs is kept."""
        Bucket.block(Bucket.of(ChannelName.WEBHOOK, self.pk), pause)

    def waiting(self) -> models.QuerySet[Delivery]:
        """The deliveries that wait for their next attempt."""
        return Delivery.objects.filter(recipient=self.pk, channel=ChannelName.WEBHOOK, state=DeliveryState.QUEUED)


class Bucket(models.Model):
    """The rate limit of one receiver; `taken` holds the moment of each token (`notifications/delivery/rate_limits.py`)."""

    name = models.CharField(primary_key=True, max_length=80)
    taken = ArrayField(models.DateTimeField(), default=list)
    blocked_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def of(channel: ChannelName, recipient: uuid.UUID) -> str:
        """The name of a receiver's bucket in a channel."""
        return f"{channel}:{recipient}"

    @staticmethod
    def block(name: str, pause: timedelta) -> None:
        """Send the receiver nothing for this long, because it asked for a pause. A longer pause that runs is kept."""
        until = Now() + pause
        running = When(blocked_until__lte=Now() + LONGEST_PAUSE, then=Greatest("blocked_until", until))
        longer = {"blocked_until": Case(running, default=until)}
        Bucket.objects.update_or_create(name=name, defaults=longer, create_defaults={"blocked_until": until})
