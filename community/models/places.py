"""Where people live: street, community, property management area, compound, building, household."""

from zoneinfo import available_timezones

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from community.models.constraints import known, same_street
from web.models import Identified, reference
from web.words import bilingual


def validate_timezone(name: str) -> None:
    """Refuse what is not the name of a time zone, such as Asia/Shanghai."""
    if name not in available_timezones():
        raise ValidationError(bilingual("不是有效的时区名称。", "This is not the name of a time zone."))


class ResidentialType(models.TextChoices):
    """The five kinds of compound that the street treats differently (五类小区; docs/rules.md)."""

    COMMERCIAL = "commercial", bilingual("商品房小区", "Commercial housing")
    WORK_UNIT = "work_unit", bilingual("单位产权大院", "Work-unit compound")
    OLD = "old", bilingual("多产权老旧小区", "Old compound of many title holders")
    AFFORDABLE = "affordable", bilingual("保障房或回迁房", "Affordable or resettlement housing")
    UNMANAGED = "unmanaged", bilingual("无物业或失管小区", "Without property management")


class Street(Identified):
    """A street office's territory, and the tenant that every other place belongs to."""

    code = models.CharField(bilingual("代码", "code"), max_length=32, unique=True)
    name = models.CharField(bilingual("名称", "name"), max_length=60)
    name_en = models.CharField(bilingual("英文名称", "English name"), max_length=120, blank=True)
    timezone = models.CharField(
        bilingual("时区", "time zone"),
        max_length=40,
        default="Asia/Shanghai",
        validators=[validate_timezone],
        help_text=bilingual(
            "各项时限按此时区计算，建立后不再更改。", "Deadlines are reckoned in it; it stays once the street is there."
        ),
    )
    stay_confirms_after = models.PositiveSmallIntegerField(
        bilingual("居住满多少日视为核实", "days after which a claimed home counts as confirmed"),
        null=True,
        blank=True,
        validators=[MinValueValidator(7)],
        help_text=bilingual(
            "自行登记的住处无人提出异议满此日数，即可查看邻里诉求；不填表示须经核实。",
            "A claimed home to which nobody objects for so many days shows neighbours' tickets; empty: only once confirmed.",
        ),
    )

    class Meta:
        verbose_name = bilingual("街道", "street")
        verbose_name_plural = bilingual("街道", "streets")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(stay_confirms_after=None) | Q(stay_confirms_after__gte=7),
                name="street_stay_is_a_week_or_more",
            )
        ]

    def __str__(self) -> str:
        return self.name


def street_key() -> "models.ForeignKey[Street, Street]":
    """The column of the street that a row belongs to; the indexes that need it name it themselves."""
    return models.ForeignKey(
        Street, models.PROTECT, related_name="+", db_index=False, verbose_name=bilingual("街道", "street")
    )


def street_reference() -> "models.ForeignKey[Street, Street]":
    """The same for rows that many are written of; PostgreSQL does not look for the street each time."""
    return reference(Street, bilingual("街道", "street"))


def street_if_any(zh: str, en: str) -> "models.ForeignKey[Street | None, Street | None]":
    """The column of the street that a row may belong to; `zh` and `en` say when it does."""
    return models.ForeignKey(
        Street,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=bilingual("街道", "street"),
        help_text=bilingual(zh, en),
    )


class Place(Identified):
    """What every place within a street has: the street, a code that is unique there, and a name."""

    street = street_key()
    code = models.CharField(bilingual("代码", "code"), max_length=32)
    name = models.CharField(bilingual("名称", "name"), max_length=60)

    class Meta:
        abstract = True
        ordering = ["street", "code"]
        constraints = [models.UniqueConstraint(fields=["street", "code"], name="%(class)s_code_in_street")]

    def __str__(self) -> str:
        return self.name


