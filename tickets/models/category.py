"""What a ticket is about: categories, in versions that never change once they are published (docs/rules.md)."""

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from tickets.parties import PARTIES
from web.words import bilingual
from workflow.versions import Part, Version, version_key


class DisposalClass(models.TextChoices):
    """How soon a matter is disposed of (办结时限, docs/rules.md); the service level gives each class its numbers."""

    IMM = "IMM", bilingual("立即", "At once")
    H2 = "H2", bilingual("2小时", "2 hours")
    H24 = "H24", bilingual("24小时", "24 hours")
    D7 = "D7", bilingual("7日", "7 days")
    D15 = "D15", bilingual("15日", "15 days")
    LT = "LT", bilingual("挂账", "On account")
    VOTE = "VOTE", bilingual("业主共同决定", "Owners' decision")
    LIGHT_I = "LIGHT-I", bilingual("楼内照明", "Indoor lighting")
    LIGHT_O = "LIGHT-O", bilingual("楼外照明", "Outdoor lighting")
    LIGHT_IX = "LIGHT-IX", bilingual("楼内照明（复杂）", "Indoor lighting, complex")
    LIGHT_OX = "LIGHT-OX", bilingual("楼外照明（复杂）", "Outdoor lighting, complex")
    W1 = "W1", bilingual("1个工作日", "1 working day")
    W3 = "W3", bilingual("3个工作日", "3 working days")
    W5 = "W5", bilingual("5个工作日", "5 working days")
    W15 = "W15", bilingual("15个工作日", "15 working days")


# The class of a fault that turns out to be complex, by its ordinary class (DB11/T 751-2025, table 4.3.6).
COMPLEX = {DisposalClass.LIGHT_I: DisposalClass.LIGHT_IX, DisposalClass.LIGHT_O: DisposalClass.LIGHT_OX}


def disposal_keys(disposal_class: str) -> tuple[str, ...]:
    """By which keys the service level knows a class, the nearest first: a complex fault by its ordinary class, too."""
    return (disposal_class, *(plain.value for plain, harder in COMPLEX.items() if harder == disposal_class))


class ResponseClass(models.TextChoices):
    """How soon somebody is on site (minutes) or answers (hours) (响应时限, docs/rules.md)."""

    IMM = "IMM", bilingual("立即", "At once")
    R15M = "R15M", bilingual("15分钟到场", "On site in 15 minutes")
    R30M = "R30M", bilingual("30分钟到场", "On site in 30 minutes")
    R1H = "R1H", bilingual("1小时响应", "Response in 1 hour")
    R2H = "R2H", bilingual("2小时响应", "Response in 2 hours")
    R4H = "R4H", bilingual("4小时响应", "Response in 4 hours")
    R24H = "R24H", bilingual("24小时响应", "Response in 24 hours")
    C4H = "C4H", bilingual("投诉4小时反馈", "Complaint answered in 4 hours")


class Route(models.TextChoices):
    """Whether a committee coordinates before anyone is dispatched."""

    DIRECT = "direct", bilingual("直接派单", "Dispatched directly")
    COORDINATED = "coordinated", bilingual("先行协调", "Coordinated first")


class CategoryVersion(Version):
    """One version of the category tree."""

    PARTS = ("categories",)

    class Meta(Version.Meta):
        verbose_name = bilingual("事项分类版本", "category version")
        verbose_name_plural = bilingual("事项分类版本", "category versions")


def validate_party(party: str) -> None:
    """Raises ValidationError when `party` is not in the vocabulary of `tickets.parties`."""
    if party not in PARTIES:
        raise ValidationError(
            bilingual("未知的承办方：%(party)s", "Unknown party: %(party)s"),
            code="unknown_party",
            params={"party": party},
        )


class Category(Part):
    """One leaf of the tree: what the matter is, how soon it is due, and who leads it (主办) with whom (协办)."""

    version = version_key(CategoryVersion, "categories")
    code = models.CharField(bilingual("代码", "code"), max_length=4)
    group = models.CharField(bilingual("大类代码", "group"), max_length=2)
    group_zh = models.CharField(bilingual("大类", "group in Chinese"), max_length=40)
    group_en = models.CharField(bilingual("大类（英文）", "group in English"), max_length=60)
    name_zh = models.CharField(bilingual("名称", "name in Chinese"), max_length=60)
    name_en = models.CharField(bilingual("名称（英文）", "name in English"), max_length=100)
    disposal_class = models.CharField(bilingual("办结时限", "disposal class"), max_length=8, choices=DisposalClass)
    response_class = models.CharField(bilingual("响应时限", "response class"), max_length=8, choices=ResponseClass)
    lead = models.CharField(bilingual("主办", "lead"), max_length=40, validators=[validate_party])
    co_parties = ArrayField(
        models.CharField(max_length=40, validators=[validate_party]),
        verbose_name=bilingual("协办", "co-handlers"),
        default=list,
        blank=True,
    )
    route = models.CharField(bilingual("流转方式", "route"), max_length=12, choices=Route, default=Route.DIRECT)
    urgent = models.BooleanField(bilingual("紧急", "urgent"), default=False)
    after_photo = models.BooleanField(bilingual("须传整改后照片", "reply demands a photo"), default=False)
    public_face = models.BooleanField(
        bilingual("邻里可见", "neighbours may read of it"),
        default=True,
        db_default=True,
        help_text=bilingual(
            "不勾选：该事项的工单不向邻居公开，也不能附议。",
            "Unticked: tickets about it have no public face, and nobody cosigns them.",
        ),
    )
    hotline = models.CharField(bilingual("12345分类", "12345 class"), max_length=80, blank=True)
    external_code = models.CharField(bilingual("六位代码", "six-digit code"), max_length=6)
    basis = models.CharField(bilingual("依据", "basis"), max_length=200, blank=True)

    class Meta:
        verbose_name = bilingual("事项分类", "category")
        verbose_name_plural = bilingual("事项分类", "categories")
        ordering = ["external_code"]
        constraints = [
            models.UniqueConstraint(fields=["version", "code"], name="category_one_per_code"),
            models.UniqueConstraint(fields=["version", "external_code"], name="category_one_per_external_code"),
            models.CheckConstraint(condition=Q(code__regex=r"^[A-Z]{2}[0-9]{2}$"), name="category_code_shape"),
            models.CheckConstraint(condition=Q(code__startswith=models.F("group")), name="category_code_in_group"),
            models.CheckConstraint(
                condition=Q(external_code__regex=r"^[0-9]{6}$"), name="category_external_code_shape"
            ),
            models.CheckConstraint(
                condition=Q(disposal_class__in=DisposalClass.values), name="category_disposal_class_known"
            ),
            models.CheckConstraint(
                condition=Q(response_class__in=ResponseClass.values), name="category_response_class_known"
            ),
            models.CheckConstraint(condition=Q(route__in=Route.values), name="category_route_known"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name_zh}"

    def clean(self) -> None:
        """Raises ValidationError when a party is named twice."""
        if len({self.lead, *self.co_parties}) != 1 + len(self.co_parties):
            raise ValidationError(bilingual("同一承办方出现了两次。", "A party is named twice."), code="party_twice")
