"""Who gets the next ticket of an organisation that gives out its work in turn."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Count, Exists, OuterRef

from community.addressees import HANDS, seats_on
from community.models import Membership, OffDuty, Rota
from community.receivers import local_day
from tickets.models.assignment import Assignment


def next_in_turn(organisation: uuid.UUID, at: datetime) -> uuid.UUID | None:
    """The person whose turn it is, and it is somebody else's after this; None where nobody is on duty with room for another ticket.

    Four statements. The organisation's settings stay locked until the transaction ends, so that whoever signs meanwhile waits and sees
    this turn taken.
    """
    rota = Rota.objects.select_for_update(no_key=True).filter(organisation=organisation, in_turn=True).first()
    if rota is None:
        return None
    seats = [one for one in _hands(organisation, at) if not one.off_duty]  # type: ignore[attr-defined]
    if rota.most_open is not None:
        load = _open(organisation, [one.person_id for one in seats])
        seats = [one for one in seats if load.get(one.person_id, 0) < rota.most_open]
    if not seats:
        return None
    later = [one for one in seats if rota.last_seat is not None and one.pk > rota.last_seat]
    chosen = (later or seats)[0]
    Rota.objects.filter(pk=rota.pk).update(last_seat=chosen.pk)
    return chosen.person_id


def _hands(organisation: uuid.UUID, at: datetime) -> Sequence[Membership]:
    """The seats of those who do the work, one for each person; all seats where nobody has such a role."""
    off = OffDuty.objects.filter(organisation=OuterRef("organisation"), person=OuterRef("person"))
    rows = seats_on(local_day(at)).filter(organisation=organisation).annotate(off_duty=Exists(off)).order_by("pk")
    seats = list(rows)
    hands = [one for one in seats if one.role in HANDS] or seats
    return list({one.person_id: one for one in reversed(hands)}.values())[::-1]


def _open(organisation: uuid.UUID, people: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many open tickets of the organisation each has."""
    mine = Assignment.objects.open().filter(organisation=organisation, worker__in=people)
    return dict(mine.order_by().values_list("worker").annotate(count=Count("pk")))
