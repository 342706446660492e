"""What a person has chosen: channels by topic, quiet hours, digests, and the e-mail address."""

from datetime import time

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from notifications.codes import WRONG_GUESSES
from notifications.topics import PERSONAL, Digest, Topic
from web.models import Identified
from web.words import bilingual

QUIET_FROM, QUIET_UNTIL = time(22), time(7)
INBOX = "inbox"
CHOSEN = [(INBOX, bilingual("站内信", "Inbox")), *((one.value, one.label) for one in PERSONAL)]


class Profile(models.Model):
    """A person's settings. A person without a row has the defaults.

    Between `quiet_from` and `quiet_until` (equal: never), in the server's time zone, only urgent messages are sent.
    """

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        primary_key=True,
        related_name="+",
        verbose_name=bilingual("人员", "person"),
    )
    email = models.EmailField(bilingual("电子邮箱", "e-mail"), blank=True, default="")
    email_confirmed_at = models.DateTimeField(bilingual("邮箱确认时间", "e-mail confirmed at"), null=True)
    quiet_from = models.TimeField(bilingual("免打扰开始", "quiet from"), default=QUIET_FROM)
    quiet_until = models.TimeField(bilingual("免打扰结束", "quiet until"), default=QUIET_UNTIL)
    digest = models.CharField(bilingual("汇总", "digest"), max_length=8, choices=Digest, default=Digest.AUTO)

    class Meta:
        verbose_name = bilingual("通知设置", "notification settings")
        verbose_name_plural = bilingual("通知设置", "notification settings")

    def __str__(self) -> str:
        return str(self.person_id)


class EmailCode(Identified):
    """A code that was mailed to an address. Kept for a day, because the limits count what was sent.

    `code_hash` is an HMAC under SECRET_KEY.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    email = models.EmailField(max_length=254)
    code_hash = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())
    used_at = models.DateTimeField(null=True)
    wrong = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(wrong__lte=WRONG_GUESSES), name="emailcode_wrong_guesses"),
        ]
        indexes = [
            models.Index(F("person"), F("created_at"), name="emailcode_by_person"),
            models.Index(F("email"), F("created_at"), name="emailcode_by_email"),
            models.Index(F("created_at"), name="emailcode_by_age"),
        ]

    def __str__(self) -> str:
        return str(self.person_id)


class Preference(Identified):
    """Whether a person wants a topic by a channel. Without a row the default applies."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    topic = models.CharField(max_length=12, choices=Topic)
    channel = models.CharField(max_length=8, choices=CHOSEN)
    wanted = models.BooleanField()

    class Meta:
        verbose_name = bilingual("通知偏好", "preference")
        verbose_name_plural = bilingual("通知偏好", "preferences")
        constraints = [
            models.UniqueConstraint(F("person"), F("topic"), F("channel"), name="preference_once"),
            models.CheckConstraint(condition=Q(topic__in=Topic.values), name="preference_topic_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_topic_display()} · {self.get_channel_display()}"
