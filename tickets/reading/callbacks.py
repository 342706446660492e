"""The list of call-backs: which residents the street has to ask how it went, and by when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from community.models.organisations import STREET_KINDS
from tickets import catalogue
from tickets.models import Ticket, TicketClock
from tickets.reading.deadlines import seconds_until
from tickets.states import State
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
        streets = {seat.street_id for seat in actor.seats if seat.kind in STREET_KINDS and seat.street_id}
        if not streets:
            raise NotPermitted()
        if self.status not in STATUSES:
            raise invalid(Fault("status", "invalid", _UNKNOWN_STATUS))
        theirs = sorted({seat.organisation_id for seat in actor.seats})
        waiting = TicketClock.objects.callbacks(streets).exclude(subject__accused__overlap=theirs)
        if self.status != "all":
            late = {"due_at__lte": actor.at} if self.status == "overdue" else {"due_at__gt": actor.at}
            waiting = waiting.filter(**late)
        found = asked.page(waiting.values_list(*_ROW, named=True), "due_at", "id")
        return found.of([_row(one, actor.at) for one in found.rows])


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
