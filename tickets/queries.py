"""The lists and single tickets that an actor may see: one list for each relation, never an OR across joins."""

import uuid
from collections.abc import Collection

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from community.models import Area, Compound
from community.models.organisations import COMMITTEE_KINDS, STREET_KINDS
from tickets.access import CHANGES_CONTACT, SEES_WHOLE, Relation, relations, sees
from tickets.models import Assignment, Follower, Ticket, TicketEvent
from tickets.models.ticket import TicketQuerySet
from tickets.states import ENDED, Secrecy, State, TicketType
from workflow.actor import Actor
from workflow.prepared import Prepared


def _standing_reveal(person: uuid.UUID | None) -> Subquery:
    """When the person revealed the contact, if it is still the reporter's contact and the ticket has not ended since."""
    since = TicketEvent.objects.filter(subject=OuterRef("subject"), seq__gt=OuterRef("seq"))
    since = since.filter(Q(verb__in=sorted(CHANGES_CONTACT)) | Q(target__in=ENDED))
    made = TicketEvent.objects.filter(subject=OuterRef("pk"), verb="reveal", actor=person)
    return Subquery(made.filter(~Exists(since)).order_by("-seq").values("at")[:1])


_TICKET = Prepared(
    lambda person, key: Ticket.for_move(person).annotate(revealed_at=_standing_reveal(person)).filter(pk=key),
    person=uuid.UUID(int=1),
    key=uuid.UUID(int=2),
)


_NUMBERED = Prepared(
    lambda person, code: Ticket.for_move(person).annotate(revealed_at=_standing_reveal(person)).filter(code=code),
    person=uuid.UUID(int=1),
    code="NOSUCHONE",
)


def visible_ticket(ticket_id: uuid.UUID, actor: Actor) -> Ticket:
    """The ticket, with its assignments, if `actor` may see it. Raises Ticket.DoesNotExist just as for one that is absent."""
    return _seen(_TICKET.rows(person=actor.person_id, key=ticket_id), actor)


def ticket_numbered(code: str, actor: Actor) -> Ticket:
    """The ticket with this number, as `visible_ticket` gives it."""
    return _seen(_NUMBERED.rows(person=actor.person_id, code=code), actor)


def _seen(found: Collection[Ticket], actor: Actor) -> Ticket:
    for ticket in found:
        ticket.gather_to_read(actor)
        if sees(ticket, actor):
            return ticket
        raise Ticket.DoesNotExist
    Ticket.gather_nothing(uuid.uuid4(), actor)
    raise Ticket.DoesNotExist


def visible_tickets(codes: Collection[str], actor: Actor) -> dict[str, Ticket]:
    """Those of the tickets with these numbers that `actor` may see, with their assignments, each by its number. Three statements.

    Clocks that were stopped late are not fetched.
    """
    rows = Ticket.for_move(actor.person_id).annotate(revealed_at=_standing_reveal(actor.person_id))
    found = list(rows.filter(code__in=codes).order_by("pk"))
    Ticket.gather(found, actor)
    for one in found:
        one.late = []
    return {one.code: one for one in found if sees(one, actor)}


def linked(ticket: Ticket, actor: Actor) -> list[Ticket]:
    """The tickets linked to `ticket` that `actor` sees whole: the ticket that it was filed out of, and those that were filed out of it."""
    keys = [*ticket.filed_others, *([ticket.filed_out_of_id] if ticket.filed_out_of_id else [])]
    if not keys:
        return []
    found = list(Ticket.for_move(actor.person_id).filter(pk__in=keys).order_by("pk"))
    Ticket.gather(found, actor)
    return [one for one in found if relations(one, actor) & SEES_WHOLE]


def merged(ticket: Ticket, actor: Actor) -> list[Ticket]:
    """The tickets merged into `ticket`, and the one into which it was merged: those that `actor` sees whole. Three statements."""
    found = list(
        Ticket.for_move(actor.person_id).filter(Q(merged_into=ticket.pk) | Q(pk=ticket.merged_into_id)).order_by("pk")
    )
    if found:
        Ticket.gather(found, actor)
    return [one for one in found if relations(one, actor) & SEES_WHOLE]


