"""What each move asks for: one serializer a move. People's own words are marked, for the history keeps them apart."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import models
from rest_framework import serializers

from tickets.states import Channel, Secrecy, TicketType
from web.words import bilingual


class Words(serializers.CharField):
    """A text in somebody's own words, 1 to 2,000 characters."""

    def __init__(self, **options: Any):
        options.setdefault("max_length", 2000)
        super().__init__(**options)


class Party(models.TextChoices):
    """Whom the street may stand in for (代办)."""

    REPORTER = "reporter", bilingual("诉求人", "The reporter")
    HOLDER = "holder", bilingual("承办单位", "The holder")
    COMMITTEE = "committee", bilingual("物管会", "The committee")
    CO_HANDLER = "co_handler", bilingual("协办单位", "A co-handler")
    WHISTLED = "whistled", bilingual("被吹哨单位", "Whoever was whistled")


class Identifier(serializers.UUIDField):
    """An id as text; DRF would read a number as one, too."""

    def to_internal_value(self, data: Any) -> uuid.UUID:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class Input(serializers.Serializer[Any]):
    """The inputs of a move. Unknown fields are refused, so that a misspelt one is not lost in silence."""

    on_behalf_of = serializers.ChoiceField(
        choices=Party.choices, required=False, help_text="The street's staff only: whom they stand in for (代办)."
    )

    @classmethod
    def names(cls) -> frozenset[str]:
        """The names of all inputs."""
        return frozenset(cls._declared_fields)

    @classmethod
    def own_words(cls) -> frozenset[str]:
        """The names of the inputs that are people's own words."""
        return frozenset(name for name, field in cls._declared_fields.items() if isinstance(field, Words))

    def to_internal_value(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The fields' own values; what no field takes is refused by name. Keeps nothing, so that threads may share it."""
        if unknown := data.keys() - self.fields.keys():
            raise serializers.ValidationError(
                {name: serializers.ErrorDetail(str(_UNKNOWN), code="unknown_field") for name in sorted(unknown)}
            )
        return super().to_internal_value(data)


_UNKNOWN = bilingual("没有这个字段。", "There is no such field.")


def photo_ids(**options: Any) -> serializers.ListField:
    """Ids of uploaded photos, nine at most."""
    return serializers.ListField(child=Identifier(), max_length=9, required=False, **options)


class Satisfaction(models.IntegerChoices):
    """The five levels of DB11/T 751-2025."""

    VERY_DISSATISFIED = 1, bilingual("很不满意", "Very dissatisfied")
    DISSATISFIED = 2, bilingual("不满意", "Dissatisfied")
    FAIRLY_SATISFIED = 3, bilingual("基本满意", "Fairly satisfied")
    SATISFIED = 4, bilingual("满意", "Satisfied")
    VERY_SATISFIED = 5, bilingual("很满意", "Very satisfied")


class RejectBranch(models.TextChoices):
    """Why a request is not taken up: the six branches of the Beijing ordinance of 2021, article 11 (RULES: 不予受理)."""

    EMERGENCY = "emergency", bilingual("紧急事项，转专线", "An emergency: call the emergency line")
    LEGAL_PROCEDURE = "legal_procedure", bilingual("应通过法定途径解决", "Belongs to a legal procedure")
    REPEATED = "repeated", bilingual("重复诉求且无新理由", "Repeated without new grounds")
    SECRET = "secret", bilingual("涉及国家秘密、商业秘密或个人隐私", "Touches secrets or privacy")
    OUT_OF_SCOPE = "out_of_scope", bilingual("超出职责范围", "Outside the duties of the authorities")
    UNLAWFUL = "unlawful", bilingual("违反法律法规或公序良俗", "Against the law or public morals")


class AccountKind(models.TextChoices):
    """Why a ticket cannot be solved soon (挂账)."""

    LEGACY = "legacy", bilingual("历史遗留", "A legacy problem")
    PLANNING = "planning", bilingual("待规划建设", "Waits for planning or building")
    FUNDING = "funding", bilingual("待资金落实", "Waits for money")
    JOINT_DECISION = "joint_decision", bilingual("待业主共同决定", "Waits for the owners' joint decision")
    OTHER = "other", bilingual("其他", "Other")


class SupervisionKind(models.TextChoices):
    """How sharply the street supervises (督办)."""

    ROUTINE = "routine", bilingual("日常督办", "Routine")
    LISTED = "listed", bilingual("挂牌督办", "Listed")
    INTERVIEW = "interview", bilingual("约谈督办", "By interview")


class Nothing(Input):
    """A move that asks for nothing."""


class Reason(Input):
    reason = Words()


class OptionalReason(Input):
    reason = Words(required=False)


class AnswerNow(Input):
    answer = Words()


class Correct(Input):
    category = serializers.CharField(max_length=8, required=False, help_text="The category's code, such as CL03.")
    compound = Identifier(required=False, allow_null=True)
    spot = Words(max_length=200, required=False, allow_blank=True)
    accused = Identifier(required=False, help_text="The organisation that it is against.")
    reason = Words()


class Record(Input):
    met_with = Words(max_length=500)
    agreed = Words()


class Dispatch(Input):
    holder = Identifier(help_text="The organisation that leads.")
    co_handlers = serializers.ListField(child=Identifier(), max_length=10, required=False)
    next_steps = serializers.ListField(
        child=Identifier(),
        max_length=5,
        required=False,
        help_text="Who leads after the holder, one after the other.",
    )
    note = Words(required=False)


class Redispatch(Dispatch):
    note = None  # type: ignore[assignment]
    reason = Words()


class Sign(Input):
    worker = Identifier(required=False, help_text="A member of the holder who will do the work.")


class ContactResult(models.TextChoices):
    """How the first contact with the resident went (先行联系)."""

    REACHED = "reached", bilingual("已联系上", "Reached")
    NO_ANSWER = "no_answer", bilingual("未接通", "No answer")
    BY_MESSAGE = "by_message", bilingual("已留言", "Left a message")


class FirstContact(Input):
    result = serializers.ChoiceField(choices=ContactResult.choices)
    words = Words(required=False)


class Progress(Input):
    text = Words()
    photos = photo_ids()


class Ask(Input):
    question = Words(max_length=500)


class Answer(Input):
    answer = Words()
    photos = photo_ids()


class RequestExtension(Input):
    days = serializers.IntegerField(min_value=1, max_value=30)
    reason = Words()


class Whistle(Input):
    departments = serializers.ListField(child=Identifier(), min_length=1, max_length=10)
    reason = Words()


class Helping(Input):
    organisation = Identifier(
        required=False, help_text="Which helper it is, where the street stands in for one of several."
    )


class ReportIn(Helping):
    reason = Words(required=False)


class Decline(Helping):
    reason = Words()


class AssistDone(Helping):
    words = Words()


class PutOnAccount(Input):
    kind = serializers.ChoiceField(choices=AccountKind.choices)
    owner = Identifier(help_text="The organisation that answers for it meanwhile.")
    plan_date = serializers.DateField()
    reason = Words()


class Reply(Input):
    result = Words()
    photos = photo_ids(help_text="After-photos; some categories demand at least one.")


class Confirm(Input):
    resolved = serializers.BooleanField()
    rating = serializers.ChoiceField(choices=Satisfaction.choices)
    words = Words(required=False)


class Dispute(Input):
    reason = Words()
    photos = photo_ids()


class Callback(Input):
    valid = serializers.BooleanField(help_text="The resident could be reached and spoke on the matter.")
    contacted = serializers.BooleanField()
    resolved = serializers.BooleanField()
    satisfied = serializers.ChoiceField(choices=Satisfaction.choices)
    words = Words(required=False)


class Reject(Input):
    branch = serializers.ChoiceField(choices=RejectBranch.choices)
    guidance = Words(help_text="Where to go instead; the resident reads it.")


class Merge(Input):
    into = Identifier(help_text="The open ticket that goes on.")


class Thank(Input):
    words = Words(max_length=500)
    consent = serializers.BooleanField(help_text="The words may be shown in public.")


class Supervise(Input):
    kind = serializers.ChoiceField(choices=SupervisionKind.choices)
    reason = Words()


class RaiseLevel(Input):
    level = serializers.IntegerField(
        min_value=1, max_value=5, help_text="L1 community, L2 street, L3 departments, L4 district, L5 city."
    )
    reason = Words(required=False)


class Submit(Input):
    """A report: what it is, where it is, and what the resident says of it."""

    on_behalf_of = None  # type: ignore[assignment]

    category = serializers.CharField(max_length=8, help_text="The category's code, such as CL03.")
    compound = Identifier(required=False, help_text="The compound; leave it out for a street's public ground.")
    street = Identifier(required=False, help_text="The street; needed where no compound is given.")
    spot = serializers.CharField(
        max_length=200, required=False, allow_blank=True, help_text="Where exactly: gate, building, road."
    )
    title = serializers.CharField(
        max_length=60, required=False, help_text="Of category and place where it is left out."
    )
    text = serializers.CharField(max_length=2000)
    type = serializers.ChoiceField(choices=TicketType.choices, default=TicketType.HELP)
    secrecy = serializers.ChoiceField(choices=Secrecy.choices, default=Secrecy.OPEN)
    accused = Identifier(required=False, help_text="The organisation that the report is against.")
    photos = photo_ids()
    channel = serializers.ChoiceField(
        choices=Channel.choices,
        default=Channel.APP,
        help_text="Other than app: staff of the street, for somebody else.",
    )
    contact_name = serializers.CharField(
        max_length=40, required=False, help_text="Only where staff report for somebody."
    )
    contact_phone = serializers.RegexField(r"^[0-9+\-]{5,20}$", required=False)
    hotline_number = serializers.CharField(max_length=40, required=False, help_text="The 12345 ticket's own number.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.get("compound") and not attrs.get("street"):
            raise serializers.ValidationError(
                {"compound": [serializers.ErrorDetail(str(_PLACE_NEEDED), code="required")]}
            )
        foreign = {"contact_name", "contact_phone", "hotline_number"} & set(attrs)
        if attrs["channel"] == Channel.APP and foreign:
            raise serializers.ValidationError(
                {name: [serializers.ErrorDetail(str(_FOR_STAFF), code="for_staff")] for name in sorted(foreign)}
            )
        return attrs


_PLACE_NEEDED = bilingual("请选择小区，或注明所在街道。", "Give the compound, or the street.")
_FOR_STAFF = bilingual("仅供工作人员代为上报时填写。", "Only for staff who report for somebody else.")
