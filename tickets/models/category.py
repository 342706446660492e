"""What a ticket is about: categories, in versions that never change once they are published (RULES.md §4.3)."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q

from tickets.parties import PARTIES
from web.models import Identified
from web.words import bilingual


class DisposalClass(models.TextChoices):
    """How soon a matter is disposed of (办结时限, RULES.md §1.2); the service level gives each class its numbers."""

    IMM = "IMM", bilingual("立即", "At once")
    H2 = "H2", bilingual("2小时", "2 hours")
    H24 = "H24", bilingual("24小时", "24 hours")
    D7 = "D7", bilingual("7日", "7 days")
    D15 = "D15", bilingual("15日", "15 days")
    LT = "LT", bilingual("挂账", "On account")
    VOTE = "VOTE", bilingual("业主共同决定", "Owners' decision")
    LIGHT_I = "LIGHT-I", bilingual("楼内照明", "Indoor lighting")
    LIGHT_O = "LIGHT-O", bilingual("楼外照明", "Outdoor lighting")


class ResponseClass(models.TextChoices):
    """How soon somebody is on site (minutes) or answers (hours) (响应时限, RULES.md §4.3)."""

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


class CategoryVersionQuerySet(models.QuerySet["CategoryVersion"]):
    """Versions; the published ones refuse changes in bulk just as they refuse single ones."""

    def update(self, **values: Any) -> int:
        """As Django's. Raises ValidationError when one of them has been published."""
        with transaction.atomic():
            lock_drafts(self.order_by().values_list("pk", flat=True))
            return super().update(**values)

    def delete(self) -> tuple[int, dict[str, int]]:
        """As Django's. Raises ValidationError when one of them has been published."""
        with transaction.atomic():
            lock_drafts(self.order_by().values_list("pk", flat=True))
            return super().delete()


class CategoryVersion(Identified):
    """One version of the category tree: a draft until it is published, unchangeable afterwards."""

    number = models.PositiveIntegerField(bilingual("版本号", "number"), unique=True)
    effective_from = models.DateTimeField(bilingual("生效时间", "effective from"), null=True, blank=True)
    source = models.CharField(bilingual("来源", "source"), max_length=200)
    notes = models.TextField(bilingual("说明", "notes"), blank=True)
    published_at = models.DateTimeField(bilingual("发布时间", "published at"), null=True, editable=False)

    objects = CategoryVersionQuerySet.as_manager()

    class Meta:
        verbose_name = bilingual("事项分类版本", "category version")
        verbose_name_plural = bilingual("事项分类版本", "category versions")
        ordering = ["-number"]
        constraints = [
            models.CheckConstraint(
                condition=Q(published_at__isnull=True) | Q(effective_from__isnull=False),
                name="categoryversion_published_has_effective_from",
            ),
            models.UniqueConstraint(
                fields=["effective_from"],
                condition=Q(published_at__isnull=False),
                name="categoryversion_one_per_effective_from",
            ),
        ]

    def __str__(self) -> str:
        return f"v{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store a draft. Raises ValidationError when it has been published, which only `publish` does."""
        if self.published_at is not None:
            raise published_version()
        with transaction.atomic():
            if not self._state.adding:
                lock_drafts([self.pk])
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Drop a draft with its categories. Raises ValidationError when the version has been published."""
        with transaction.atomic():
            lock_drafts([self.pk])
            return super().delete(*args, **kwargs)

    def copy_as_draft(self) -> "CategoryVersion":
        """A new draft, numbered after the newest version, with this version's categories."""
        with transaction.atomic():
            newest = CategoryVersion.objects.select_for_update(no_key=True).order_by("-number")[0]
            draft = CategoryVersion.objects.create(number=newest.number + 1, source=self.source, notes=f"← {self}")
            copies = list(self.categories.all())
            for copy in copies:
                copy.pk = None
                copy._state.adding = True
                copy.version = draft
            Category.objects.bulk_create(copies)
            return draft

    def publish(self, *, at: datetime, effective_from: datetime) -> None:
        """Publish this draft: from `effective_from` on it is the tree that tickets are filed under.

        Raises ValidationError when it is published already, has no categories, or would take effect before `at` or not
        after the versions published so far. The first version may take effect in the past.
        """
        with transaction.atomic():
            published = list(CategoryVersion.objects.select_for_update(no_key=True).exclude(published_at=None))
            lock_drafts([self.pk])
            dates = [version.effective_from for version in published if version.effective_from]
            if dates and effective_from <= max(at, *dates):
                raise ValidationError(
                    bilingual(
                        "生效时间须晚于当前时间和已发布的各版本。",
                        "It must take effect after the present, and after every version published so far.",
                    ),
                    code="effective_too_early",
                )
            categories = list(self.categories.all())
            if not categories:
                raise ValidationError(
                    bilingual("该版本没有分类。", "This version has no categories."), code="empty_version"
                )
            for category in categories:
                category.clean_fields()
                category.clean()
            self.effective_from = effective_from
            self.published_at = at
            super().save(update_fields=["effective_from", "published_at"])


