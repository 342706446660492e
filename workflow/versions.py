"""Reference data in numbered versions: a draft is edited, published from a moment on, and never changes afterwards."""

import time
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, ClassVar, Never, Self

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q

from web.models import Identified
from web.words import bilingual


def published_version() -> ValidationError:
    """The refusal to touch what has been published."""
    return ValidationError(
        bilingual(
            "已发布的版本不能修改；请复制为新草稿。", "A published version stays as it is; copy it as a new draft."
        ),
        code="published_version",
    )


def lock_drafts(model: "type[Version]", versions: Iterable[uuid.UUID]) -> None:
    """Lock the versions against being published meanwhile. Raises ValidationError when one has been published."""
    locked = model._base_manager.select_for_update(no_key=True).filter(pk__in=set(versions)).order_by("pk")
    if any(version.published_at for version in locked):
        raise published_version()


class VersionQuerySet[V: Version](models.QuerySet[V]):
    """Versions; the published ones refuse changes in bulk just as they refuse single ones."""

    def update(self, **values: object) -> int:
        """As Django's. Raises ValidationError when one of them has been published."""
        with transaction.atomic():
            lock_drafts(self.model, self.order_by().values_list("pk", flat=True))
            return super().update(**values)

    def delete(self) -> tuple[int, dict[str, int]]:
        """As Django's. Raises ValidationError when one of them has been published."""
        with transaction.atomic():
            lock_drafts(self.model, self.order_by().values_list("pk", flat=True))
            return super().delete()


class Version(Identified):
    """One version of some reference data: a draft until it is published, unchangeable afterwards."""

    number = models.PositiveIntegerField(bilingual("版本号", "number"), unique=True)
    effective_from = models.DateTimeField(bilingual("生效时间", "effective from"), null=True, blank=True)
    source = models.CharField(bilingual("来源", "source"), max_length=200)
    notes = models.TextField(bilingual("说明", "notes"), blank=True)
    published_at = models.DateTimeField(bilingual("发布时间", "published at"), null=True, editable=False)
    drafted_by = models.UUIDField(bilingual("起草人", "drafted by"), null=True, editable=False)
    published_by = models.UUIDField(bilingual("发布人", "published by"), null=True, editable=False)

    objects = VersionQuerySet.as_manager()

    # The names by which the rows of a version are reached from it.
    PARTS: ClassVar[tuple[str, ...]]
    # A version that counts from the moment it is published; others say from when they do.
    AT_ONCE: ClassVar[bool] = False

    class Meta:
        abstract = True
        ordering = ["-number"]
        constraints = [
            models.CheckConstraint(
                condition=Q(published_at__isnull=True) | Q(effective_from__isnull=False),
                name="%(class)s_published_has_effective_from",
            ),
            models.UniqueConstraint(
                fields=["effective_from"],
                condition=Q(published_at__isnull=False),
                name="%(class)s_one_per_effective_from",
            ),
        ]

    def __str__(self) -> str:
        return f"v{self.number}"

    def save(self, *args: object, **kwargs: Any) -> None:
        """Store a draft. Raises ValidationError when it has been published, which only `publish` does."""
        if self.published_at is not None:
            raise published_version()
        with transaction.atomic():
            if not self._state.adding:
                lock_drafts(type(self), [self.pk])
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Drop a draft with its rows. Raises ValidationError when the version has been published."""
        with transaction.atomic():
            lock_drafts(type(self), [self.pk])
            return super().delete(*args, **kwargs)

    @classmethod
    def draft(cls, **columns: object) -> Self:
        """A new, empty draft, numbered after the newest version."""
        newest = cls._base_manager.select_for_update(no_key=True).order_by("-number").first()
        return cls._base_manager.create(number=newest.number + 1 if newest else 1, **columns)

    def copy_as_draft(self, *, by: uuid.UUID | None = None, **changed: object) -> Self:
        """A new draft by the person `by`, numbered after the newest version, with this version's rows and columns but for `changed`."""
        own = {"id", "number", "effective_from", "notes", "published_at", "drafted_by", "published_by"}
        columns = {field.attname: getattr(self, field.attname) for field in self._meta.concrete_fields}
        with transaction.atomic():
            kept = {name: value for name, value in columns.items() if name not in own}
            draft = self.draft(notes=f"← {self}", drafted_by=by, **{**kept, **changed})
            for name in self.PARTS:
                copies = list(getattr(self, name).all())
                for copy in copies:
                    copy.pk = None
                    copy._state.adding = True
                    copy.version = draft
                if copies:
                    type(copies[0])._default_manager.bulk_create(copies)
            return draft

    def rivals(self) -> models.QuerySet[Self]:
        """The versions of which one counts at a time."""
        return type(self)._base_manager.all()

    def publish(self, *, at: datetime, effective_from: datetime | None = None, by: uuid.UUID | None = None) -> None:
        """Publish this draft, as the person `by`: from `effective_from` on, or at once, it is the version that counts.

        Raises ValidationError when it is published already, lacks rows, has a row that does not fit, or would take effect before
        `at` or not after the versions published so far. The first version may take effect in the past.
        """
        with transaction.atomic():
            published = list(self.rivals().select_for_update(no_key=True).exclude(published_at=None).order_by("pk"))
            lock_drafts(type(self), [self.pk])
            dates = [version.effective_from for version in published if version.effective_from]
            effective_from = effective_from or at
            if dates and effective_from <= max([*dates] if self.AT_ONCE else [at, *dates]):
                raise ValidationError(
                    bilingual(
                        "生效时间须晚于当前时间和已发布的各版本。",
                        "It must take effect after the present, and after every version published so far.",
                    ),
                    code="effective_too_early",
                )
            self.effective_from = effective_from
            self.check_whole()
            self.published_at, self.published_by = at, by
            super().save(update_fields=["effective_from", "published_at", "published_by"])

    def check_whole(self) -> None:
        """Raise ValidationError where the version lacks rows, or a row does not fit."""
        for name in self.PARTS:
            parts = list(getattr(self, name).all())
            if not parts:
                raise ValidationError(
                    bilingual("该版本内容为空。", "This version is empty."), code="empty_version", params={"part": name}
                )
            for part in parts:
                part.clean_fields()
                part.clean()


