"""Who serves a place, with what, from when to when, and which moments of a contract have come."""

import re
from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Func, Q

from community.models.constraints import dates_in_order, known, same_street
from community.models.organisations import Organisation
from community.models.places import Area, Compound, Place, street_key
from web.models import Identified
from web.words import bilingual
from workflow.calendar import Budget

# The Civil Code's days for owners who dismiss, and those of the Beijing regulation for a provider who leaves.
OWNERS_NOTICE, PROVIDERS_NOTICE = timedelta(days=60), timedelta(days=90)
# What watches the provider: signing, first contact, arrival, disposal.
LIMITED = ("sign", "contact", "arrive", "handle")
_TERM = rf"({'|'.join(LIMITED)}):[A-Z0-9-]{{1,8}}=([1-9][0-9]{{0,3}}(m|h)|[1-9][0-9]{{0,2}}w?d)"
TERMS = rf"^[ \t\r\n]*({_TERM}([ \t\r\n]+|$))*$"
"""What the terms of a contract look like; PostgreSQL reads the pattern as Python does."""


class ServiceKind(models.TextChoices):
    """What is served."""

    PROPERTY = "property", bilingual("物业服务", "Property service")
    LIFT = "lift", bilingual("电梯维保", "Lift maintenance")
    UTILITY = "utility", bilingual("水电气热及通信", "Utility")
    TITLE = "title", bilingual("产权责任", "Title holder's duty")


class ServiceMode(models.TextChoices):
    """On what basis a place is served (docs/rules.md, Property management)."""

    CONTRACTED = "contracted", bilingual("合同服务", "Contracted")
    QUASI = "quasi", bilingual("准物业", "Quasi-property service")
    BACKSTOP = "backstop", bilingual("街道托底", "Street's backstop")
    EMERGENCY = "emergency", bilingual("应急物业", "Emergency service")


class Standard(models.IntegerChoices):
    """The service level that a contract owes, of DB11/T 751-2025."""

    NONE = 0, bilingual("未约定", "None agreed")
    FIRST = 1, bilingual("一级", "Level 1")
    SECOND = 2, bilingual("二级", "Level 2")
    THIRD = 3, bilingual("三级", "Level 3")


class NoticeBy(models.TextChoices):
    """Who gave notice."""

    NOBODY = "", bilingual("无", "Nobody")
    PROVIDER = "provider", bilingual("服务单位", "The provider")
    OWNERS = "owners", bilingual("业主", "The owners")


NOTICE: dict[str, timedelta] = {NoticeBy.PROVIDER: PROVIDERS_NOTICE, NoticeBy.OWNERS: OWNERS_NOTICE}


def valid_terms(text: str) -> None:
    """Raise ValidationError, naming the first word that is not a limit or that repeats another limit."""
    known: set[str] = set()
    for word in text.split():
        name, _, budget = word.partition("=")
        if not re.fullmatch(_TERM, word):
            raise ValidationError(
                bilingual(
                    f"“{word}”不是时限，请写成 handle:LIGHT-I=8h 的形式。",
                    f"“{word}” is no limit; write it as handle:LIGHT-I=8h.",
                ),
                code="bad_terms",
            )
        Budget.parse(budget)
        if name in known:
            raise ValidationError(bilingual(f"{name} 重复。", f"{name} stands there twice."), code="bad_terms")
        known.add(name)


class SixMonthsAfter(Func):
    """The last day of a period of six months from a date: the same day of the month, else its last (Civil Code 202)."""

    template = "(%(expressions)s + interval '6 months')"
    output_field = models.DateTimeField()


def _served[P: Place](model: type[P], zh: str, en: str) -> "models.ForeignKey[P | None, P | None]":
    """The column of a place that a contract may be for."""
    return models.ForeignKey(
        model,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="contracts",
        db_index=False,
        verbose_name=bilingual(zh, en),
    )


