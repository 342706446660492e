"""Messages, their recipients, and the delivery of each copy."""

import uuid
from dataclasses import dataclass

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from notifications.topics import OF_STAFF, ChannelName, DeliveryState, Topic
from web.constraints import KnownValues
from web.models import Identified
from web.words import bilingual

ABOUT_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Reader:
    """The owner of an inbox, and the streets where they have a seat today; `everywhere` where they serve all streets."""

    person: uuid.UUID
    streets: frozenset[uuid.UUID]
    everywhere: bool


class MessageQuerySet(models.QuerySet["Message"]):
    """Messages, narrowed."""

    def inbox(self, reader: Reader) -> "MessageQuerySet":
        """The messages in the reader's inbox."""
        return self._open_to(reader).filter(inbox=True)

    def readable(self, reader: Reader) -> "MessageQuerySet":
        """The messages that the reader may open: their inbox, and the parts of its digests."""
        return self._open_to(reader).filter(Q(inbox=True) | Q(gathered_into__inbox=True))

    def _open_to(self, reader: Reader) -> "MessageQuerySet":
        """The reader's messages, except those to staff of streets where they no longer have a seat."""
        mine = self.filter(person_id=reader.person)
        return mine if reader.everywhere else mine.exclude(~Q(street_id__in=reader.streets), topic__in=OF_STAFF)

    def held(self) -> "MessageQuerySet":
        """The messages that wait to be gathered."""
        return self.filter(held_until__isnull=False, gathered_into=None)