class LocalVersion(Version):
    """A version that counts in one street; without one, everywhere that has none of its own."""

    street = models.UUIDField(bilingual("街道", "street"), null=True, editable=False)

    class Meta(Version.Meta):
        abstract = True
        constraints = [
            Version.Meta.constraints[0],
            models.UniqueConstraint(
                fields=["street", "effective_from"],
                condition=Q(published_at__isnull=False),
                nulls_distinct=False,
                name="%(class)s_one_per_effective_from",
            ),
        ]

    def rivals(self) -> models.QuerySet[Self]:
        """The versions of the same street."""
        return super().rivals().filter(street=self.street)


REREAD_SECONDS = 5.0


class Published:
    """Columns of the published versions, the newest first, asked again at most every five seconds in each process.

    `model` is called when it is first asked. The first of `columns` orders them. With `needed`, an answer of none is not kept: a
    process that starts before the first version is loaded must not go on without it.
    """

    def __init__(self, model: Callable[[], type[Version]], *columns: str, needed: bool = False) -> None:
        self._model = model
        self._columns = columns
        self._needed = needed
        self._asked = 0.0
        self._rows: tuple[Any, ...] | None = None

    def rows(self) -> tuple[Any, ...]:
        """The columns of each version."""
        now = time.monotonic()
        stale = self._rows is None or now - self._asked > REREAD_SECONDS
        if stale or (self._needed and not self._rows):
            rows: Any = self._model()._base_manager.exclude(published_at=None).order_by(f"-{self._columns[0]}")
            self._asked, self._rows = now, tuple(rows.values_list(*self._columns))
        return self._rows or ()

    def forget(self) -> None:
        """Ask anew: for the process that has just published, and between tests."""
        self._rows = None


class Remembered(Published):
    """Which published version counts when and in which street."""

    def __init__(self, model: Callable[[], type[LocalVersion]], *, needed: bool = False) -> None:
        super().__init__(model, "effective_from", "number", "street", needed=needed)

    def number(self, at: datetime, street: uuid.UUID | None = None) -> int | None:
        """The number of the version in effect at `at` in a street, its own or else everybody's; None where there is none."""
        general = None
        for effective_from, number, whose in self.rows():
            if effective_from <= at:
                if whose == street:
                    return int(number)
                if whose is None and general is None:
                    general = int(number)
        return general


class PartQuerySet[P: Part](models.QuerySet[P]):
    """Rows of versions; writes in bulk are refused on published versions just as single ones are."""

    def bulk_create(self, objs: Iterable[P], *args: Any, **kwargs: Any) -> list[P]:
        """As Django's. Raises ValidationError when a version has been published."""
        rows = list(objs)
        with transaction.atomic():
            lock_drafts(self.model.version_model(), {row.version_id for row in rows})
            return super().bulk_create(rows, *args, **kwargs)

    def update(self, **values: object) -> int:
        """As Django's. Raises ValidationError when a version has been published."""
        with transaction.atomic():
            lock_drafts(self.model.version_model(), self._versions())
            return super().update(**values)

    def delete(self) -> tuple[int, dict[str, int]]:
        """As Django's. Raises ValidationError when a version has been published."""
        with transaction.atomic():
            lock_drafts(self.model.version_model(), self._versions())
            return super().delete()

    def _versions(self) -> Iterable[uuid.UUID]:
        versions: Iterable[uuid.UUID] = self.order_by().values_list("version_id", flat=True).distinct()
        return versions


def version_key[V: Version](model: type[V], rows: str) -> "models.ForeignKey[V, V]":
    """The column of the version that a row belongs to, which has the row among its `rows`."""
    return models.ForeignKey(model, models.CASCADE, related_name=rows, verbose_name=bilingual("版本", "version"))


class Part(Identified):
    """A row of a version: it is changed while its version is a draft. The concrete class brings the key `version`."""

    objects = PartQuerySet.as_manager()

    version: "models.ForeignKey[Never, Version]"
    version_id: uuid.UUID

    class Meta:
        abstract = True

    @classmethod
    def version_model(cls) -> type[Version]:
        """The model of the versions that rows of this kind belong to."""
        related = cls._meta.get_field("version").related_model
        assert related is not None
        assert issubclass(related, Version)
        return related

    def save(self, *args: object, **kwargs: Any) -> None:
        """Store it. Raises ValidationError when its version, or the one it is moved from, has been published."""
        with transaction.atomic():
            versions = {self.version_id}
            if not self._state.adding:
                versions.add(type(self)._base_manager.get(pk=self.pk).version_id)
            lock_drafts(self.version_model(), versions)
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Drop it. Raises ValidationError when its version has been published."""
        with transaction.atomic():
            lock_drafts(self.version_model(), [self.version_id])
            return super().delete(*args, **kwargs)
