"""What each move asks for: one serializer a move. People's own words are marked, for the history keeps them apart."""

import uuid
from typing import Any

from django.db import models
from rest_framework import serializers

from community.phones import PhoneField
from tickets.states import PROACTIVE, Channel, Secrecy, TicketType
from web.bodies import Body
from web.fields import Line, Text
from web.texts import read_line, read_number
from web.words import bilingual


class Words(Text):
    """A text in somebody's own words, 1 to 2,000 characters."""

    def __init__(self, **options: Any):
        options.setdefault("max_length", 2000)
        super().__init__(**options)


class WordsOfOneLine(Words, Line):
    """One line in somebody's own words."""

    read = staticmethod(read_line)


class HotlineNumber(Line):
    """A number of the hotline's, as it is printed: without spaces, full-width forms or small letters."""

    def to_internal_value(self, data: Any) -> str:
        """The number in its one form."""
        return read_number(super().to_internal_value(data)).upper()


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
RESOLVED = bilingual("是否解决", "Resolved")
REMARKS = bilingual("补充说明", "Remarks")
TEXT = bilingual("内容", "Text")
TITLE = bilingual("标题", "Title")
MADE_TITLE = bilingual("不填时由分类和地点生成。", "Made of category and place where it is left out.")
TYPE = bilingual("类型", "Type")
HIDDEN = bilingual("内容不向邻居公开", "Hide the words from neighbours")


class Satisfaction(models.IntegerChoices):
    """The five levels of DB11/T 751-2025."""

    VERY_DISSATISFIED = 1, bilingual("很不满意", "Very dissatisfied")
    DISSATISFIED = 2, bilingual("不满意", "Dissatisfied")
    FAIRLY_SATISFIED = 3, bilingual("基本满意", "Fairly satisfied")
    SATISFIED = 4, bilingual("满意", "Satisfied")
    VERY_SATISFIED = 5, bilingual("很满意", "Very satisfied")


class RejectBranch(models.TextChoices):
    """Why a request is not taken up: the six branches of the Beijing ordinance of 2021, article 11 (不予受理)."""

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
    reason = Words(label=REASON)


class OptionalReason(Input):
    reason = Words(required=False, label=REASON)


class AnswerNow(Input):
    answer = Words(label=bilingual("答复", "Answer"), help_text=bilingual("诉求人可见。", "The resident reads it."))


class Correct(Input):
    category = Line(max_length=8, required=False, label=CATEGORY, help_text=CODE)
    compound = Identifier(
        required=False,
        allow_null=True,
        label=COMPOUND,
        help_text=bilingual("空值表示街道的公共区域。", "Null is the street's public ground."),
    )
    spot = WordsOfOneLine(max_length=200, required=False, allow_blank=True, label=SPOT)
    accused = Identifier(required=False, label=ACCUSED)
    complex_fault = serializers.BooleanField(
        required=False,
        label=bilingual("复杂故障", "Complex fault"),
        help_text=bilingual(
            "照明等事项适用更长的时限。", "Lighting and the like get the longer time of a complex fault."
        ),
    )
    reason = Words(label=REASON)


class CorrectContact(Input):
    contact_name = Line(max_length=40, required=False, label=bilingual("联系人", "Contact"))
    contact_phone = PhoneField(
        required=False,
        label=bilingual("联系电话", "Contact phone"),
        help_text=bilingual("手机号，或带区号的固定电话。", "A mobile number, or a landline with its area code."),
    )
    reason = Words(label=REASON)


class Appoint(Input):
    officer = Identifier(
        allow_null=True,
        label=bilingual("责任人", "Officer"),
        help_text=bilingual(
            "街道办事处或科室的在岗人员；空值表示不指定。",
            "A member of the street's office or of one of its sections; null is nobody.",
        ),
    )
    reason = Words(required=False, label=REASON)


class Remark(Input):
    text = Words(label=bilingual("备注", "Note"), help_text=bilingual("仅街道可见。", "The street alone reads it."))


class Record(Input):
    met_with = WordsOfOneLine(max_length=500, label=bilingual("参加人员", "Who met"))
    agreed = Words(label=bilingual("达成意见", "What was agreed"))
    minutes = Words(required=False, label=bilingual("会议纪要", "Minutes"))
    photos = photo_ids()


class Dispatch(Input):
    holder = Identifier(
        label=bilingual("承办单位", "Holder"), help_text=bilingual("主办单位。", "The organisation that leads.")
    )
    co_handlers = serializers.ListField(
        child=Identifier(), max_length=10, required=False, label=bilingual("协办单位", "Co-handlers")
    )
    next_steps = serializers.ListField(
        child=Identifier(),
        max_length=5,
        required=False,
        label=bilingual("后续承办单位", "Next steps"),
        help_text=bilingual("依次接续主办的单位。", "Who leads after the holder, one after the other."),
    )
    note = Words(required=False, label=bilingual("派单说明", "Note"))


