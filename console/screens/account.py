"""The register of what is on account, with plan dates and the next reports, and the moments of contracts that have come."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse

from community import timers
from community.models import ContractFiring
from community.models.organisations import STREET_KINDS
from community.receivers import local_day
from console.lists import Exportable
from console.models import ExportedList
from console.navigation import of_the_street
from console.screen import Screen
from tickets.models import Ticket
from tickets.reading.filters import Filter
from tickets.reading.lists import ScopedList
from tickets.states import AccountKind, State
from web.paging import PageRequest
from web.words import Words, bilingual
from workflow.actor import Actor

ROWS, MOMENTS = 50, 30


@dataclass(frozen=True, slots=True)
class AccountRow:
    """A ticket on account: why, who answers for it, when the plan ends, and in how many days that is."""

    ticket: Mapping[str, Any]
    kind: Words
    owner: str
    plan: date | None
    days: int | None


@dataclass(frozen=True, slots=True)
class ContractMoment:
    """A moment of a contract that has come, and what is to be done."""

    contract: Any
    place: str
    due_on: date
    todo: Words
    article: str


EXPORT = Exportable(ExportedList.TICKETS, f"scope=street&status=open&state={State.ON_ACCOUNT}")


class AccountRegister(Screen):
    """What is on account in the street, the next report first; and what its contracts ask for."""

    entry: ClassVar[str] = "account"
    template: ClassVar[str] = "console/account.html"

    def admits(self, actor: Actor) -> bool:
        """For staff of the street."""
        return of_the_street(actor)

    def get(self, request: HttpRequest) -> HttpResponse:
        """The register. Three statements."""
        cursor = request.GET.get("cursor") or None
        query = ScopedList(
            scope="street", status="open", filter=Filter({"state": [State.ON_ACCOUNT]}), sort="next_due_at"
        )
        found = query.read(self.actor, PageRequest(cursor, ROWS))
        accounts = self._accounts([row["id"] for row in found.rows])
        today = local_day(self.actor.at)
        rows = [
            AccountRow(row, kind, owner, plan, (plan - today).days if plan else None)
            for row in found.rows
            for kind, owner, plan in [accounts[row["id"]]]
        ]
        context = {"page": found.of(rows), "moments": self._moments(), "cursor": cursor, "export": EXPORT}
        return self.page(bilingual("挂账与合同", "On account"), context)

    def _accounts(self, tickets: list[Any]) -> Mapping[Any, tuple[Words, str, date | None]]:
        columns = ("pk", "account_kind", "account_owner__name", "account_plan_on")
        rows = Ticket.objects.filter(pk__in=tickets).values_list(*columns)
        return {key: (AccountKind(kind).label if kind else "", owner or "", plan) for key, kind, owner, plan in rows}

    def _moments(self) -> list[ContractMoment]:
        streets = {seat.street_id for seat in self.actor.seats if seat.kind in STREET_KINDS and seat.street_id}
        latest = timers.latest(streets).order_by("-due_on", "-id")[:MOMENTS]
        return [_moment(one) for one in latest if one.rung in timers.TODO]


def _moment(one: ContractFiring) -> ContractMoment:
    place = one.contract.compound or one.contract.area
    article = timers.ARTICLES.get(one.rung, "")
    return ContractMoment(one.contract, place.name if place else "", one.due_on, timers.TODO[one.rung], article)
