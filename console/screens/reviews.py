"""The review desk: what waits for the street's decision, returns and extensions, each with both sides' words."""

import json
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from console.moves.making import NotMade, make
from console.moves.offered import move_named
from console.navigation import of_the_street
from console.screen import Screen, by_htmx
from console.screens.ticket import ticket_of
from tickets.access import READS, Relation
from tickets.models import Ticket, TicketClock, TicketEvent
from tickets.reading.filters import Filter
from tickets.reading.lists import ScopedList
from tickets.reading.timeline import words_shown
from tickets.states import ClockName
from web.paging import PageRequest
from web.words import Words, bilingual, say
from workflow.actor import Actor

ROWS = 50
DECISIONS: Mapping[str, tuple[str, str]] = {
    "return": ("uphold", "designate"),
    "request_extension": ("grant_extension", "refuse_extension"),
}
"""By what the company asked for: how the street agrees, and how it does not."""
_CLOCKS: Mapping[str, str] = {"return": ClockName.REVIEW, "request_extension": ClockName.EXTENSION}
_OF_RESIDENTS = ("comment", "urge", "answer", "dispute", "reopen")
MOST_SAID = 3


@dataclass(frozen=True, slots=True)
class Said:
    """Words of one side, and when they were said."""

    words: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Review:
    """One that waits: its row, what was asked for and why, and what its resident said since."""

    ticket: Mapping[str, Any]
    asked: str
    why: Said | None
    report: str
    clock: TicketClock | None = None
    since: Sequence[Said] = ()
    problem: Words = ""
    given: str = ""
    key: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def due_at(self) -> datetime:
        """When the street's time to decide is over; without a clock, when something of the ticket is due."""
        found: datetime = self.clock.due_at if self.clock else self.ticket["next_due_at"]
        return found

    @property
    def choices(self) -> Sequence[tuple[str, Words]]:
        """The two answers, by the names of their moves."""
        found = [move_named(name) for name in DECISIONS[self.asked]]
        return [(one.name, one.label) for one in found if one]


@dataclass(slots=True)
class _Words:
    """The latest request of the holder and the words of the resident, of one ticket."""

    asked: dict[str, Said] = field(default_factory=dict)
    resident: list[Said] = field(default_factory=list)


class ReviewDesk(Screen):
    """The list of what waits for a decision."""

    entry: ClassVar[str] = "reviews"
    template: ClassVar[str] = "console/reviews.html"

    def admits(self, actor: Actor) -> bool:
        """For staff of the street."""
        return of_the_street(actor)

    def get(self, request: HttpRequest) -> HttpResponse:
        """Everything that waits, the most urgent first."""
        return self.page(bilingual("退单与延期", "Returns and extensions"), {"reviews": self._waiting()})

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        """Decide on one. 422 where something is wrong in the form, 409 where it is decided already; then nothing has changed."""
        sent = request.POST
        decision = sent.get("decision", "")
        asked = next((one for one, answers in DECISIONS.items() if decision in answers), None)
        move = move_named(decision) if asked else None
        if asked is None or move is None:
            raise Http404
        ticket = ticket_of(code, self.actor)
        try:
            refused = make(self.caller, move, ticket.pk, sent)
        except Ticket.DoesNotExist:
            raise Http404 from None
        if refused is not None:
            return self._refused(code, asked, refused)
        if not by_htmx(request):
            return redirect("reviews")
        answer = self.part("decided", {"code": code, "label": move.label})
        toast = say(f"{code} {move.label}：已登记", f"{code} {move.label}: recorded")
        answer["HX-Trigger"] = json.dumps({"toast": {"words": toast}, "made": {"code": code, "move": "review"}})
        return answer

    def _refused(self, code: str, asked: str, refused: NotMade) -> HttpResponse:
        """The list with what is wrong at the ticket, or that one alone where htmx asks."""
        reasons = [str(one) for several in refused.errors.values() for one in several]
        problem = refused.reason or " ".join(reasons)
        waiting = self._waiting(problem=(code, problem), given=self.request.POST.get("reason", ""))
        status = 409 if refused.overtaken else 422
        if not by_htmx(self.request):
            context = {"reviews": waiting, "problem": problem}
            return self.page(bilingual("退单与延期", "Returns and extensions"), context, status=status)
        one = next((one for one in waiting if (one.ticket["code"], one.asked) == (code, asked)), None)
        if one is None:
            return self.part("decided", {"code": code, "label": problem, "overtaken": True}, status=status)
        return self.part("review", {"one": one}, status=status)

    def _waiting(self, problem: tuple[str, Words] = ("", ""), given: str = "") -> list[Review]:
        """What waits, what the street is to decide first on top. Four statements."""
        narrowed: Mapping[str, Mapping[str, object]] = {
            "return": {"state": ["returning"]},
            "request_extension": {"extension_pending": True},
        }
        found: list[tuple[str, Any]] = []
        for asked, values in narrowed.items():
            query = ScopedList(scope="street", status="open", filter=Filter(values), sort="next_due_at")
            found += [(asked, row) for row in query.read(self.actor, PageRequest(limit=ROWS)).rows]
        keys = [row["id"] for _, row in found]
        said, running = self._said(keys), TicketClock.objects.running(_CLOCKS.values()).filter(subject__in=keys)
        clocks = {(one.subject_id, one.name): one for one in running}
        reviews = [
            Review(
                row,
                asked,
                said[row["id"]].asked.get(asked),
                row["first_words"],
                clocks.get((row["id"], _CLOCKS[asked])),
                said[row["id"]].resident[-MOST_SAID:],
                problem[1] if row["code"] == problem[0] else "",
                given if row["code"] == problem[0] else "",
            )
            for asked, row in found
        ]
        return sorted(reviews, key=lambda one: (one.due_at, one.ticket["code"]))

    def _said(self, tickets: Sequence[Any]) -> Mapping[Any, _Words]:
        """What both sides said of each ticket, as the street reads it. One statement."""
        street = frozenset({Relation.STREET})
        readable = [name for name, readers in READS.items() if Relation.STREET in readers]
        rows = TicketEvent.objects.filter(
            subject__in=tickets, verb__in=[*DECISIONS, *_OF_RESIDENTS], visibility__in=readable
        )
        found: dict[Any, _Words] = defaultdict(_Words)
        for one in rows.select_related("words", "subject").order_by("seq"):
            text = " ".join(str(text) for text in words_shown(one, one.subject, street).values() if text)
            words = found[one.subject_id]
            if one.verb in DECISIONS:
                words.asked[one.verb] = Said(text, one.at)
            elif text:
                words.resident.append(Said(text, one.at))
        return found