def published_version() -> ValidationError:
    """The refusal to touch what has been published."""
    return ValidationError(
        bilingual(
            "已发布的版本不能修改；请复制为新草稿。", "A published version stays as it is; copy it as a new draft."
        ),
        code="published_version",
    )


def lock_drafts(versions: Iterable[uuid.UUID]) -> None:
    """Lock the versions against being published meanwhile. Raises ValidationError when one has been published."""
    locked = CategoryVersion.objects.select_for_update(no_key=True).filter(pk__in=set(versions)).order_by("pk")
    if any(version.published_at for version in locked):
        raise published_version()


def validate_party(party: str) -> None:
    """Raises ValidationError when `party` is not in the vocabulary of `tickets.parties`."""
    if party not in PARTIES:
        raise ValidationError(
            bilingual("未知的承办方：%(party)s", "Unknown party: %(party)s"),
            code="unknown_party",
            params={"party": party},
        )


class CategoryQuerySet(models.QuerySet["Category"]):
    """Categories; writes in bulk are refused on published versions just as single ones are."""

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """As Django's. Raises ValidationError when a version has been published."""
        rows: list[Any] = list(objs)
        with transaction.atomic():
            lock_drafts(row.version_id for row in rows)
            return super().bulk_create(rows, *args, **kwargs)

    def update(self, **values: Any) -> int:
        """As Django's. Raises ValidationError when a version has been published."""
        with transaction.atomic():
            lock_drafts(self.order_by().values_list("version_id", flat=True).distinct())
            return super().update(**values)

    def delete(self) -> tuple[int, dict[str, int]]:
        """As Django's. Raises ValidationError when a version has been published."""
        with transaction.atomic():
            lock_drafts(self.order_by().values_list("version_id", flat=True).distinct())
            return super().delete()


class Category(Identified):
    """One leaf of the tree: what the matter is, how soon it is due, and who leads it (主办) with whom (协办)."""

    version = models.ForeignKey(
        CategoryVersion, models.CASCADE, related_name="categories", verbose_name=bilingual("版本", "version")
    )
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
    hotline = models.CharField(bilingual("12345分类", "12345 class"), max_length=80, blank=True)
    external_code = models.CharField(bilingual("六位代码", "six-digit code"), max_length=6)
    basis = models.CharField(bilingual("依据", "basis"), max_length=200, blank=True)

    objects = CategoryQuerySet.as_manager()

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

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store it. Raises ValidationError when its version, or the one it is moved from, has been published."""
        with transaction.atomic():
            versions = {self.version_id}
            if not self._state.adding:
                versions.update(Category.objects.filter(pk=self.pk).values_list("version_id", flat=True))
            lock_drafts(versions)
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Drop it. Raises ValidationError when its version has been published."""
        with transaction.atomic():
            lock_drafts([self.version_id])
            return super().delete(*args, **kwargs)