def still_visible(ticket_id: uuid.UUID, actor: Actor) -> Ticket:
    """The ticket with its parts alone, to repeat an answer to the actor. Raises Ticket.DoesNotExist where they may no longer see it.

    One statement at most for a person without seats: an organisation's part in a ticket gives them no relation.
    """
    for ticket in _TICKET.rows(person=actor.person_id, key=ticket_id):
        ticket.gather_parts(actor)
        if sees(ticket, actor):
            return ticket
    raise Ticket.DoesNotExist


def reported_by(actor: Actor) -> TicketQuerySet:
    """The tickets that the actor reported or took over from their reporter."""
    found = Ticket.objects.filter(reporter=actor.person_id)
    theirs = sorted(_organisations(actor))
    return found.exclude(inherited=True, accused__overlap=theirs) if theirs else found


def followed_by(actor: Actor) -> TicketQuerySet:
    """The tickets that the actor cosigned, or into which their own tickets were merged."""
    found = Ticket.objects.filter(pk__in=Follower.objects.filter(person=actor.person_id).values("ticket"))
    return _without_accused(found, actor) if actor.seats else found


def in_compound(compound_id: uuid.UUID, actor: Actor) -> TicketQuerySet:
    """The tickets with a public face in a compound, if the actor lives there; otherwise none."""
    if compound_id not in actor.compounds:
        return Ticket.objects.none()
    faces = Ticket.objects.filter(
        compound=compound_id, secrecy=Secrecy.OPEN, accused__empty=True, category__public_face=True
    )
    return faces.exclude(type__constant=TicketType.REPORT)


def areas_of(actor: Actor) -> list[uuid.UUID]:
    """The areas of the actor's committees."""
    seats = _organisations(actor, *COMMITTEE_KINDS)
    return sorted(Area.objects.filter(committee__in=seats).values_list("pk", flat=True)) if seats else []


def on_a_committee(actor: Actor) -> bool:
    """Whether the actor sits on a committee, whose areas must be looked up."""
    return any(seat.kind in COMMITTEE_KINDS for seat in actor.seats)


def in_areas(actor: Actor) -> TicketQuerySet:
    """The tickets in the areas of the actor's committees, as `within` says."""
    return within(areas_of(actor))


def within(areas: Collection[uuid.UUID]) -> TicketQuerySet:
    """The tickets in these areas, without those for the street alone: reports of wrongdoing, and tickets that accuse somebody."""
    return Ticket.objects.filter(area__in=areas, accused__empty=True).exclude(type__constant=TicketType.REPORT)


def communities_of(actor: Actor) -> tuple[set[uuid.UUID], list[uuid.UUID]]:
    """The communities of the actor's residents' committees, and the areas that lie in them or reach into them."""
    seats = _organisations(actor, "residents_committee")
    compounds = Compound.objects.filter(community__residents_committee__in=seats) if seats else Compound.objects.none()
    places = set(compounds.values_list("community", "area"))
    return {one for one, _ in places}, sorted({one for _, one in places})


def in_communities(actor: Actor) -> TicketQuerySet:
    """The tickets in the communities of the actor's residents' committees, as `within_communities` says."""
    return within_communities(*communities_of(actor))


def within_communities(communities: Collection[uuid.UUID], areas: Collection[uuid.UUID]) -> TicketQuerySet:
    """The tickets in these communities, without those for the street alone.

    The areas lead into the index by due moment; an area may reach into another community.
    """
    return within(areas).filter(community__in=communities)


