"""The company queue: what the person's organisations have to do, most urgent first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.utils.functional import cached_property

from console.board import lasting
from console.lists import TABS, Exportable, Tab, asked_for, narrowed
from console.models import ExportedList
from console.polling import digest
from console.turns import WhoseTurn, of_part
from console.watched import WatchedScreen
from tickets import catalogue
from tickets.reading.changes import queue_fingerprint, tickets_fingerprint
from tickets.reading.counts import CountedGroups, tally
from tickets.reading.filters import Filter
from tickets.reading.lists import QueueList
from tickets.states import AssignmentRole, State
from web.paging import Page, PageRequest
from web.plans import planned_by_value
from web.words import Words, bilingual

ROWS = 50
PICKED = (State.DISPATCHED, State.IN_PROGRESS)
"""The states in which several tickets at once can be signed for or passed on."""


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A part as the queue shows it, and whose turn it is."""

    part: Mapping[str, Any]
    turn: WhoseTurn

    @property
    def ticket(self) -> Mapping[str, Any]:
        """The ticket of the part."""
        found: Mapping[str, Any] = self.part["ticket"]
        return found

    @property
    def can_be_picked(self) -> bool:
        """Whether it can be signed for or passed on."""
        return self.part["role"] == AssignmentRole.LEAD and self.ticket["state"] in PICKED


@dataclass(frozen=True, slots=True)
class GroupChoice:
    """A group of categories that the queue can be narrowed to, and how many of it there are; empty where that is not known."""

    code: str
    label: Words
    count: str


class QueueScreen(WatchedScreen):
    """The parts that the person's organisations have in tickets."""

    entry: ClassVar[str] = "queue"
    template: ClassVar[str] = "console/queue.html"
    title: ClassVar[Words] = bilingual("工单队列", "Queue")

    def fingerprint(self) -> str:
        """Changes with every event of a ticket in the queue, and when one comes, goes or gets late.

        Of a queue that is too long to be read for each poll, with every change of what the page shows.
        """
        mine = sorted({seat.organisation_id for seat in self.actor.seats})
        return queue_fingerprint(mine, self.actor.at) or self._fingerprint_of_page()

    def _fingerprint_of_page(self) -> str:
        page, counted = self._read
        rows = [{**one, "ticket": lasting(one["ticket"])} for one in page.rows]
        events = tickets_fingerprint([one["ticket"]["id"] for one in page.rows])
        return digest((rows, page.next_cursor, counted, events))

    @cached_property
    def _asked(self) -> tuple[str, QueueList]:
        return asked_for(self.request.GET)

    @cached_property
    def _read(self) -> tuple[Page[dict[str, Any]], CountedGroups]:
        """The page, and how many there are in each tab. Four statements.

        One office has some parts and another thousands, which a plan for all values does not know.
        """
        tab, whole = self._asked
        with planned_by_value():
            page = narrowed(whole, TABS[tab][1]).read(
                self.actor, PageRequest(self.request.GET.get("cursor") or None, ROWS)
            )
            return page, tally(whole, {name: Filter(adds) for name, (_, adds) in TABS.items()}, self.actor)

    def shown(self) -> Mapping[str, object]:
        """What the list shows. Costs four statements."""
        params, (tab, whole), (page, counted) = self.request.GET, self._asked, self._read
        chosen = whole.filter.values.get("group")
        return {
            "tab": tab,
            "tabs": [Tab(name, label, counted.shown(name, chosen)) for name, (label, _) in TABS.items()],
            "page": page.of([QueueRow(one, of_part(one)) for one in page.rows]),
            "groups": self._groups(counted, tab),
            "params": params,
            "export": Exportable(ExportedList.QUEUE, params.urlencode()),
            "narrowed": any(params.get(name) for name in ("q", "group", "worker", "late")),
        }

    def _groups(self, counted: CountedGroups, tab: str) -> list[GroupChoice]:
        """The groups to choose from: those in the list with their numbers, the chosen one, and all where not all was looked at."""
        numbers, chosen = counted.by_group(tab), self.request.GET.get("group")
        return [
            GroupChoice(one.code, one.name, numbers.get(one.code, ""))
            for one in catalogue.current(self.actor.at).groups
            if one.code in numbers or one.code == chosen or not counted.whole
        ]
