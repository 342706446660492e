"""The people of an organisation, for those who give out its work."""

import uuid
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from community.addressees import HANDS, seats_on
from community.models import Membership, Organisation
from community.models.organisations import STREET_KINDS
from community.receivers import local_day
from tickets.models import Assignment
from web.paging import Page, PageRequest
from workflow.actor import Actor
from workflow.errors import NotPermitted


def members(actor: Actor, organisation: uuid.UUID, asked: PageRequest) -> Page[dict[str, object]]:
    """A page of the people who work there, with the number of open tickets of each. Raises NotPermitted."""
    if not dispatches(actor, organisation):
        raise NotPermitted()
    today = local_day(actor.at)
    seats = Membership.objects.filter(
        Q(ends_on=None) | Q(ends_on__gte=today), organisation=organisation, person__is_active=True
    )
    work = Assignment.objects.open().filter(worker=OuterRef("person"), organisation=organisation)
    counted = work.order_by().values("worker").annotate(count=Count("pk")).values("count")
    rows: QuerySet[Any] = seats.annotate(work=Coalesce(Subquery(counted), 0)).select_related("person")
    found = asked.page(rows, "person__name", "id")
    return found.of(
        [
            {
                "id": one.person_id,
                "name": one.person.name,
                "role": one.role,
                "role_label": one.get_role_display(),
                "on_duty": one.starts_on <= today,
                "open": one.work,
            }
            for one in found.rows
        ]
    )


def dispatches(actor: Actor, organisation: uuid.UUID) -> bool:
    """Whether the actor gives out the work of the organisation: a member who dispatches there, or staff of its street, who stand in."""
    mine = [seat for seat in actor.seats if seat.organisation_id == organisation]
    if any(seat.role not in HANDS for seat in mine):
        return True
    if mine and not seats_on(local_day(actor.at)).filter(organisation=organisation).exclude(role__in=HANDS).exists():
        # Nobody else is there to give it out.
        return True
    streets = {seat.street_id for seat in actor.seats if seat.kind in STREET_KINDS}
    there = Organisation.objects.filter(Q(street__in=streets) | Q(street=None), pk=organisation)
    return bool(streets) and there.exists()
