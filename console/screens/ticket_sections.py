"""What the page of a ticket fetches after it stands: the tickets that belong to it, and what was sent about it."""

from typing import ClassVar

from django.http import Http404, HttpRequest, HttpResponse

from console.screen import Screen, by_htmx
from console.screens.ticket import ticket_of
from tickets import catalogue
from tickets.access import Relation, relations
from tickets.models import Ticket
from tickets.queries import merged, similar, similar_as
from tickets.reading.lists import Listing
from tickets.reading.sent import sent
from tickets.titles import spoken
from web.paging import PageRequest
from web.words import bilingual

MOST_ALIKE = 6


class RelatedTickets(Screen):
    """Tickets that were merged with this one, and open ones of the same place and category."""

    template: ClassVar[str] = "console/ticket_related.html"

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """The section where htmx asks, else a page of its own."""
        ticket = ticket_of(code, self.actor)
        leaf = catalogue.leaf_by_id(ticket.category_id)
        alike = []
        if ticket.compound_id:
            candidates = similar(ticket.compound_id, leaf.code, self.actor).values("pk")
            rows = Ticket.objects.filter(pk__in=candidates).exclude(pk=ticket.pk)
            found = Listing(rows, similar_as(ticket.compound_id, self.actor), ("-id",))
            alike = found.read(self.actor, PageRequest(limit=MOST_ALIKE)).rows
        joined = [
            {
                "code": one.code,
                "title": spoken(one.title),
                "at": one.submitted_at,
                "into": one.pk == ticket.merged_into_id,
            }
            for one in merged(ticket, self.actor)
        ]
        shown = {"ticket": ticket, "joined": joined, "alike": alike}
        if by_htmx(request):
            return self.part("section", shown)
        return self.page(bilingual(f"{code} 的相关工单", f"Tickets related to {code}"), shown)


class TicketMessages(Screen):
    """What was sent about a ticket, for the street."""

    template: ClassVar[str] = "console/ticket_sent.html"

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """The section where htmx asks, else a page of its own."""
        ticket = ticket_of(code, self.actor)
        if Relation.STREET not in relations(ticket, self.actor):
            raise Http404
        shown = {"ticket": ticket, "sendings": sent(ticket)}
        if by_htmx(request):
            return self.part("section", shown)
        return self.page(bilingual(f"{code} 的通知记录", f"Messages about {code}"), shown)