class ServiceContract(Identified):
    """A contract: `provider` serves a compound, an area or (with neither) the whole street, from its first to its last day.

    `scope` holds category codes (`CL03`) and groups (`CL*`); empty means everything of its kind. A contract on the
    compound comes before one on its area, and that before one on the street. `standard` is its service level. `terms`
    are its own limits, which come first: `handle:LIGHT-I=8h`, separated by spaces or new lines. `notice_on` is the
    day on which `notice_by` gave notice, `handed_over_on` the day of the handover.
    """

    street = street_key()
    code = models.CharField(bilingual("备案编号", "file number"), max_length=32)
    provider = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="contracts", verbose_name=bilingual("服务单位", "provider")
    )
    kind = models.CharField(bilingual("服务类别", "kind"), max_length=12, choices=ServiceKind.choices)
    mode = models.CharField(
        bilingual("服务方式", "mode"), max_length=12, choices=ServiceMode.choices, default=ServiceMode.CONTRACTED
    )
    scope = ArrayField(
        models.CharField(
            max_length=4,
            validators=[
                RegexValidator(
                    r"^[A-Z]{2}([0-9]{2}|\*)$",
                    bilingual("填写事项代码，如 CL03 或 CL*。", "Give category codes such as CL03 or CL*."),
                )
            ],
        ),
        default=list,
        blank=True,
        verbose_name=bilingual("服务范围", "scope"),
        help_text=bilingual(
            "事项代码，逗号分隔；不填表示该类别全部事项。", "Category codes with commas; empty means all of its kind."
        ),
    )
    area = _served(Area, "物业管理区域", "area")
    compound = _served(Compound, "小区", "compound")
    starts_on = models.DateField(bilingual("开始日期", "first day"))
    ends_on = models.DateField(bilingual("结束日期", "last day"), null=True, blank=True)
    standard = models.PositiveSmallIntegerField(
        bilingual("服务等级", "service level"),
        choices=Standard.choices,
        default=Standard.NONE,
        help_text=bilingual(
            "合同约定的 DB11/T 751-2025 服务等级。", "The level of DB11/T 751-2025 that the contract owes."
        ),
    )
    terms = models.CharField(
        bilingual("合同时限", "terms"),
        max_length=400,
        blank=True,
        default="",
        validators=[valid_terms],
        help_text=bilingual(
            "合同自行约定的时限，优先于服务等级，每行一个：handle:LIGHT-I=8h（办结）、contact:R2H=1h（先行联系）、arrive（到场）、"
            "sign（签收）；单位 m 分钟、h 小时、d 日、wd 工作日。",
            "Limits of the contract's own, which go before its level, one a line: handle:LIGHT-I=8h (disposal), contact:R2H=1h "
            "(first contact), arrive, sign; m minutes, h hours, d days, wd working days.",
        ),
    )
    notice_on = models.DateField(
        bilingual("通知日期", "notice given on"),
        null=True,
        blank=True,
        help_text=bilingual(
            "服务单位或业主提出解除、不再续聘的日期。物业服务合同：服务单位须提前 90 日，业主须提前 60 日；不足的照实填写。",
            "When the provider or the owners gave notice. Property service: 90 days ahead by the provider, 60 by the owners; enter what is "
            "so; it is shown by how much it falls short.",
        ),
    )
    notice_by = models.CharField(
        bilingual("通知方", "notice given by"),
        max_length=8,
        choices=NoticeBy.choices,
        blank=True,
        default=NoticeBy.NOBODY,
    )
    handed_over_on = models.DateField(
        bilingual("交接完成日期", "handed over on"),
        null=True,
        blank=True,
        help_text=bilingual(
            "资料、场地和设施移交完毕的日期；合同结束后 30 日内应完成。",
            "When papers, rooms and equipment were handed over; due within 30 days of the contract's end.",
        ),
    )
    cost_note = models.CharField(bilingual("费用说明", "cost note"), max_length=200, blank=True)

    class Meta:
        verbose_name = bilingual("服务合同", "service contract")
        verbose_name_plural = bilingual("服务合同", "service contracts")
        ordering = ["street", "code"]
        constraints = [
            models.UniqueConstraint(fields=["street", "code"], name="servicecontract_code_in_street"),
            known("kind", ServiceKind, "servicecontract_kind"),
            known("mode", ServiceMode, "servicecontract_mode"),
            dates_in_order("servicecontract_dates_in_order"),
            models.CheckConstraint(
                condition=Q(area=None) | Q(compound=None),
                name="servicecontract_one_place",
                violation_error_message=bilingual("区域和小区只能填一个。", "Give an area or a compound, not both."),
            ),
            models.CheckConstraint(
                condition=~Q(mode="quasi") | Q(scope__len__gt=0),
                name="servicecontract_quasi_has_scope",
                violation_error_message=bilingual("准物业须写明服务范围。", "A quasi-property service needs a scope."),
            ),
            # Beijing Property Management Regulation, Art 77.
            models.CheckConstraint(
                condition=~Q(mode="emergency") | Q(ends_on__isnull=False, ends_on__lte=SixMonthsAfter(F("starts_on"))),
                name="servicecontract_emergency_six_months",
                violation_error_message=bilingual(
                    "应急物业不得超过六个月。", "An emergency service lasts six months at most."
                ),
            ),
            models.CheckConstraint(
                condition=Q(standard__lte=3),
                name="servicecontract_standard_known",
                violation_error_message=bilingual("服务等级为一至三级。", "The levels are 1 to 3."),
            ),
            models.CheckConstraint(
                condition=Q(terms__regex=TERMS),
                name="servicecontract_terms_are_limits",
                violation_error_message=bilingual("合同时限格式有误。", "The terms are no limits."),
            ),
            models.CheckConstraint(
                condition=Q(notice_on=None, notice_by="")
                | Q(notice_on__isnull=False, notice_by__in=NoticeBy.values[1:]),
                name="servicecontract_notice_has_a_party",
                violation_error_message=bilingual("通知日期和通知方须同时填写。", "A notice has a day and a party."),
            ),
            models.CheckConstraint(
                condition=Q(handed_over_on=None)
                | (
                    Q(ends_on__isnull=False, handed_over_on__gte=F("starts_on"))
                    & (Q(notice_on=None) | Q(handed_over_on__gte=F("notice_on")))
                ),
                name="servicecontract_handed_over_after_notice",
                violation_error_message=bilingual(
                    "交接须在合同开始和通知之后，且合同须有结束日期。",
                    "What is handed over has an end, and is not handed over before the start or the notice.",
                ),
            ),
        ]
        indexes = [
            models.Index(fields=["compound"], condition=Q(compound__isnull=False), name="servicecontract_compound"),
            models.Index(fields=["area"], condition=Q(area__isnull=False), name="servicecontract_area"),
            models.Index(fields=["street"], condition=Q(area=None, compound=None), name="servicecontract_street"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def notice_shortfall(self) -> int:
        """By how many days the notice of a property contract is too short (Beijing regulation 75; Civil Code 946); 0 where it is not.

        A notice that was given too late is a fact, and is kept as one.
        """
        ahead = NOTICE.get(self.notice_by)
        if self.kind != ServiceKind.PROPERTY or ahead is None or self.notice_on is None or self.ends_on is None:
            return 0
        return max((ahead - (self.ends_on - self.notice_on)).days, 0)

    def clean(self) -> None:
        """Its provider, area and compound are of the same street; a provider may be shared."""
        same_street(self, "provider", "area", "compound")


class ContractFiring(Identified):
    """A reminder of a contract that was told: one row for each rung and the day on which it was due.

    `concerned` are the organisations that it concerned then, each replaced by the organisation that received for it.
    """

    street = street_key()
    contract = models.ForeignKey(
        ServiceContract,
        on_delete=models.PROTECT,
        related_name="firings",
        verbose_name=bilingual("服务合同", "contract"),
        db_index=False,
    )
    rung = models.CharField(bilingual("节点", "rung"), max_length=24)
    due_on = models.DateField(bilingual("应提示日期", "due on"))
    fired_at = models.DateTimeField(bilingual("提示时间", "fired at"))
    concerned = ArrayField(models.UUIDField(), default=list, verbose_name=bilingual("相关单位", "concerned"))

    class Meta:
        verbose_name = bilingual("合同节点", "contract timer")
        verbose_name_plural = bilingual("合同节点", "contract timers")
        constraints = [
            models.UniqueConstraint(F("contract"), F("rung"), F("due_on"), F("street"), name="contractfiring_once")
        ]
        indexes = [models.Index(F("street"), F("due_on").desc(), F("id").desc(), name="contractfiring_latest")]

    def __str__(self) -> str:
        return str(self.due_on)
