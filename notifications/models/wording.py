"""Wordings that streets have written themselves. They replace those that come with Linli."""

from django.db import models
from django.db.models import F

from notifications.topics import ChannelName
from web.models import Identified
from web.words import bilingual

TEXT = "text"
"""What the inbox, e-mail and robots show: a title and a body."""
ANY = "*"
"""A wording for every kind that has none of its own."""
SHAPES = [
    (TEXT, bilingual("标题和正文", "Title and body")),
    *((one, one.label) for one in (ChannelName.SMS, ChannelName.WECHAT)),
]
LANGUAGES = [("zh-hans", bilingual("中文", "Chinese")), ("en", bilingual("英文", "English"))]
GROUP_LANGUAGE = "zh-hans"
"""What a group chat reads."""


class Wording(Identified):
    """A street's wording of one kind of message, for a channel and a language. Placeholders are written `${code}`.

    For `text` it has a title and a body. For `sms` and `wechat`, `template` is the vendor's id of the approved
    template, and each line of the body fills one of its fields: `thing2: ${matter}`.
    """

    street_id = models.UUIDField(verbose_name=bilingual("街道", "street"))
    kind = models.CharField(bilingual("类别", "kind"), max_length=48)
    channel = models.CharField(bilingual("渠道", "channel"), max_length=8, choices=SHAPES, default=TEXT)
    language = models.CharField(bilingual("语言", "language"), max_length=8, choices=LANGUAGES, default="zh-hans")
    title = models.CharField(bilingual("标题", "title"), max_length=120, blank=True, default="")
    body = models.TextField(bilingual("正文", "body"), max_length=2000)
    template = models.CharField(bilingual("平台模板编号", "vendor's template"), max_length=64, blank=True, default="")
    changed_at = models.DateTimeField(bilingual("修改时间", "changed at"), auto_now=True)

    class Meta:
        verbose_name = bilingual("消息模板", "wording")
        verbose_name_plural = bilingual("消息模板", "wordings")
        constraints = [
            models.UniqueConstraint(F("street_id"), F("kind"), F("channel"), F("language"), name="wording_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.channel} {self.language}"
