"""Where reports go, as rows in versions that never change once they are published; without any, the file's rules hold."""

from fnmatch import fnmatchcase

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from tickets.models.category import Route
from tickets.parties import PARTIES
from tickets.states import TicketType
from web.words import Words, bilingual
from workflow.versions import LocalVersion, Part, Remembered, version_key

ANY = "*"


class Action(models.TextChoices):
    """What a rule does with a report."""

    DISPATCH = "dispatch", bilingual("派单", "dispatch")
    COORDINATE = "coordinate", bilingual("协调", "coordinate")
    DESK = "desk", bilingual("由诉求处置中心受理", "leave to the desk")


class RoutingVersion(LocalVersion):
    """One version of a street's routing table, or of everybody's."""

    PARTS = ("rules",)

    class Meta(LocalVersion.Meta):
        verbose_name = bilingual("派单规则版本", "routing version")
        verbose_name_plural = bilingual("派单规则版本", "routing versions")


class RoutingRule(Part):
    """One row of the table, read from the top: patterns are shell-style, several are alternatives, and `*` fits all."""

    version = version_key(RoutingVersion, "rules")
    position = models.PositiveSmallIntegerField(bilingual("顺序", "position"))
    name = models.CharField(
        bilingual("名称", "name"), max_length=40, validators=[RegexValidator(r"^[a-z][a-z0-9_]*\Z")]
    )
    types = models.CharField(bilingual("诉求类型", "types"), max_length=80, default=ANY)
    place = models.CharField(bilingual("地点", "place"), max_length=8, default=ANY)
    lead = models.CharField(bilingual("主办", "lead"), max_length=120, default=ANY)
    route = models.CharField(bilingual("流转方式", "route"), max_length=12, default=ANY)
    urgent = models.CharField(bilingual("紧急", "urgent"), max_length=3, default=ANY)
    mode = models.CharField(bilingual("反映对象", "mode"), max_length=8, default=ANY)
    action = models.CharField(bilingual("动作", "action"), max_length=12, choices=Action)
    to = models.CharField(bilingual("承办", "to"), max_length=40, blank=True, default="")
    assisting = models.CharField(bilingual("协办", "assisting"), max_length=120, blank=True, default="")
    copy = models.CharField(bilingual("抄送", "copy"), max_length=120, blank=True, default="")
    reason_zh = models.CharField(bilingual("说明", "reason in Chinese"), max_length=120)
    reason_en = models.CharField(bilingual("说明（英文）", "reason in English"), max_length=200)

    class Meta:
        verbose_name = bilingual("派单规则", "routing rule")
        verbose_name_plural = bilingual("派单规则", "routing rules")
        ordering = ["version", "position"]
        constraints = [
            models.UniqueConstraint(fields=["version", "position"], name="routingrule_position"),
            models.UniqueConstraint(fields=["version", "name"], name="routingrule_name"),
            models.CheckConstraint(condition=Q(action__in=Action.values), name="routingrule_action_known"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raises ValidationError where a pattern can fit nothing, or a party is none."""
        faults: dict[str, object] = {}
        for field, known in (
            ("types", TicketType.values),
            ("place", ["compound", "public"]),
            ("lead", sorted(PARTIES)),
            ("route", Route.values),
            ("urgent", ["yes", "no"]),
            ("mode", ["accused"]),
        ):
            patterns = getattr(self, field).split()
            if not patterns or not all(any(fnmatchcase(one, pattern) for one in known) for pattern in patterns):
                faults[field] = _unknown(getattr(self, field))
        for field in ("assisting", "copy"):
            if unknown := set(getattr(self, field).split()) - PARTIES:
                faults[field] = _unknown(" ".join(sorted(unknown)))
        named = PARTIES | {"lead"} if self.action != Action.DESK else {""}
        if self.to not in named:
            faults["to"] = _unknown(self.to)
        if faults:
            raise ValidationError(faults, code="bad_rule")


def _unknown(value: str) -> Words:
    return bilingual(f"“{value}”不适用于任何情形。", f'"{value}" fits nothing.')


versions = Remembered(lambda: RoutingVersion)
