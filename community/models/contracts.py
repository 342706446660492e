"""Who serves a place, with what, from when to when."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Func, Q

from community.models.constraints import dates_in_order, known, same_street
from community.models.organisations import Organisation
from community.models.places import Area, Compound, Street
from web.models import Identified
from web.words import bilingual


class ServiceKind(models.TextChoices):
    """What is served."""

    PROPERTY = "property", bilingual("物业服务", "Property service")
    LIFT = "lift", bilingual("电梯维保", "Lift maintenance")
    UTILITY = "utility", bilingual("水电气热及通信", "Utility")
    TITLE = "title", bilingual("产权责任", "Title holder's duty")


class ServiceMode(models.TextChoices):
    """On what footing it is served (docs/rules.md, Property management)."""

    CONTRACTED = "contracted", bilingual("合同服务", "Contracted")
    QUASI = "quasi", bilingual("准物业", "Quasi-property service")
    BACKSTOP = "backstop", bilingual("街道托底", "Street's backstop")
    EMERGENCY = "emergency", bilingual("应急物业", "Emergency service")


class SixMonthsAfter(Func):
    """The last day of a period of six months from a date: the same day of the month, else its last (Civil Code 202)."""

    template = "(%(expressions)s + interval '6 months')"
    output_field = models.DateTimeField()


class ServiceContract(Identified):
    """That `provider` serves a compound, an area, or (with neither) the whole street, from its first to its last day.

    `scope` holds category codes (`CL03`) and groups (`CL*`); empty means everything of its kind. A contract on the
    compound beats one on its area, which beats the street's.
    """

    street = models.ForeignKey(
        Street, on_delete=models.PROTECT, related_name="+", verbose_name=bilingual("街道", "street"), db_index=False
    )
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
    area = models.ForeignKey(
        Area,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="contracts",
        verbose_name=bilingual("物业管理区域", "area"),
        db_index=False,
    )
    compound = models.ForeignKey(
        Compound,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="contracts",
        verbose_name=bilingual("小区", "compound"),
        db_index=False,
    )
    starts_on = models.DateField(bilingual("开始日期", "first day"))
    ends_on = models.DateField(bilingual("结束日期", "last day"), null=True, blank=True)
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
        ]
        indexes = [
            models.Index(fields=["compound"], condition=Q(compound__isnull=False), name="servicecontract_compound"),
            models.Index(fields=["area"], condition=Q(area__isnull=False), name="servicecontract_area"),
            models.Index(fields=["street"], condition=Q(area=None, compound=None), name="servicecontract_street"),
        ]

    def __str__(self) -> str:
        return self.code

    def clean(self) -> None:
        """Its provider, area and compound are of the same street; a provider may be shared."""
        same_street(self, "provider", "area", "compound")