class Redispatch(Dispatch):
    note = None  # type: ignore[assignment]
    reason = Words(label=REASON)


class Sign(Input):
    worker = Identifier(
        required=False,
        label=bilingual("经办人", "Worker"),
        help_text=bilingual("承办单位的在岗成员。", "A member of the holder who will do the work."),
    )


class Assign(Input):
    worker = Identifier(
        label=bilingual("经办人", "Worker"),
        help_text=bilingual("承办单位的在岗成员。", "A member of the holder who will do the work."),
    )
    note = Words(required=False, label=REMARKS)


class ContactResult(models.TextChoices):
    """How the first contact with the resident went (先行联系)."""

    REACHED = "reached", bilingual("已联系上", "Reached")
    NO_ANSWER = "no_answer", bilingual("未接通", "No answer")
    BY_MESSAGE = "by_message", bilingual("已留言", "Left a message")


class FirstContact(Input):
    result = serializers.ChoiceField(choices=ContactResult.choices, label=bilingual("联系结果", "Result"))
    words = Words(required=False, label=REMARKS)


class Progress(Input):
    text = Words(label=bilingual("进展", "Progress"))
    photos = photo_ids()


class Ask(Input):
    question = Words(max_length=500, label=bilingual("问题", "Question"))


class Answer(Input):
    answer = Words(label=bilingual("补充内容", "Answer"))
    photos = photo_ids()


class Comment(Input):
    """Words, photos, or both."""

    text = Words(required=False, label=bilingual("留言", "Comment"))
    photos = photo_ids()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.get("text") and not attrs.get("photos"):
            raise serializers.ValidationError({"text": [serializers.ErrorDetail(str(_NOTHING_SAID), code="required")]})
        return attrs


class RequestExtension(Input):
    days = serializers.IntegerField(min_value=1, max_value=30, label=bilingual("延期天数", "Days"))
    reason = Words(label=REASON)


class Whistle(Input):
    departments = serializers.ListField(
        child=Identifier(), min_length=1, max_length=10, label=bilingual("吹哨对象", "Whom to summon")
    )
    reason = Words(label=REASON)


class Helping(Input):
    organisation = Identifier(
        required=False,
        label=bilingual("协办单位", "Helper"),
        help_text=bilingual(
            "街道代办且有多个单位时须注明。", "Which one, where the street stands in for one of several."
        ),
    )


class ReportIn(Helping):
    reason = Words(required=False, label=REMARKS)


class Decline(Helping):
    reason = Words(label=REASON)


class AssistDone(Helping):
    words = Words(label=bilingual("完成情况", "What was done"))


class PutOnAccount(Input):
    kind = serializers.ChoiceField(choices=AccountKind.choices, label=bilingual("挂账原因", "Why"))
    owner = Identifier(
        label=bilingual("责任单位", "Owner"),
        help_text=bilingual("挂账期间负责的单位。", "The organisation that answers for it meanwhile."),
    )
    plan_date = serializers.DateField(label=bilingual("计划销账日期", "Plan date"))
    reason = Words(label=REASON)


class Reply(Input):
    result = Words(label=bilingual("办理结果", "Result"), help_text=bilingual("诉求人可见。", "The resident reads it."))
    photos = photo_ids(
        label=bilingual("整改后照片", "After-photos"),
        help_text=bilingual("部分事项至少一张。", "Some categories demand at least one."),
    )


class Confirm(Input):
    resolved = serializers.BooleanField(label=RESOLVED)
    rating = serializers.ChoiceField(choices=Satisfaction.choices, label=SATISFACTION)
    words = Words(required=False, label=REMARKS)


class Check(Input):
    words = Words(required=False, label=bilingual("核查情况", "What the check found"))


class Dispute(Input):
    reason = Words(label=REASON)
    photos = photo_ids()


class Callback(Input):
    valid = serializers.BooleanField(
        label=bilingual("有效回访", "Valid"),
        help_text=bilingual("已联系到诉求人并谈及该事项。", "The resident could be reached and spoke on the matter."),
    )
    contacted = serializers.BooleanField(
        label=bilingual("是否联系", "Contacted"),
        help_text=bilingual("承办单位是否联系过诉求人。", "Whether the holder had been in touch."),
    )
    resolved = serializers.BooleanField(label=RESOLVED)
    satisfied = serializers.ChoiceField(choices=Satisfaction.choices, label=SATISFACTION)
    words = Words(required=False, label=REMARKS)


