"""Inputs that several moves share. People's own words are marked, because the history keeps them apart."""

from typing import Any

from django.db import models
from rest_framework import serializers

from casework import inputs
from casework.inputs import Identifier, OwnWords
from web.words import bilingual


class Party(models.TextChoices):
    """Whom the street may stand in for (代办)."""

    REPORTER = "reporter", bilingual("诉求人", "The reporter")
    HOLDER = "holder", bilingual("承办单位", "The holder")
    COMMITTEE = "committee", bilingual("物管会", "The committee")
    CO_HANDLER = "co_handler", bilingual("协办单位", "A co-handler")
    WHISTLED = "whistled", bilingual("被吹哨单位", "The whistled department")


class TicketInput(inputs.Input):
    """The inputs of a move."""

    on_behalf_of = serializers.ChoiceField(
        choices=Party.choices,
        required=False,
        label=bilingual("代办", "On behalf of"),
        help_text=bilingual("仅供街道人员：代哪一方办理。", "The street's staff only: whom they stand in for."),
    )


def photo_ids(**options: Any) -> serializers.ListField:
    """Ids of uploaded photos, nine at most."""
    options.setdefault("label", bilingual("照片", "Photos"))
    return serializers.ListField(child=Identifier(), max_length=9, required=False, **options)


REASON = bilingual("理由", "Reason")
CATEGORY = bilingual("事项分类", "Category")
COMPOUND = bilingual("小区", "Compound")
SPOT = bilingual("具体位置", "Exact spot")
ACCUSED = bilingual("被反映单位", "Accused organisation")
CODE = bilingual("分类代码，如 CL03。", "The category's code, such as CL03.")
SATISFACTION = bilingual("满意度", "Satisfaction")
REMARKS = bilingual("补充说明", "Remarks")
TEXT = bilingual("内容", "Text")
TITLE = bilingual("标题", "Title")
MADE_TITLE = bilingual("不填时由分类和地点生成。", "Made of category and place where it is left out.")
TYPE = bilingual("类型", "Type")
HIDDEN = bilingual("内容不向邻居公开", "Hide the words from neighbours")


class Nothing(TicketInput):
    """A move that asks for nothing."""


class Reason(TicketInput):
    reason = OwnWords(label=REASON)


class OptionalReason(TicketInput):
    reason = OwnWords(required=False, label=REASON)


class Reply(TicketInput):
    result = OwnWords(
        label=bilingual("办理结果", "Result"), help_text=bilingual("诉求人可见。", "The resident reads it.")
    )
    photos = photo_ids(
        label=bilingual("整改后照片", "After-photos"),
        help_text=bilingual("部分事项至少一张。", "Some categories demand at least one."),
    )
