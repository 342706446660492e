"""Finds rows that name a row which is not there, in the columns that PostgreSQL does not check (`web.models.reference`)."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db import models
from django.db.models import Exists, OuterRef

from web.words import Words, bilingual


@dataclass(frozen=True, slots=True)
class Orphan:
    """A row whose `column` names no row."""

    table: str
    key: uuid.UUID
    column: str
    named: uuid.UUID

    @property
    def reason(self) -> Words:
        """What is wrong, in words."""
        return bilingual(
            f"{self.table} 的 {self.key}：{self.column} 所指的 {self.named} 不存在",
            f"{self.table} {self.key}: its {self.column} {self.named} does not exist",
        )


def references() -> Iterator["models.ForeignKey[models.Model, models.Model]"]:
    """The columns of all tables that name rows without a constraint of PostgreSQL's."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, models.ForeignKey) and not field.db_constraint:  # type: ignore[attr-defined]
                yield field


def orphans() -> Iterator[Orphan]:
    """All rows that name a row which is not there."""
    for field in references():
        there = field.related_model._base_manager.filter(pk=OuterRef(field.attname))
        rows = field.model._base_manager.filter(~Exists(there), **{f"{field.attname}__isnull": False})
        for key, named in rows.order_by("pk").values_list("pk", field.attname).iterator():
            yield Orphan(field.model._meta.db_table, key, field.attname, named)
