"""The list of call-backs: which residents the street has to ask how it went, and by when."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, Value

from community.models.organisations import STREET_KINDS
from tickets import catalogue
from tickets.models import Ticket, TicketClock
from tickets.models.clock import TicketClockQuerySet
from tickets.reading.counts import MOST, numbers
from tickets.reading.deadlines import seconds_until
from tickets.reading.wall import moments
from tickets.states import ClockName, State
from tickets.titles import spoken
from web.paging import Page, PageRequest
from web.problems import Fault, invalid
from web.words import bilingual
from workflow.actor import Actor
from workflow.errors import NotPermitted
from workflow.moves import moves

STATUSES = ("all", "due", "overdue")
_UNKNOWN_STATUS = bilingual("只能是接口说明中列出的值之一。", "It is all, due or overdue.")
_ROW = (
    *("id", "due_at", "subject_id", "subject__code", "subject__state", "subject__title", "subject__place"),
    *("subject__category_id", "subject__urgent", "subject__level", "subject__closed_at", "subject__version"),
    *("subject__holder_id", "subject__holder__name"),
)


@dataclass(frozen=True, slots=True)
class CallbackList:
    """The tickets whose resident is still to be called back, closed ones too: all, or those of one status."""

    status: str = "all"

    def read(self, actor: Actor, asked: PageRequest) -> Page[dict[str, object]]:
        """A page of them for staff of the street, the first due first. Raises NotPermitted, or a 400 Problem."""
        waiting = waiting_for(actor)
        if self.status not in STATUSES:
            raise invalid(Fault("status", "invalid", _UNKNOWN_STATUS))
        if self.status != "all":
            late = {"due_at__lte": actor.at} if self.status == "overdue" else {"due_at__gt": actor.at}
            waiting = waiting.filter(**late)
        found = asked.page(waiting.values_list(*_ROW, named=True), "due_at", "id")
        return found.of([_row(one, actor.at) for one in found.rows])


def waiting_for(actor: Actor) -> TicketClockQuerySet:
    """The call-backs that are still to be made in the actor's streets, by nobody whom the ticket accuses. Raises NotPermitted."""
    streets = {seat.street_id for seat in actor.seats if seat.kind in STREET_KINDS and seat.street_id}
    if not streets:
        raise NotPermitted()
    theirs = sorted({seat.organisation_id for seat in actor.seats})
    return TicketClock.objects.callbacks(streets).exclude(subject__accused__overlap=theirs)


def to_call(actor: Actor) -> TicketClockQuerySet:
    """Those of them that can be recorded in the state that the ticket is in. Raises NotPermitted."""
    return waiting_for(actor).filter(subject__state__in=moves(Ticket)["callback"].sources, subject__inspector=None)


@dataclass(frozen=True, slots=True)
class ToCall:
    """How many call-backs can be recorded now, each up to 1,000: overdue, due until the day ends, and later."""

    overdue: int
    today: int
    later: int


def counted(actor: Actor) -> ToCall:
    """How many are to be made. One statement. Raises NotPermitted."""
    _, _, midnight = moments(actor.at)
    spans = (
        Q(due_at__lte=actor.at),
        Q(due_at__gt=actor.at, due_at__lt=midnight),
        Q(due_at__gt=actor.at, due_at__gte=midnight),
    )
    rows = to_call(actor).order_by("due_at").values("pk")
    return ToCall(*numbers([rows.filter(one)[: MOST + 1] for one in spans]))


def due_today(actor: Actor) -> TicketClockQuerySet:
    """Those that are overdue or due until the day ends. Raises NotPermitted."""
    return to_call(actor).filter(due_at__lt=max(moments(actor.at)))


def first_after(actor: Actor, code: str, *, ahead: bool = False) -> uuid.UUID | None:
    """The ticket that is to be called next: the one due after the ticket `code`, else the first of all.

    Those of other days only where `ahead` asks for them. Two statements at most. Raises NotPermitted.
    """
    rows = (to_call(actor) if ahead else due_today(actor)).order_by("due_at", "pk")
    tickets = rows.values_list("subject", flat=True)
    here = (
        TicketClock.objects.filter(subject__code=code, name=ClockName.CALLBACK).order_by("-pk").first()
        if code
        else None
    )
    if here is None:
        return tickets.first()
    # What was begun goes round: those that nobody reached come again at the end.
    after = rows.filter(Q(due_at__gt=here.due_at) | Q(pk__gt=here.pk), due_at__gte=here.due_at)
    rounds = [
        one.annotate(round=Value(number)).values_list("subject", "round")[:1]
        for number, one in enumerate((after, rows))
    ]
    found = rounds[0].union(rounds[1], all=True).order_by("round").first()
    return found[0] if found else None


def _row(one: Any, now: datetime) -> dict[str, object]:
    leaf, state = catalogue.leaf_by_id(one.subject__category_id), State(one.subject__state)
    return {
        "id": one.subject_id,
        "code": one.subject__code,
        "state": state.value,
        "state_label": state.label,
        "category": {"code": leaf.code, "name": leaf.name},
        "place": one.subject__place,
        "title": spoken(one.subject__title),
        "urgent": one.subject__urgent,
        "level": one.subject__level,
        "version": one.subject__version,
        "holder": one.subject__holder_id,
        "holder_name": one.subject__holder__name,
        "closed_at": one.subject__closed_at,
        "due_at": one.due_at,
        "overdue": one.due_at <= now,
        "remaining_seconds": seconds_until(one.due_at, now),
        "possible": state in moves(Ticket)["callback"].sources,
    }