class Community(Place):
    """A community (社区): the ground of one residents' committee (居委会)."""

    name_en = models.CharField(bilingual("英文名称", "English name"), max_length=120, blank=True)
    residents_committee = models.ForeignKey(
        "community.Organisation",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="communities",
        limit_choices_to={"kind": "residents_committee"},
        verbose_name=bilingual("居民委员会", "residents' committee"),
    )

    class Meta(Place.Meta):
        verbose_name = bilingual("社区", "community")
        verbose_name_plural = bilingual("社区", "communities")

    def clean(self) -> None:
        """Its residents' committee is of the same street."""
        same_street(self, "residents_committee")


class Area(Place):
    """A property management area (物业管理区域): one or several compounds, mostly under one contract."""

    residential_type = models.CharField(
        bilingual("小区类型", "residential type"), max_length=20, choices=ResidentialType.choices
    )
    committee = models.ForeignKey(
        "community.Organisation",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="areas",
        limit_choices_to={"kind__in": ["pmc", "owners_committee"]},
        verbose_name=bilingual("物管会或业委会", "committee"),
    )

    class Meta(Place.Meta):
        verbose_name = bilingual("物业管理区域", "property management area")
        verbose_name_plural = bilingual("物业管理区域", "property management areas")
        constraints = [*Place.Meta.constraints, known("residential_type", ResidentialType, "area_residential_type")]

    def clean(self) -> None:
        """Its committee is of the same street."""
        same_street(self, "committee")


class Compound(Place):
    """A compound (小区): what a resident calls home when asked where."""

    aliases = ArrayField(
        models.CharField(max_length=60),
        default=list,
        blank=True,
        verbose_name=bilingual("别名", "other names"),
    )
    area = models.ForeignKey(
        Area, on_delete=models.PROTECT, related_name="compounds", verbose_name=bilingual("物业管理区域", "area")
    )
    community = models.ForeignKey(
        Community, on_delete=models.PROTECT, related_name="compounds", verbose_name=bilingual("社区", "community")
    )

    class Meta(Place.Meta):
        verbose_name = bilingual("小区", "compound")
        verbose_name_plural = bilingual("小区", "compounds")

    def clean(self) -> None:
        """Its area and community are of the same street."""
        same_street(self, "area", "community")


class Building(Identified):
    """A building of a compound; `code` is unique there."""

    street = street_key()
    compound = models.ForeignKey(
        Compound, on_delete=models.CASCADE, related_name="buildings", verbose_name=bilingual("小区", "compound")
    )
    code = models.CharField(bilingual("代码", "code"), max_length=32)
    name = models.CharField(bilingual("名称", "name"), max_length=60)

    class Meta:
        verbose_name = bilingual("楼栋", "building")
        verbose_name_plural = bilingual("楼栋", "buildings")
        ordering = ["compound", "code"]
        constraints = [
            models.UniqueConstraint(fields=["street", "compound", "code"], name="building_code_in_compound"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Its compound is of the same street."""
        same_street(self, "compound")


class Household(Identified):
    """One exclusive unit (专有部分): a door with its area, which counts in owners' votes (Civil Code 278)."""

    street = street_key()
    building = models.ForeignKey(
        Building, on_delete=models.CASCADE, related_name="households", verbose_name=bilingual("楼栋", "building")
    )
    unit = models.CharField(bilingual("单元", "unit"), max_length=16, blank=True)
    door = models.CharField(bilingual("门牌号", "door"), max_length=16)
    exclusive_area = models.DecimalField(
        bilingual("专有部分面积（平方米）", "exclusive area (m²)"), max_digits=9, decimal_places=2
    )

    class Meta:
        verbose_name = bilingual("户", "household")
        verbose_name_plural = bilingual("户", "households")
        ordering = ["building", "unit", "door"]
        constraints = [
            models.UniqueConstraint(fields=["street", "building", "unit", "door"], name="household_door_in_building"),
            models.CheckConstraint(condition=Q(exclusive_area__gt=0), name="household_has_area"),
        ]

    def __str__(self) -> str:
        return (
            str(bilingual(f"{self.unit}单元{self.door}", f"Unit {self.unit}, {self.door}")) if self.unit else self.door
        )

    def clean(self) -> None:
        """Its building is of the same street."""
        same_street(self, "building")
