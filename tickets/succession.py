"""Who may take the place of a reporter who leaves a ticket that others follow.

Cosigners come first, then residents whose own ticket was merged into it; each in the order in which they came. Left out are:

* people who declined;
* people with a secret ticket among those that were merged into it, because a reporter's contact is shown to those who work on it;
* people who are partial: since it was filed they had a seat in an organisation that it accuses or that has or had a part in it, in the
  head office or an office of such an organisation, or with the street, or they acted on it for an organisation.
"""

import uuid

from django.db.models import Q, QuerySet

from community.models import Membership
from community.models.organisations import STREET_KINDS
from community.receivers import local_day
from tickets.models import Follower, Ticket, TicketEvent
from tickets.states import Secrecy


def candidates(ticket: Ticket) -> QuerySet[Follower]:
    """The followers who may succeed the ticket's reporter, in the order in which they are asked."""
    absorbed = Ticket.objects.absorbed_by(ticket.pk)
    secret = absorbed.exclude(secrecy=Secrecy.OPEN).filter(reporter__isnull=False)
    willing = Follower.objects.filter(ticket=ticket, declined_at=None, person__is_active=True)
    willing = willing.exclude(person__in=secret.values("reporter")).exclude(person__in=_seated(ticket))
    # "cosigned" comes before "merged".
    return willing.exclude(person__in=_acted(ticket).values("actor")).order_by("kind", "since", "id")


def _acted(ticket: Ticket) -> QuerySet[TicketEvent]:
    return TicketEvent.objects.filter(subject=ticket, actor__isnull=False, actor_organisation_id__isnull=False)


def _seated(ticket: Ticket) -> QuerySet[Membership]:
    """Who sits, or sat since the ticket was filed, with a party to it."""
    named: set[uuid.UUID | None] = {
        *ticket.accused,
        *(one.organisation_id for one in ticket.assignments),
        *(ticket.coordinator_id, ticket.coordinator_today, ticket.desk_id, ticket.account_owner_id),
        *(ticket.committee_id, ticket.committee_today),
        *(ticket.residents_committee_id, ticket.residents_committee_today),
    }
    acted = list(_acted(ticket).values_list("actor_organisation_id", flat=True).distinct())
    parties = {one for one in (*named, *acted) if one}
    seats = Membership.objects.filter(
        Q(organisation__in=parties)
        | Q(organisation__kind="company", organisation__branches__in=parties)
        | Q(organisation__kind="project_office", organisation__parent__in=parties)
        | Q(organisation__kind="project_office", organisation__parent__branches__in=parties)
        | Q(organisation__kind__in=STREET_KINDS, organisation__street=ticket.street_id)
    )
    since = local_day(ticket.submitted_at)
    return seats.filter(Q(ends_on=None) | Q(ends_on__gte=since)).values("person")  # type: ignore[return-value]
