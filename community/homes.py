"""Where people live: they claim a home, with dates in the street's own time zone, and somebody who can know confirms it.

Whoever claims a home may report what is wrong there and follow it. What neighbours read needs a confirmed home.
"""

import uuid
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import DateField, DateTimeField, F, Func, Q, QuerySet, Value
from django.db.models.functions import Cast

from community.models import Compound, HomeMove, Household, Person, Residency, Street
from web.quotas import TooOften, wait
from web.words import bilingual

MOST_HOMES = 10
MOST_MOVES, MOVES_WITHIN = 5, timedelta(days=30)
# What was confirmed about a home, and stays confirmed when its person's relation to it changes.
_AGAINST = ("objected_at", "judged_by_id", "wrong_codes")
_KNOWN = ("confirmed_through", "confirmed_at", *_AGAINST)


class HomesFull(Exception):
    """The person has as many homes as allowed."""

    code = "homes_full"
    reason = bilingual(
        "登记的住处已达上限，请先删除不再居住的。", "You have as many homes as one may; remove one first."
    )


class TooManyMoves(TooOften):
    """The person has claimed as many homes within a month as allowed."""

    code = "too_many_moves"
    reason = bilingual(
        "三十天内登记的住处过多；如有急需，请联系街道。",
        "You have claimed too many homes within thirty days; ask the street where it cannot wait.",
    )


def _today(street: Street, at: datetime) -> date:
    return at.astimezone(ZoneInfo(street.timezone)).date()


def homes(person_id: uuid.UUID, at: datetime) -> QuerySet[Residency]:
    """The homes of a person on the day of `at` in each street's own zone, with their places."""
    mine = running(Residency.objects.filter(person_id=person_id), at)
    return mine.select_related("compound", "household__building", "street").order_by("starts_on", "id")


def running(residencies: QuerySet[Residency], at: datetime) -> QuerySet[Residency]:
    """The homes that are live on the day of `at`, in each street's own time zone."""
    there = Func(F("street__timezone"), Value(at), function="timezone", output_field=DateTimeField())
    days = residencies.alias(day=Cast(there, DateField()))
    return days.filter(Q(ends_on=None) | Q(ends_on__gte=F("day")), starts_on__lte=F("day"))


def move_in(
    person_id: uuid.UUID, compound: Compound, household: Household | None, relation: str, at: datetime
) -> tuple[Residency, bool]:
    """Claim a home from the day of `at` on. Returns the home, and whether it is new; the same claim again returns the old one.

    A tenant who becomes the owner gets a new home from that day on, as confirmed as the old one. Runs in the caller's
    transaction. Raises HomesFull or TooManyMoves.
    """
    Person.objects.select_for_update(no_key=True).get(id=person_id)
    stated, known = list(homes(person_id, at)), {}
    for home in stated:
        if (home.compound_id, home.household_id) == (compound.id, household.id if household else None):
            if home.relation == relation:
                return home, False
            known = {name: getattr(home, name) for name in _KNOWN}
            _end(home, at)
            break
    else:
        if len(stated) >= MOST_HOMES:
            raise HomesFull
        _count_move(person_id, at)
        # Moving out and in again clears neither objections nor counted guesses.
        before = (
            Residency.objects.filter(person_id=person_id, compound=compound, household=household)
            .order_by("-id")
            .first()
        )
        if before is not None:
            known = {name: getattr(before, name) for name in _AGAINST}
    home = Residency.objects.create(
        street=compound.street, person_id=person_id, compound=compound, household=household, relation=relation,
        starts_on=_today(compound.street, at), **known,
    )  # fmt: skip
    return home, True


def _count_move(person_id: uuid.UUID, at: datetime) -> None:
    moves = HomeMove.objects.filter(person_id=person_id, at__gt=at - MOVES_WITHIN)
    past = list(moves.order_by("-at").values_list("at", flat=True)[:MOST_MOVES])
    if (left := wait(at, past, ((MOST_MOVES, MOVES_WITHIN),))) > timedelta(0):
        raise TooManyMoves(left.total_seconds())
    HomeMove.objects.create(person_id=person_id, at=at)


def move_out(person_id: uuid.UUID, residency_id: uuid.UUID, at: datetime) -> bool:
    """End a home before the day of `at`, or delete it where it began that day. Returns False where the person has no such home.

    Runs in the caller's transaction.
    """
    home = homes(person_id, at).select_for_update(of=("self",)).filter(id=residency_id).first()
    if home is None:
        return False
    _end(home, at)
    return True


def _end(home: Residency, at: datetime) -> None:
    """End a home before the day of `at`. An objection of that day stays on record until the day is over."""
    today = _today(home.street, at)
    if home.starts_on < today:
        Residency.objects.filter(id=home.id).update(ends_on=today - timedelta(days=1))
    elif home.objected_at is None:
        home.delete()
    else:
        Residency.objects.filter(id=home.id).update(ends_on=today)


def is_confirmed(home: Residency, at: datetime) -> bool:
    """Whether the home, with its street, counts as confirmed on the day of `at`."""
    return home.confirmed_on(_today(home.street, at))