def coordinated_by(actor: Actor) -> TicketQuerySet:
    """The tickets that the actor's committees coordinate today; for staff of the street, those that their sections coordinate."""
    coordinating = Ticket.objects.open().filter(state=State.COORDINATING)
    if on_a_committee(actor):
        # Today's committee has taken the place of the one that was asked.
        return (
            in_areas(actor)
            .open()
            .filter(state=State.COORDINATING, coordinator__isnull=False)
            .exclude(coordinator=F("desk"))
        )
    sections = _organisations(actor, *STREET_KINDS)
    return _without_accused(coordinating.filter(coordinator__in=sections), actor)


def inspected_by(actor: Actor) -> TicketQuerySet:
    """The tickets that the actor's organisations found on patrol and filed."""
    return _without_accused(Ticket.objects.filter(inspector__in=_organisations(actor)), actor)


def in_street(actor: Actor) -> TicketQuerySet:
    """The tickets of the streets in whose office the actor has a seat."""
    streets = {seat.street_id for seat in actor.seats if seat.kind in STREET_KINDS}
    found = (
        Ticket.objects.filter(street=next(iter(streets)))
        if len(streets) == 1
        else Ticket.objects.filter(street__in=streets)
    )
    return _without_accused(found, actor)


def queue(actor: Actor, organisation: uuid.UUID | None) -> QuerySet[Assignment]:
    """The open assignments of the actor's organisations, or of one of them; nothing for another's."""
    mine = _mine(actor, organisation)
    rows = Assignment.objects.open()
    found = rows.filter(organisation=mine[0]) if len(mine) == 1 else rows.filter(organisation__in=mine)
    return _recusing(found, actor)


def past(actor: Actor, organisation: uuid.UUID | None) -> QuerySet[Assignment]:
    """The assignments that the actor's organisations have finished or lost."""
    mine = _mine(actor, organisation)
    rows = Assignment.objects.filter(organisation__in=mine, open=False, closed_at__isnull=False).exclude(role="copy")
    return _recusing(rows, actor)


def _mine(actor: Actor, organisation: uuid.UUID | None) -> list[uuid.UUID]:
    return sorted({one for one in _organisations(actor) if organisation in (None, one)})


def _organisations(actor: Actor, *kinds: str) -> set[uuid.UUID]:
    return {seat.organisation_id for seat in actor.seats if not kinds or seat.kind in kinds}


def _recusing(rows: QuerySet[Assignment], actor: Actor) -> QuerySet[Assignment]:
    """The rows without tickets that accuse an organisation of the actor, which may have had a part before it was accused."""
    return rows.exclude(ticket__accused__overlap=sorted(_organisations(actor)))


def _without_accused(tickets: TicketQuerySet, actor: Actor) -> TicketQuerySet:
    return tickets.exclude(accused__overlap=sorted(_organisations(actor)))


def similar(compound_id: uuid.UUID, category: str, actor: Actor) -> TicketQuerySet:
    """Open tickets of the same compound and category, the latest 50: candidates for duplicates.

    Neighbours get public faces; staff of the street and the committees of the place get what they may list.
    """
    rows = {
        Relation.STREET: lambda: in_street(actor),
        Relation.NEIGHBOUR: lambda: in_compound(compound_id, actor),
        Relation.COMMITTEE: lambda: in_areas(actor),
        Relation.COMMUNITY: lambda: in_communities(actor),
        None: Ticket.objects.none,
    }[_placed(compound_id, actor)]()
    return rows.open().filter(compound=compound_id, category__code=category).order_by("-id")[:50]


def similar_as(compound_id: uuid.UUID, actor: Actor) -> Relation:
    """What the actor is to every ticket that `similar` finds."""
    return _placed(compound_id, actor) or Relation.NEIGHBOUR


def _placed(compound_id: uuid.UUID, actor: Actor) -> Relation | None:
    kinds = {seat.kind for seat in actor.seats}
    if kinds & STREET_KINDS:
        return Relation.STREET
    if compound_id in actor.compounds:
        return Relation.NEIGHBOUR
    if kinds & COMMITTEE_KINDS:
        return Relation.COMMITTEE
    return Relation.COMMUNITY if "residents_committee" in kinds else None
