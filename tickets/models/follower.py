"""Residents who follow somebody else's ticket."""

from django.conf import settings
from django.db import models
from django.db.models import F

from community.models.places import street_reference
from tickets.states import Satisfaction
from web.models import Identified
from web.words import bilingual


class FollowerKind(models.TextChoices):
    """Why a person follows a ticket."""

    COSIGNED = "cosigned", bilingual("附议", "Cosigned")
    MERGED = "merged", bilingual("并单", "Merged")


class Follower(Identified):
    """A person who cosigned a ticket, or whose own ticket was merged into it; each may dispute its reply once."""

    street = street_reference()
    ticket = models.ForeignKey(
        "tickets.Ticket",
        models.CASCADE,
        related_name="followers",
        db_index=False,
        verbose_name=bilingual("工单", "ticket"),
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        db_index=False,
        verbose_name=bilingual("人员", "person"),
    )
    kind = models.CharField(max_length=8, choices=FollowerKind, verbose_name=bilingual("类别", "kind"))
    since = models.DateTimeField(verbose_name=bilingual("开始时间", "since"))
    disputed_at = models.DateTimeField(null=True, verbose_name=bilingual("异议时间", "disputed at"))
    rating = models.PositiveSmallIntegerField(
        null=True, choices=Satisfaction, verbose_name=bilingual("满意度", "rating")
    )
    rated_at = models.DateTimeField(null=True, verbose_name=bilingual("评价时间", "rated at"))
    declined_at = models.DateTimeField(
        null=True,
        help_text=bilingual("不愿接续已退出的诉求人。", "When they declined to succeed the reporter who left."),
        verbose_name=bilingual("不接续时间", "declined at"),
    )

    class Meta:
        verbose_name = bilingual("附议人", "follower")
        verbose_name_plural = bilingual("附议人", "followers")
        constraints = [models.UniqueConstraint(F("ticket"), F("person"), F("street"), name="follower_once")]
        indexes = [models.Index(F("person"), F("ticket").desc(), name="follower_person")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.person}"
