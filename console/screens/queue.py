"""The company queue: what the person's organisations have to do, most urgent first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from console.lists import TABS, Exportable, Tab, asked_for, narrowed
from console.models import ExportedList
from console.turns import WhoseTurn, of_part
from console.watched import WatchedScreen
from tickets.reading.changes import queue_fingerprint
from tickets.reading.counts import groups, let_through, shown
from tickets.reading.filters import Filter
from tickets.reading.lists import QueueList
from tickets.states import AssignmentRole, State
from web.paging import PageRequest
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


class QueueScreen(WatchedScreen):
    """The parts that the person's organisations have in tickets."""

    entry: ClassVar[str] = "queue"
    template: ClassVar[str] = "console/queue.html"
    title: ClassVar[Words] = bilingual("工单队列", "Queue")

    def fingerprint(self) -> str:
        """Changes with every event of a ticket in the queue, and when one comes, goes or gets late."""
        mine = sorted({seat.organisation_id for seat in self.actor.seats})
        return queue_fingerprint(mine, self.actor.at)

    def shown(self) -> Mapping[str, object]:
        """What the list shows. Costs three statements."""
        params = self.request.GET
        tab, whole = asked_for(params)
        query = narrowed(whole, TABS[tab][1])
        page = query.read(self.actor, PageRequest(params.get("cursor") or None, ROWS))
        return {
            "tab": tab,
            "tabs": self._tabs(whole),
            "page": page.of([QueueRow(one, of_part(one)) for one in page.rows]),
            "groups": groups(query, self.actor),
            "params": params,
            "export": Exportable(ExportedList.QUEUE, params.urlencode()),
            "narrowed": any(params.get(name) for name in ("q", "group", "worker", "late")),
        }

    def _tabs(self, whole: QueueList) -> list[Tab]:
        """The tabs with their counts. One statement."""
        found = let_through(whole, {name: Filter(adds) for name, (_, adds) in TABS.items()}, self.actor)
        return [Tab(name, label, str(shown(found[name])["shown"])) for name, (label, _) in TABS.items()]
