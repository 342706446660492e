"""Constraints that several tables of the community share, in the database and in forms."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from web.constraints import KnownValues
from web.words import bilingual


def known(field: str, choices: type[models.TextChoices], name: str) -> KnownValues:
    """A check constraint: `field` holds one of `choices`."""
    return KnownValues(condition=Q(**{f"{field}__in": choices.values}), name=name)


def dates_in_order(name: str) -> models.CheckConstraint:
    """`ends_on`, the last day, is open or not before `starts_on`, the first."""
    return models.CheckConstraint(
        condition=Q(ends_on=None) | Q(ends_on__gte=F("starts_on")),
        name=name,
        violation_error_message=bilingual("结束日期不能早于开始日期。", "The last day cannot come before the first."),
    )


def same_street(row: models.Model, *fields: str) -> None:
    """Raise ValidationError for each of `fields` that points into another street. What has no street is shared by all."""
    street_id = getattr(row, "street_id", None)
    wrong = {}
    for field in fields:
        target = getattr(row, field, None)
        if target is not None and target.street_id is not None and target.street_id != street_id:
            wrong[field] = bilingual("不属于同一街道。", "It belongs to another street.")
    if wrong:
        raise ValidationError(wrong)