class Reject(Input):
    branch = serializers.ChoiceField(choices=RejectBranch.choices, label=bilingual("不予受理情形", "Ground"))
    guidance = Words(
        label=bilingual("指引", "Guidance"),
        help_text=bilingual("告知诉求人应向何处反映。", "Where to go instead; the resident reads it."),
    )


class Merge(Input):
    into = Identifier(
        label=bilingual("并入工单", "Into"),
        help_text=bilingual("继续办理的在办工单。", "The open ticket that goes on."),
    )


class FileAnother(Input):
    """A second matter out of a report; what is left out is as in the first, but for the title."""

    on_behalf_of = None  # type: ignore[assignment]

    category = Line(max_length=8, label=CATEGORY, help_text=CODE)
    text = Text(
        max_length=2000,
        required=False,
        label=TEXT,
        help_text=bilingual("不填时沿用原工单的内容。", "That of the first ticket where it is left out."),
    )
    title = Line(max_length=60, required=False, label=TITLE, help_text=MADE_TITLE)
    type = serializers.ChoiceField(choices=TicketType.choices, required=False, label=TYPE)
    compound = Identifier(
        required=False,
        allow_null=True,
        label=COMPOUND,
        help_text=bilingual("空值表示街道的公共区域。", "Null is the street's public ground."),
    )
    spot = Line(max_length=200, required=False, allow_blank=True, label=SPOT)
    accused = Identifier(
        required=False,
        label=ACCUSED,
        help_text=bilingual(
            "仅在另写内容时填写；沿用原内容的，被反映单位也沿用。",
            "Only beside words of its own; the words of the first accuse whom they accused.",
        ),
    )
    photos = photo_ids()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "accused" in attrs and "text" not in attrs:
            raise serializers.ValidationError({"accused": [serializers.ErrorDetail(str(_OWN_WORDS), code="own_words")]})
        return attrs


class Rate(Input):
    rating = serializers.ChoiceField(choices=Satisfaction.choices, label=SATISFACTION)
    words = Words(required=False, label=REMARKS)


class Thank(Input):
    words = Words(max_length=500, label=bilingual("致谢内容", "Words of thanks"))
    consent = serializers.BooleanField(
        label=bilingual("同意公开", "Consent"),
        help_text=bilingual("可以公开展示致谢内容。", "The words may be shown in public."),
    )


class Supervise(Input):
    kind = serializers.ChoiceField(choices=SupervisionKind.choices, label=bilingual("督办方式", "Kind"))
    reason = Words(label=REASON)


class RaiseLevel(Input):
    level = serializers.IntegerField(
        min_value=1,
        max_value=5,
        label=bilingual("层级", "Level"),
        help_text=bilingual(
            "1 社区，2 街道，3 部门，4 区级，5 市级。", "L1 community, L2 street, L3 departments, L4 district, L5 city."
        ),
    )
    reason = Words(required=False, label=REASON)


class LowerLevel(Input):
    level = serializers.IntegerField(
        min_value=0,
        max_value=4,
        label=bilingual("层级", "Level"),
        help_text=bilingual(
            "0 未提级，1 社区，2 街道，3 部门，4 区级。",
            "L0 none, L1 community, L2 street, L3 departments, L4 district.",
        ),
    )
    reason = Words(label=REASON)


class HideWords(Input):
    hidden = serializers.BooleanField(label=HIDDEN)


class Redact(Input):
    """What neighbours read in the place of the words that are there; at least one of these."""

    title = WordsOfOneLine(max_length=60, required=False, label=bilingual("公开标题", "Public title"))
    text = Words(required=False, label=bilingual("公开内容", "Public text"))
    events = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=100_000),
        max_length=50,
        required=False,
        label=bilingual("不公开的记录", "Entries without words"),
        help_text=bilingual(
            "记录序号；其文字不再向邻居公开。", "By their numbers; neighbours no longer read their words."
        ),
    )
    hidden = serializers.BooleanField(required=False, label=HIDDEN)
    reason = Words(label=REASON)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not {"title", "text", "events", "hidden"} & set(attrs):
            raise serializers.ValidationError(
                {"text": [serializers.ErrorDetail(str(_NOTHING_REDACTED), code="required")]}
            )
        return attrs


