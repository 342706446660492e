"""The committee desk: what waits for coordination in its areas, and how its companies stand."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from django.db.models import Q
from django.utils.functional import cached_property

from community.models import Organisation, ServiceContract
from community.models.organisations import CONTRACTORS
from community.receivers import local_day
from console.board import lasting
from console.lists import Exportable, Tab, filled_in, narrowed
from console.models import ExportedList
from console.navigation import coordinates
from console.polling import digest
from console.turns import WhoseTurn, of_ticket
from console.watched import WatchedScreen
from tickets.queries import areas_of
from tickets.reading import outcomes, parameters
from tickets.reading.counts import by_holder, totals
from tickets.reading.lists import ScopedList
from tickets.states import State
from web.paging import Page, PageRequest
from web.words import Words, bilingual, say
from workflow.actor import Actor

ROWS = 50
TABS: Mapping[str, Words] = {
    "coordinating": bilingual("待协调", "To coordinate"),
    "late": bilingual("已超时", "Late"),
    "open": bilingual("全部在办", "All open"),
}
FIRST_TAB = "coordinating"


@dataclass(frozen=True, slots=True)
class DeskRow:
    """A ticket as the desk lists it, whose turn it is, and its time for coordination where it is being coordinated."""

    ticket: Mapping[str, Any]
    turn: WhoseTurn
    time: outcomes.CoordinationTime | None


class DeskScreen(WatchedScreen):
    """What waits for coordination, oldest first, and what else is open in the committee's areas."""

    entry: ClassVar[str] = "desk"
    template: ClassVar[str] = "console/desk.html"
    title: ClassVar[Words] = bilingual("协调台", "Committee desk")

    def admits(self, actor: Actor) -> bool:
        """The members of committees."""
        return coordinates(actor)

    @cached_property
    def _tab(self) -> str:
        wanted = self.request.GET.get("tab", FIRST_TAB)
        return wanted if wanted in TABS else FIRST_TAB

    @cached_property
    def _area(self) -> ScopedList:
        """The open tickets of the areas, as the address narrows them."""
        given = filled_in(self.request.GET, {"tab", "cursor"})
        given["scope"], given["status"] = "area", "open"
        return parameters.ticket_list(given)

    @cached_property
    def _waiting(self) -> ScopedList:
        return replace(self._area, scope="coordinating", sort="state_since")

    @cached_property
    def _lists(self) -> Mapping[str, ScopedList]:
        """The list of each tab."""
        return {"coordinating": self._waiting, "late": narrowed(self._area, {"late": True}), "open": self._area}

    @cached_property
    def _page(self) -> Page[DeskRow]:
        page = self._lists[self._tab].read(self.actor, PageRequest(self.request.GET.get("cursor") or None, ROWS))
        rows: list[Any] = list(page.rows)
        waiting = [one for one in rows if one["state"] == State.COORDINATING]
        times = outcomes.coordination(waiting, self.actor.at) if waiting else {}
        return page.of([_row(one, times.get(one["id"])) for one in rows])

    @cached_property
    def _counts(self) -> Mapping[str, str]:
        return totals(self._lists, self.actor)

    def fingerprint(self) -> str:
        """Changes with the rows of the page and with the counts of the tabs."""
        rows = [(lasting(one.ticket), one.turn, one.time) for one in self._page.rows]
        return digest((rows, self._page.next_cursor, self._counts))

    def shown(self) -> Mapping[str, object]:
        """What the list shows. Six statements, and one more where a company narrows it."""
        params = self.request.GET
        holder = (
            Organisation.objects.filter(pk=holder).first()
            if (holder := self._area.filter.values.get("holder"))
            else None
        )
        return {
            "tab": self._tab,
            "tabs": [Tab(name, label, self._counts[name]) for name, label in TABS.items()],
            "page": self._page,
            "params": params,
            "holder": holder and say(holder.name, holder.name_en or holder.name),
            "narrowed": any(params.get(name) for name in ("q", "holder")),
            "export": self._export(),
        }

    def _export(self) -> Exportable:
        given = filled_in(self.request.GET, {"tab", "cursor"})
        given["scope"], given["status"] = "coordinating" if self._tab == "coordinating" else "area", "open"
        if self._tab == "late":
            given["late"] = "1"
        return Exportable(ExportedList.TICKETS, given.urlencode())


class DeskCompanies(WatchedScreen):
    """The companies that serve the committee's areas, each with its open and its late tickets there."""

    entry: ClassVar[str] = "desk"
    template: ClassVar[str] = "console/desk_companies.html"
    title: ClassVar[Words] = bilingual("本辖区服务单位", "Who serves your areas")
    polled: ClassVar[str] = "companies"

    def admits(self, actor: Actor) -> bool:
        """The members of committees."""
        return coordinates(actor)

    @cached_property
    def _companies(self) -> list[dict[str, object]]:
        """Those with late tickets first. Four statements."""
        held = by_holder(ScopedList(scope="area", status="open"), self.actor)
        served = _serving(areas_of(self.actor), self.actor)
        rows = Organisation.objects.filter(Q(pk__in=held, kind__in=CONTRACTORS) | Q(pk__in=served))
        found = [
            {"id": one.pk, "name": say(one.name, one.name_en or one.name), **held.get(one.pk, {"open": 0, "late": 0})}
            for one in rows
        ]
        return sorted(found, key=lambda one: (-one["late"], -one["open"], one["name"]))  # type: ignore[operator]

    def fingerprint(self) -> str:
        """Changes with the companies and their numbers."""
        return digest(self._companies)

    def shown(self) -> Mapping[str, object]:
        """The companies."""
        return {"companies": self._companies}


def _serving(areas: list[Any], actor: Actor) -> list[Any]:
    """Who has a contract for the areas or for a compound in them today. One statement."""
    today = local_day(actor.at)
    runs = ServiceContract.objects.filter(Q(ends_on=None) | Q(ends_on__gte=today), starts_on__lte=today)
    there = runs.filter(Q(area__in=areas) | Q(compound__area__in=areas), kind="property")
    return list(there.values_list("provider", flat=True))


def _row(ticket: Mapping[str, Any], time: outcomes.CoordinationTime | None) -> DeskRow:
    turn = of_ticket(ticket["state"], asked=bool(ticket["question_open"]), acts=(State.COORDINATING,))
    return DeskRow(ticket, turn, time)
