"""Merging two tickets: what a ticket may be merged with, both side by side, and which of them stays."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from console.moves import words
from console.moves.making import NotMade, make
from console.moves.offered import move_named
from console.screen import Screen
from console.screens.ticket import pressing, ticket_of
from console.spans import moment
from console.turns import of_ticket
from tickets import catalogue
from tickets.codes import read_code
from tickets.kind import TICKETS
from tickets.merging import takes_in
from tickets.models import Ticket
from tickets.queries import visible_ticket, visible_tickets
from tickets.reading import document
from tickets.reading.duplicates import alike
from tickets.reading.filters import WORKED_ON
from tickets.states import Secrecy
from web.words import Words, bilingual, say
from workflow.actor import Actor

MERGE = "merge"
_ANOTHER = bilingual("这就是本单，请填另一件的单号。", "That is this ticket. Give the number of another one.")
_NONE = bilingual("没有这个单号的工单，或者您看不到它。", "There is no ticket with this number, or you do not see it.")
_NOT_YOURS = bilingual(
    "保留的那件不由您的单位协调，不能并入。", "Your organisation does not coordinate the one that stays."
)
LABELS: Mapping[str, Words] = {
    "place": bilingual("地点", "Place"),
    "category": bilingual("类别", "Category"),
    "contact": bilingual("反映人", "Reporter"),
    "submitted": bilingual("反映时间", "Reported"),
    "promised": bilingual("应办结", "To be settled"),
    "holder": bilingual("承办", "Holder"),
    "coordinator": bilingual("协调", "Coordinator"),
    "cosigns": bilingual("附议", "Cosigned"),
}
"""What is compared of both tickets, in this order."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact of one of both tickets, and whether it is another one in the other."""

    label: Words
    value: Words
    differs: bool


class MergeScreen(Screen):
    """The ticket of the address ends in another one: first that one is chosen, then both stand side by side."""

    entry: ClassVar[str] = "queue"
    template: ClassVar[str] = "console/merge.html"

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """What the ticket may be merged with; where `with` is another's number, both. 404 where the reader may not merge it."""
        given = request.GET.get("with", "").strip()
        found = visible_tickets({code, read_code(given) or code}, self.actor)
        ticket, into = found.pop(code, None), next(iter(found.values()), None)
        if ticket is None or not _offered(ticket, self.actor):
            raise Http404
        if into is not None:
            return self._pair(ticket, into)
        problem = "" if not given else _ANOTHER if read_code(given) == code else _NONE
        return self._choice(ticket, given, problem)

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        """Merge the ticket `into` another one, and go to that. 422 or 409 where it is refused: both are shown as they are now."""
        move, ticket = move_named(MERGE), ticket_of(code, self.actor)
        if move is None:
            raise Http404
        refused = make(self.caller, move, ticket.pk, request.POST)
        into = self._other(request.POST.get("into", ""))
        if refused is None:
            return redirect("ticket", into.code) if into else redirect("ticket", code)
        ticket, status = ticket_of(code, self.actor), 409 if refused.overtaken else 422
        if into is None or into.pk == ticket.pk:
            return self._choice(ticket, problem=_reason(refused), status=status)
        return self._pair(ticket, into, _reason(refused), status)

    def _other(self, key: str) -> Ticket | None:
        """The ticket with this id, where the reader sees it."""
        try:
            return visible_ticket(uuid.UUID(key), self.actor)
        except (ValueError, Ticket.DoesNotExist):
            return None

    def _choice(self, ticket: Ticket, given: str = "", problem: Words = "", status: int = 200) -> HttpResponse:
        """The tickets that the duplicates name, and a field for any other number. Two statements."""
        found: list[dict[str, Any]] = []
        if ticket.compound_id:
            leaf, said = catalogue.leaf_by_id(ticket.category_id), f"{ticket.title} {ticket.text}"
            found = alike(ticket.compound_id, leaf.code, said, self.actor, besides=ticket.pk)
        shown = {"ticket": ticket, "alike": found, "given": given, "problem": problem}
        return self.page(self._title(ticket), shown, status=status)

    def _pair(self, ticket: Ticket, into: Ticket, problem: Words = "", status: int = 200) -> HttpResponse:
        """Both tickets, the one that ends first. Four statements."""
        both: list[Any] = [document.detail(one, self.actor) for one in (ticket, into)]
        facts = [_facts(one, self.actor.at) for one in both]
        takes = takes_in(into, self.actor)
        shown = {
            "ticket": ticket,
            "sides": [
                {
                    "ticket": one,
                    "turn": of_ticket(one["state"], asked=bool(one["question_open"]), acts=WORKED_ON),
                    "clock": pressing(one["clocks"] or ()),
                    "facts": [
                        Fact(label, mine[name], facts[0][name] != facts[1][name])
                        for name, label in LABELS.items()
                        if facts[0][name] or facts[1][name]
                    ],
                }
                for one, mine in zip(both, facts, strict=True)
            ],
            "into": into.pk,
            "key": str(uuid.uuid4()),
            "know": words.KNOW[MERGE],
            "problem": problem or ("" if takes else _NOT_YOURS),
            "may": takes and _offered(ticket, self.actor),
            "swaps": takes_in(ticket, self.actor) and _offered(into, self.actor),
        }
        return self.page(self._title(ticket), shown, status=status)

    def _title(self, ticket: Ticket) -> Words:
        return say(f"合并工单 {ticket.code}", f"Merge ticket {ticket.code}")


def _facts(one: Mapping[str, Any], now: datetime) -> dict[str, Words]:
    """What is compared of a ticket, in words."""
    lead = next((part for part in one["assignments"] or () if part["open"] and part["role"] == "lead"), None)
    worker = lead["worker"]["name"] if lead and lead["worker"] else ""
    secret = Secrecy(one["secrecy"]).label if one["secrecy"] != Secrecy.OPEN else ""
    return {
        "place": " ".join(part for part in (one["place"], one["spot"]) if part),
        "category": one["category"]["name"],
        "contact": f"{one['contact']['name']} {one['contact']['phone']}" if one["contact"] else secret,
        "submitted": moment(one["submitted_at"], now),
        "promised": moment(one["promised_at"], now) if one["promised_at"] else "",
        "holder": " · ".join(part for part in (one["holder_name"], worker) if part),
        "coordinator": one["coordinator_name"],
        "cosigns": str(one["cosigns"]),
    }


def _offered(ticket: Ticket, actor: Actor) -> bool:
    return any(one.name == MERGE for one in TICKETS.offered(ticket, actor))


def _reason(refused: NotMade) -> Words:
    return refused.reason or " ".join(str(one) for several in refused.errors.values() for one in several)
