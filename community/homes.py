"""Where a person says to live: stated by the resident, dated, in the street's own days."""

import uuid
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import DateField, DateTimeField, F, Func, Q, QuerySet, Value
from django.db.models.functions import Cast

from community.models import Compound, Household, Person, Residency, Street
from web.words import bilingual

MOST_HOMES = 10


class HomesFull(Exception):
    """The person has stated as many homes as one may."""

    code = "homes_full"
    reason = bilingual(
        "登记的住处已达上限，请先删除不再居住的。", "You have as many homes as one may; remove one first."
    )


def _today(street: Street, at: datetime) -> date:
    return at.astimezone(ZoneInfo(street.timezone)).date()


def homes(person_id: uuid.UUID, at: datetime) -> QuerySet[Residency]:
    """The homes of a person on the day of `at` in each street's own zone, with their places."""
    there = Func(F("street__timezone"), Value(at), function="timezone", output_field=DateTimeField())
    return (
        Residency.objects.alias(day=Cast(there, DateField()))
        .filter(Q(ends_on=None) | Q(ends_on__gte=F("day")), person_id=person_id, starts_on__lte=F("day"))
        .select_related("compound", "household__building", "street")
        .order_by("starts_on", "id")
    )


def move_in(
    person_id: uuid.UUID, compound: Compound, household: Household | None, relation: str, at: datetime
) -> tuple[Residency, bool]:
    """The home of a person from the day of `at` on, and whether it is new; one stated before in the same relation is kept.

    Who becomes the owner of what they rented has a new home from that day on. Runs in the caller's transaction. Raises
    HomesFull.
    """
    Person.objects.select_for_update(no_key=True).get(id=person_id)
    stated = list(homes(person_id, at))
    for home in stated:
        if (home.compound_id, home.household_id) == (compound.id, household.id if household else None):
            if home.relation == relation:
                return home, False
            _end(home, at)
            break
    else:
        if len(stated) >= MOST_HOMES:
            raise HomesFull
    home = Residency.objects.create(
        street=compound.street, person_id=person_id, compound=compound, household=household, relation=relation,
        starts_on=_today(compound.street, at),
    )  # fmt: skip
    return home, True


def move_out(person_id: uuid.UUID, residency_id: uuid.UUID, at: datetime) -> bool:
    """End a home before the day of `at`, or forget it where it began that day; False where the person has no such home.

    Runs in the caller's transaction.
    """
    home = homes(person_id, at).select_for_update(of=("self",)).filter(id=residency_id).first()
    if home is None:
        return False
    _end(home, at)
    return True


def _end(home: Residency, at: datetime) -> None:
    today = _today(home.street, at)
    if home.starts_on >= today:
        home.delete()
    else:
        Residency.objects.filter(id=home.id).update(ends_on=today - timedelta(days=1))
