"""The lists and single tickets that an actor may see: one list for each relation, never an OR across joins."""

import uuid
from collections.abc import Iterator

from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL

from community.models import Area, Compound
from tickets.access import STREET_KINDS, sees
from tickets.codes import read_code
from tickets.models import Assignment, Follower, Ticket
from tickets.models.ticket import TicketQuerySet
from tickets.states import Secrecy, TicketType
from workflow.actor import Actor
from workflow.prepared import Prepared

COMMITTEE_KINDS = ("pmc", "owners_committee")
_TICKET = Prepared(
    lambda person, key: Ticket.for_move(person).filter(pk=key), person=uuid.UUID(int=1), key=uuid.UUID(int=2)
)


def visible_ticket(ticket_id: uuid.UUID, actor: Actor) -> Ticket:
    """The ticket, with its assignments, if `actor` may see it. Raises Ticket.DoesNotExist just as for one that is absent."""
    for ticket in _TICKET.rows(person=actor.person_id, key=ticket_id):
        ticket.gather_to_read(actor)
        if sees(ticket, actor):
            return ticket
    raise Ticket.DoesNotExist


def reported_by(actor: Actor) -> TicketQuerySet:
    """What the actor reported."""
    return Ticket.objects.filter(reporter=actor.person_id)


def followed_by(actor: Actor) -> TicketQuerySet:
    """What the actor cosigned, and what their own tickets were merged into."""
    found = Ticket.objects.filter(pk__in=Follower.objects.filter(person=actor.person_id).values("ticket"))
    return _without_accused(found, actor) if actor.seats else found


def in_compound(compound_id: uuid.UUID, actor: Actor) -> TicketQuerySet:
    """The public faces in a compound where the actor lives; nothing elsewhere."""
    if compound_id not in actor.compounds:
        return Ticket.objects.none()
    return Ticket.objects.filter(compound=compound_id, secrecy=Secrecy.OPEN, accused=[]).exclude(type=TicketType.REPORT)


def in_areas(actor: Actor) -> TicketQuerySet:
    """What lies in the areas of the actor's committees; reports of wrongdoing or against somebody are the street's alone."""
    seats = _organisations(actor, *COMMITTEE_KINDS)
    areas = list(Area.objects.filter(committee__in=seats).values_list("pk", flat=True)) if seats else []
    return Ticket.objects.filter(area__in=areas, accused=[]).exclude(type=TicketType.REPORT)


def in_communities(actor: Actor) -> TicketQuerySet:
    """What lies in the communities of the actor's residents' committees, without what is the street's alone."""
    seats = _organisations(actor, "residents_committee")
    compounds = Compound.objects.filter(community__residents_committee__in=seats) if seats else Compound.objects.none()
    places = set(compounds.values_list("community", "area"))
    # The areas lead into the index by due moment; an area may reach into another community.
    communities, areas = {one for one, _ in places}, {one for _, one in places}
    found = Ticket.objects.filter(area__in=areas, community__in=communities, accused=[])
    return found.exclude(type=TicketType.REPORT)


def in_street(actor: Actor) -> TicketQuerySet:
    """What belongs to the streets in whose office the actor sits."""
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
    """Without the tickets that accuse an organisation of the actor's; only whoever sits in several can have such."""
    theirs = _organisations(actor)
    return rows.exclude(ticket__accused__overlap=sorted(theirs)) if len(theirs) > 1 else rows


def _without_accused(tickets: TicketQuerySet, actor: Actor) -> TicketQuerySet:
    return tickets.exclude(accused__overlap=sorted(_organisations(actor)))


_BODY = "tickets_ticket.title || ' ' || tickets_ticket.text || ' ' || tickets_ticket.code"
# The grams find the rows by index, LIKE makes the answer exact.
_HOLDS = f"(zh_grams({_BODY}) @> zh_query(%s) AND lower({_BODY}) LIKE %s)"


def queue_matching(rows: QuerySet[Assignment], words: str, *, ended: bool) -> QuerySet[Assignment]:
    """Those of the assignments whose ticket holds the `words`.

    Of what is over, only the whole code and the title are searched: whoever had a part reads the text no more.
    """
    tickets = matching(Ticket.objects.all(), words)
    if ended and not read_code(words):
        for word in words.split():
            tickets = tickets.filter(title__icontains=word)
    return rows.filter(ticket__in=tickets.values("pk"))


def matching(tickets: TicketQuerySet, words: str) -> TicketQuerySet:
    """Those of `tickets` whose title, text or code holds every one of the space-separated `words`, in any script."""
    if code := read_code(words):
        return tickets.filter(code=code)
    for word in words.split():
        pattern = word.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        holds = RawSQL(_HOLDS, [word, f"%{pattern}%"], output_field=BooleanField())  # noqa: S611 - parameters are bound
        tickets = tickets.filter(holds)
    return tickets


def similar(compound_id: uuid.UUID, category: str, actor: Actor) -> TicketQuerySet:
    """Open tickets of the same compound and category, the latest 50: candidates for duplicates.

    Neighbours get public faces; staff of the street and the committees of the place get what they may list.
    """
    rows = next((rows for rows in _lists(compound_id, actor) if rows is not None), Ticket.objects.none())
    return rows.open().filter(compound=compound_id, category__code=category).order_by("-id")[:50]


def _lists(compound_id: uuid.UUID, actor: Actor) -> Iterator[TicketQuerySet | None]:
    kinds = {seat.kind for seat in actor.seats}
    yield in_street(actor) if kinds & STREET_KINDS else None
    yield in_compound(compound_id, actor) if compound_id in actor.compounds else None
    yield in_areas(actor) if kinds & set(COMMITTEE_KINDS) else None
    yield in_communities(actor) if "residents_committee" in kinds else None