class Message(Identified):
    """A message about one event for one recipient, in their language. For a person it is a row of their inbox.

    `key` is the event's id. `recipient` is the person, robot or webhook. `subject_type` (such as `ticket`) and `subject_id` are
    what the event happened to, `code` its number, `about` where and what it is in a few words, and `seq` the event's number there.
    A held message waits until `held_until` to be gathered into a digest, and is not shown in the inbox. `ways` is what each channel
    would send if it were sent by itself after all, in the order in which they are tried. `gathered_into` is the digest.
    """

    street_id = models.UUIDField(verbose_name=bilingual("街道", "street"))
    key = models.UUIDField(verbose_name=bilingual("事件", "event"))
    recipient = models.UUIDField(verbose_name=bilingual("接收方", "recipient"))
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=bilingual("接收人", "person"),
    )
    kind = models.CharField(bilingual("类别", "kind"), max_length=48)
    topic = models.CharField(bilingual("主题", "topic"), max_length=12, choices=Topic)
    subject_type = models.CharField(bilingual("事项种类", "kind of subject"), max_length=16, default="", db_default="")
    subject_id = models.UUIDField(null=True, verbose_name=bilingual("所涉事项", "subject"))
    code = models.CharField(bilingual("编号", "code"), max_length=32, default="", db_default="")
    about = models.CharField(bilingual("事由", "about"), max_length=ABOUT_LENGTH, default="", db_default="")
    seq = models.PositiveIntegerField(null=True, verbose_name=bilingual("序号", "number"))
    title = models.CharField(bilingual("标题", "title"), max_length=120)
    body = models.TextField(bilingual("正文", "body"))
    language = models.CharField(bilingual("语言", "language"), max_length=8, default="zh-hans")
    urgent = models.BooleanField(bilingual("紧急", "urgent"), default=False)
    at = models.DateTimeField(bilingual("发生时间", "at"))
    created_at = models.DateTimeField(bilingual("写入时间", "created at"), db_default=Now())
    inbox = models.BooleanField(bilingual("在站内信中", "in the inbox"), default=False)
    read_at = models.DateTimeField(bilingual("阅读时间", "read at"), null=True)
    held_until = models.DateTimeField(bilingual("汇总时间", "held until"), null=True)
    ways = models.JSONField(bilingual("待发内容", "ways"), null=True)
    gathered_into = models.ForeignKey(
        "self",
        models.CASCADE,
        null=True,
        related_name="gathered",
        db_index=False,
        verbose_name=bilingual("并入汇总", "gathered into"),
    )

    person_id: uuid.UUID | None

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = bilingual("消息", "message")
        verbose_name_plural = bilingual("消息", "messages")
        constraints = [
            models.UniqueConstraint(F("key"), F("recipient"), F("street_id"), name="message_once"),
            KnownValues(condition=Q(topic__in=Topic.values), name="message_topic_known"),
            models.CheckConstraint(
                condition=~Q(inbox=True) | Q(held_until__isnull=True), name="message_held_is_not_shown"
            ),
        ]
        indexes = [
            models.Index(F("person"), F("id").desc(), condition=Q(inbox=True), name="message_inbox"),
            models.Index(
                F("person"),
                F("id").desc(),
                include=["urgent"],
                condition=Q(inbox=True, read_at__isnull=True),
                name="message_unread",
            ),
            models.Index(F("person"), F("created_at"), condition=Q(person__isnull=False), name="message_person"),
            models.Index(F("subject_id"), F("id").desc(), name="message_subject"),
            models.Index(
                F("held_until"),
                condition=Q(held_until__isnull=False, gathered_into__isnull=True),
                name="message_held",
            ),
            models.Index(
                F("person"),
                condition=Q(held_until__isnull=False, gathered_into__isnull=True),
                name="message_waiting",
            ),
            models.Index(F("gathered_into"), condition=Q(gathered_into__isnull=False), name="message_gathered"),
            models.Index(F("created_at"), name="message_age"),
        ]

    def __str__(self) -> str:
        return self.title


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Deliveries, narrowed."""

    def due(self) -> "DeliveryQuerySet":
        """The deliveries that can be sent now."""
        return self.filter(state__constant=DeliveryState.QUEUED, available_at__lte=Now())

    def dead(self) -> "DeliveryQuerySet":
        """The deliveries that failed for good, which the office should look at."""
        return self.filter(state__constant=DeliveryState.DEAD)


class Delivery(Identified):
    """The sending of one message by one channel. Its id is the key that is sent to the receiver: a repeat has the same key.

    `attempts` counts the claims. A process records an outcome together with the number of its attempt, and only the
    last attempt counts. `lease_until` is when a delivery that is being sent counts as abandoned. `unsure` says that
    an earlier attempt may have reached the receiver. `fallback` lists the channels that are tried next where the
    receiver does not want this one.
    """

    street_id = models.UUIDField(verbose_name=bilingual("街道", "street"))
    message = models.ForeignKey(
        Message, models.CASCADE, related_name="deliveries", db_index=False, verbose_name=bilingual("消息", "message")
    )
    channel = models.CharField(bilingual("渠道", "channel"), max_length=8, choices=ChannelName)
    recipient = models.UUIDField(verbose_name=bilingual("接收方", "recipient"))
    content = models.JSONField(bilingual("内容", "content"), default=dict)
    fallback = models.JSONField(bilingual("备用渠道", "fallback"), default=list)
    urgent = models.BooleanField(bilingual("紧急", "urgent"), default=False)
    state = models.CharField(
        bilingual("状态", "state"), max_length=8, choices=DeliveryState, default=DeliveryState.QUEUED
    )
    attempts = models.PositiveIntegerField(bilingual("尝试次数", "attempts"), default=0)
    failures = models.PositiveIntegerField(
        bilingual("失败次数", "failures"),
        default=0,
        help_text=bilingual("不含等待限额的次数。", "Attempts that failed; waiting for a limit is none."),
    )
    unsure = models.BooleanField(bilingual("结果不明", "unsure"), default=False)
    available_at = models.DateTimeField(bilingual("可发送时间", "available at"), db_default=Now())
    lease_until = models.DateTimeField(bilingual("占用至", "lease until"), null=True)
    error = models.CharField(bilingual("失败原因", "error"), max_length=300, blank=True, default="")
    receipt = models.CharField(bilingual("回执", "receipt"), max_length=120, blank=True, default="")
    created_at = models.DateTimeField(bilingual("写入时间", "created at"), db_default=Now())
    finished_at = models.DateTimeField(bilingual("完成时间", "finished at"), null=True)
    gathered_into = models.ForeignKey(
        "self",
        models.CASCADE,
        null=True,
        related_name="gathered",
        db_index=False,
        verbose_name=bilingual("并入汇总", "gathered into"),
    )

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = bilingual("发送记录", "delivery")
        verbose_name_plural = bilingual("发送记录", "deliveries")
        constraints = [
            models.UniqueConstraint(F("message"), F("channel"), F("street_id"), name="delivery_once"),
            KnownValues(condition=Q(channel__in=ChannelName.values), name="delivery_channel_known"),
            KnownValues(condition=Q(state__in=DeliveryState.values), name="delivery_state_known"),
            models.CheckConstraint(
                condition=Q(state=DeliveryState.SENDING, lease_until__isnull=False)
                | (~Q(state=DeliveryState.SENDING) & Q(lease_until__isnull=True)),
                name="delivery_sending_is_leased",
            ),
            models.CheckConstraint(
                condition=~Q(state=DeliveryState.GATHERED) | Q(gathered_into__isnull=False),
                name="delivery_gathered_somewhere",
            ),
        ]
        indexes = [
            models.Index(
                F("channel"),
                F("urgent").desc(),
                F("available_at"),
                F("id"),
                condition=Q(state="queued"),
                name="delivery_due",
            ),
            models.Index(
                F("channel"),
                F("recipient"),
                F("urgent").desc(),
                F("available_at"),
                F("id"),
                condition=Q(state="queued"),
                name="delivery_receiver",
            ),
            models.Index(
                F("channel"),
                F("urgent"),
                F("street_id"),
                F("available_at"),
                F("id"),
                condition=Q(state="queued"),
                name="delivery_turn",
            ),
            models.Index(F("lease_until"), condition=Q(state="sending"), name="delivery_leased"),
            models.Index(F("channel"), F("id").desc(), condition=Q(state="dead"), name="delivery_dead"),
            models.Index(F("finished_at"), condition=Q(state__in=["sent", "dead"]), name="delivery_finished"),
            models.Index(
                F("recipient"),
                F("created_at").desc(),
                F("id").desc(),
                condition=Q(channel="webhook"),
                name="delivery_webhook",
            ),
            models.Index(
                F("recipient"),
                F("state"),
                F("created_at").desc(),
                F("id").desc(),
                condition=Q(channel="webhook", state__in=["queued", "sending", "dropped", "dead"]),
                name="delivery_webhook_state",
            ),
            models.Index(F("gathered_into"), condition=Q(gathered_into__isnull=False), name="delivery_gathered"),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} {self.get_state_display()}"
