"""What the inputs of moves have in common. People's own words are marked, for the history keeps them apart."""

import uuid
from typing import Any

from django.db import models
from rest_framework import serializers

from web.bodies import Body
from web.fields import Line, Text
from web.texts import read_line
from web.words import bilingual


class Words(Text):
    """A text in somebody's own words, 1 to 2,000 characters."""

    def __init__(self, **options: Any):
        options.setdefault("max_length", 2000)
        super().__init__(**options)


class WordsOfOneLine(Words, Line):
    """One line in somebody's own words."""

    read = staticmethod(read_line)


class Party(models.TextChoices):
    """Whom the street may stand in for (代办)."""

    REPORTER = "reporter", bilingual("诉求人", "The reporter")
    HOLDER = "holder", bilingual("承办单位", "The holder")
    COMMITTEE = "committee", bilingual("物管会", "The committee")
    CO_HANDLER = "co_handler", bilingual("协办单位", "A co-handler")
    WHISTLED = "whistled", bilingual("被吹哨单位", "The whistled department")


class Identifier(serializers.UUIDField):
    """An id as text; DRF would read a number as one, too."""

    def to_internal_value(self, data: Any) -> uuid.UUID:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class Input(Body):
    """The inputs of a move."""

    on_behalf_of = serializers.ChoiceField(
        choices=Party.choices,
        required=False,
        label=bilingual("代办", "On behalf of"),
        help_text=bilingual("仅供街道人员：代哪一方办理。", "The street's staff only: whom they stand in for."),
    )

    @classmethod
    def names(cls) -> frozenset[str]:
        """The names of all inputs."""
        return frozenset(cls._declared_fields)

    @classmethod
    def own_words(cls) -> frozenset[str]:
        """The names of the inputs that are people's own words."""
        return frozenset(name for name, field in cls._declared_fields.items() if isinstance(field, Words))


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


class Nothing(Input):
    """A move that asks for nothing."""


class Reason(Input):
    reason = Words(label=REASON)


class OptionalReason(Input):
    reason = Words(required=False, label=REASON)


class Reply(Input):
    result = Words(label=bilingual("办理结果", "Result"), help_text=bilingual("诉求人可见。", "The resident reads it."))
    photos = photo_ids(
        label=bilingual("整改后照片", "After-photos"),
        help_text=bilingual("部分事项至少一张。", "Some categories demand at least one."),
    )
