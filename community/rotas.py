"""Changing how an organisation gives out its work, and who is off duty."""

import logging
import uuid
from dataclasses import dataclass

from django.db import transaction

from community.addressees import seats_on
from community.models import OffDuty, Organisation, Rota
from community.receivers import local_day
from workflow.actor import Actor

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RotaSettings:
    """What an organisation decides: whether in turn, up to how many open tickets a person has, and who is off duty."""

    in_turn: bool = False
    most_open: int | None = None
    off_duty: frozenset[uuid.UUID] = frozenset()


def settings_of(organisation: uuid.UUID) -> RotaSettings:
    """What it has decided. Two statements."""
    rota = Rota.objects.filter(organisation=organisation).first() or Rota()
    off = OffDuty.objects.filter(organisation=organisation).values_list("person", flat=True)
    return RotaSettings(rota.in_turn, rota.most_open, frozenset(off))


def decide(organisation: uuid.UUID, settings: RotaSettings, *, by: Actor) -> None:
    """Write down what it decides. People without a seat there are left out; who stays off duty is off since then."""
    with transaction.atomic():
        # Two who decide at the same time do so one after the other.
        Organisation.objects.select_for_update(no_key=True).get(pk=organisation)
        Rota.objects.update_or_create(
            organisation_id=organisation,
            defaults={
                "in_turn": settings.in_turn,
                "most_open": settings.most_open,
                "changed_by_id": by.person_id,
                "changed_at": by.at,
            },
        )
        there = seats_on(local_day(by.at)).filter(organisation=organisation).values_list("person", flat=True)
        off = settings.off_duty & set(there)
        OffDuty.objects.filter(organisation=organisation).exclude(person__in=off).delete()
        OffDuty.objects.bulk_create(
            [
                OffDuty(organisation_id=organisation, person_id=one, noted_by_id=by.person_id, since=by.at)
                for one in sorted(off)
            ],
            ignore_conflicts=True,
        )
    logger.info(
        "organisation %s: in turn %s, at most %s, %d off duty, by %s",
        organisation,
        settings.in_turn,
        settings.most_open,
        len(off),
        by.person_id,
    )
