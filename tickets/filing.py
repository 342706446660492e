"""What filing a ticket asks for."""

from typing import Any

from rest_framework import serializers

from casework.inputs import Identifier
from community.phones import PhoneField
from tickets.moves.inputs import (
    ACCUSED,
    CATEGORY,
    CODE,
    COMPOUND,
    HIDDEN,
    MADE_TITLE,
    SPOT,
    TEXT,
    TITLE,
    TYPE,
    Input,
    photo_ids,
)
from tickets.states import PROACTIVE, Channel, Secrecy, TicketType
from web.fields import Line, Text
from web.texts import read_number
from web.words import bilingual


class HotlineNumber(Line):
    """A number of the hotline's, as it is printed: without spaces, full-width forms or small letters."""

    def to_internal_value(self, data: Any) -> str:
        """The number in its one form."""
        return read_number(super().to_internal_value(data)).upper()


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
_PLACE_NEEDED = bilingual("请选择小区，或注明所在街道。", "Give the compound, or the street.")
_FOR_STAFF = bilingual("仅供工作人员代为上报时填写。", "Only for staff who report for somebody else.")
