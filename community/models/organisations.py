"""Who can hold, help with or watch a ticket: offices, committees, companies, departments, utilities."""

from django.db import models
from django.db.models import F, Q

from community.models.constraints import known, same_street
from community.models.places import street_if_any
from web.models import Identified
from web.words import bilingual


class OrganisationKind(models.TextChoices):
    """What kind of organisation it is, which decides what it may do."""

    STREET_OFFICE = "street_office", bilingual("街道办事处", "Street office")
    SECTION = "section", bilingual("街道科室", "Section of the street office")
    RESIDENTS_COMMITTEE = "residents_committee", bilingual("居民委员会", "Residents' committee")
    PMC = "pmc", bilingual("物业管理委员会", "Property management committee")
    OWNERS_COMMITTEE = "owners_committee", bilingual("业主委员会", "Owners' committee")
    COMPANY = "company", bilingual("物业企业", "Property company")
    PROJECT_OFFICE = "project_office", bilingual("物业项目部", "Project office")
    DEPARTMENT = "department", bilingual("区级部门", "District department")
    UTILITY = "utility", bilingual("专业运营单位", "Utility")
    MAINTAINER = "maintainer", bilingual("维保单位", "Maintainer")
    TITLE_HOLDER = "title_holder", bilingual("产权单位", "Title-holding unit")
    HOTLINE = "hotline", bilingual("紧急专线", "Emergency line")


STREET_KINDS = frozenset({OrganisationKind.STREET_OFFICE, OrganisationKind.SECTION})
"""The street's own offices."""
COMMITTEE_KINDS = frozenset({OrganisationKind.PMC, OrganisationKind.OWNERS_COMMITTEE})
"""The committees that speak for an area."""
CONTRACTORS = frozenset(
    {
        OrganisationKind.COMPANY,
        OrganisationKind.PROJECT_OFFICE,
        OrganisationKind.UTILITY,
        OrganisationKind.MAINTAINER,
        OrganisationKind.TITLE_HOLDER,
    }
)
"""Who may serve a place by contract or because it owns what is there."""


class PartyCoverage(models.TextChoices):
    """How the Party is present in a committee or project office; empty where it is not."""

    NONE = "", bilingual("无", "None")
    BRANCH = "branch", bilingual("党支部", "Party branch")
    ADVISER = "adviser", bilingual("党建指导员", "Party-building adviser")


class Organisation(Identified):
    """A body that acts through its members; without a street it is shared (district, city, or a company's head office).

    It lives from `founded_on` to the day before `dissolved_on`, as long as it is `active`. Without an active member its
    work falls to its head office (`parent`), else to the street's duty desk. `function` is the key that categories and
    routing know a section, department, utility, maintainer or hotline by, such as `desk` or `traffic_police`.
    """

    street = street_if_any("区级、市级单位和企业总部不填。", "Empty for district and city bodies and for head offices.")
    code = models.CharField(bilingual("代码", "code"), max_length=32)
    kind = models.CharField(bilingual("类别", "kind"), max_length=24, choices=OrganisationKind.choices)
    function = models.CharField(bilingual("职能", "function"), max_length=24, blank=True)
    name = models.CharField(bilingual("名称", "name"), max_length=60)
    name_en = models.CharField(bilingual("英文名称", "English name"), max_length=120, blank=True)
    parent = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="branches",
        verbose_name=bilingual("上级单位或总部", "head office"),
    )
    phone = models.CharField(bilingual("值班电话", "duty phone"), max_length=20, blank=True)
    party_coverage = models.CharField(
        bilingual("党的组织覆盖", "Party coverage"),
        max_length=12,
        choices=PartyCoverage.choices,
        blank=True,
        default="",
    )
    founded_on = models.DateField(bilingual("成立日期", "founded on"), null=True, blank=True)
    dissolved_on = models.DateField(bilingual("撤销日期", "dissolved on"), null=True, blank=True)
    active = models.BooleanField(bilingual("正常运行", "active"), default=True)

    class Meta:
        verbose_name = bilingual("单位", "organisation")
        verbose_name_plural = bilingual("单位", "organisations")
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(
                fields=["street", "code"], name="organisation_code_in_street", nulls_distinct=False
            ),
            models.UniqueConstraint(
                fields=["street", "function"], condition=Q(kind="section", active=True), name="organisation_one_section"
            ),
            known("kind", OrganisationKind, "organisation_kind"),
            known("party_coverage", PartyCoverage, "organisation_party_coverage"),
            models.CheckConstraint(
                condition=Q(dissolved_on=None) | Q(founded_on=None) | Q(dissolved_on__gte=F("founded_on")),
                name="organisation_dates_in_order",
                violation_error_message=bilingual(
                    "撤销日期不能早于成立日期。", "It cannot be dissolved before it is founded."
                ),
            ),
            models.CheckConstraint(
                condition=Q(parent=None) | ~Q(parent=F("id")),
                name="organisation_not_its_own_parent",
                violation_error_message=bilingual("上级单位不能是自身。", "It cannot be its own head office."),
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["street_office", "section", "residents_committee", "pmc", "owners_committee"])
                | Q(street__isnull=False),
                name="organisation_of_a_street",
                violation_error_message=bilingual("该类单位必须属于一个街道。", "This kind belongs to a street."),
            ),
        ]
        # What every place of a street can turn to: its own office and sections, and the shared departments.
        indexes = [
            models.Index(
                fields=["street"],
                condition=Q(kind__in=["street_office", "section"]),
                name="organisation_street_sections",
            ),
            models.Index(fields=["kind"], condition=Q(street=None), name="organisation_shared"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Its head office is of the same street, or shared."""
        same_street(self, "parent")