class Submit(Input):
    """A report: what it is, where it is, and what the resident says of it."""

    on_behalf_of = None  # type: ignore[assignment]

    category = Line(max_length=8, label=CATEGORY, help_text=CODE)
    compound = Identifier(
        required=False,
        label=COMPOUND,
        help_text=bilingual("街道公共区域的事项不填。", "Leave it out for a street's public ground."),
    )
    street = Identifier(
        required=False,
        label=bilingual("街道", "Street"),
        help_text=bilingual("未填小区时必填。", "Needed where no compound is given."),
    )
    spot = Line(
        max_length=200,
        required=False,
        allow_blank=True,
        label=SPOT,
        help_text=bilingual("门岗、楼栋、道路等。", "Where exactly: gate, building, road."),
    )
    title = Line(max_length=60, required=False, label=TITLE, help_text=MADE_TITLE)
    text = Text(max_length=2000, label=TEXT)
    type = serializers.ChoiceField(choices=TicketType.choices, default=TicketType.HELP, label=TYPE)
    secrecy = serializers.ChoiceField(choices=Secrecy.choices, default=Secrecy.OPEN, label=bilingual("保密", "Secrecy"))
    accused = Identifier(required=False, label=ACCUSED)
    photos = photo_ids()
    channel = serializers.ChoiceField(
        choices=Channel.choices,
        default=Channel.APP,
        label=bilingual("渠道", "Channel"),
        help_text=bilingual(
            "电话、窗口供工作人员代他人上报；热线仅限街道；巡查、自查、网格为本单位自行发现的问题，没有诉求人。",
            "By phone and at the counter staff report for somebody else; the hotline is the street's. What an organisation found by "
            "itself (patrol, self_check, grid) has no reporter.",
        ),
    )
    hidden = serializers.BooleanField(
        default=False,
        label=HIDDEN,
        help_text=bilingual(
            "邻居只看到事项和地点，看不到标题和内容。", "Neighbours see what it is about and where, not the words."
        ),
    )
    contact_name = Line(
        max_length=40,
        required=False,
        label=bilingual("联系人", "Contact"),
        help_text=bilingual("仅供工作人员代为上报时填写。", "Only where staff report for somebody."),
    )
    contact_phone = PhoneField(
        required=False,
        label=bilingual("联系电话", "Contact phone"),
        help_text=bilingual("手机号，或带区号的固定电话。", "A mobile number, or a landline with its area code."),
    )
    hotline_number = HotlineNumber(max_length=40, required=False, label=bilingual("12345工单编号", "12345 number"))
    inspector = Identifier(
        required=False,
        label=bilingual("巡查单位", "Inspector"),
        help_text=bilingual(
            "巡查、自查、网格：以本人哪个单位名义上报；只有一个时不填。",
            "On patrol: for which of one's organisations, where there are several.",
        ),
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.get("compound") and not attrs.get("street"):
            raise serializers.ValidationError(
                {"compound": [serializers.ErrorDetail(str(_PLACE_NEEDED), code="required")]}
            )
        if attrs["channel"] in PROACTIVE:
            _refuse_what_is_residents(attrs)
        elif "inspector" in attrs:
            raise serializers.ValidationError(
                {"inspector": [serializers.ErrorDetail(str(_FOR_PATROLS), code="for_patrols")]}
            )
        foreign = {"contact_name", "contact_phone", "hotline_number"} & set(attrs)
        if attrs["channel"] == Channel.APP and foreign:
            raise serializers.ValidationError(
                {name: [serializers.ErrorDetail(str(_FOR_STAFF), code="for_staff")] for name in sorted(foreign)}
            )
        return attrs


def _refuse_what_is_residents(attrs: dict[str, Any]) -> None:
    """Refuse what only a resident's report has: somebody to reach, secrecy, somebody whom it complains of."""
    given = {"contact_name", "contact_phone", "hotline_number", "accused"} & set(attrs)
    given |= {"secrecy"} if attrs["secrecy"] != Secrecy.OPEN else set()
    given |= {"hidden"} if attrs["hidden"] else set()
    given |= {"type"} if attrs["type"] not in TYPES_FOUND else set()
    if given:
        raise serializers.ValidationError(
            {name: [serializers.ErrorDetail(str(FOR_RESIDENTS), code="for_residents")] for name in sorted(given)}
        )


TYPES_FOUND = frozenset({TicketType.HELP, TicketType.SUGGESTION})
"""What an organisation may file of what it found by itself; questions and complaints are people's."""
_FOR_PATROLS = bilingual("仅用于巡查、自查、网格。", "Only for what was found on patrol.")
FOR_RESIDENTS = bilingual(
    "单位自行发现的问题没有诉求人，不适用此项。",
    "What an organisation found by itself has no reporter, and none of this.",
)
_OWN_WORDS = bilingual("另写内容时才能填写。", "Only beside words of its own.")
_NOTHING_SAID = bilingual("请填写文字或上传照片。", "Give words or photos.")
_NOTHING_REDACTED = bilingual("请注明要处理的内容。", "Say what is to be redacted.")
_PLACE_NEEDED = bilingual("请选择小区，或注明所在街道。", "Give the compound, or the street.")
_FOR_STAFF = bilingual("仅供工作人员代为上报时填写。", "Only for staff who report for somebody else.")
