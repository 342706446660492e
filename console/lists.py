"""Which list an address of the console asks for: the lists of the API, and those that have tabs."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from django.http import QueryDict

from console.models import ExportedList
from tickets.reading import parameters, wall
from tickets.reading.lists import Pressing, QueueList, TicketQuery
from web.words import Words, bilingual
from workflow import moment

# Each tab with what it adds to the filter.
TABS: Mapping[str, tuple[Words, Mapping[str, object]]] = {
    "mine": (bilingual("待我办", "My turn"), {"turn": "mine"}),
    "sign": (bilingual("待签收", "To sign"), {"state": ["dispatched"]}),
    "work": (bilingual("办理中", "In progress"), {"state": ["in_progress"]}),
    "others": (bilingual("等他方", "With others"), {"turn": "others"}),
    "all": (bilingual("全部", "All"), {}),
}
FIRST_TAB = "mine"


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of a list: its name in the address, what it is called, and how many there are."""

    name: str
    label: Words
    count: str


@dataclass(frozen=True, slots=True)
class Exportable:
    """A list that can be exported, with the parameters of its address."""

    list: ExportedList
    parameters: str


def filled_in(params: QueryDict, besides: Collection[str]) -> QueryDict:
    """The parameters of an address that are filled in, for the API's own reading; without those that the page has `besides`."""
    given = QueryDict(mutable=True)
    for name, values in params.lists():
        if name not in besides and (wanted := [one for one in values if one]):
            given.setlist(name, wanted)
    return given


def asked_for(params: QueryDict) -> tuple[str, QueueList]:
    """The tab and the list that an address of the queue asks for. Raises a 400 Problem."""
    tab = params.get("tab") if params.get("tab") in TABS else FIRST_TAB
    query = parameters.queue(filled_in(params, {"tab", "late", "cursor"}))
    late = {"late": True} if params.get("late") else {}
    return tab or FIRST_TAB, narrowed(query, late)


def narrowed[Q: TicketQuery](query: Q, more: Mapping[str, object]) -> Q:
    """The list, narrowed by more."""
    return replace(query, filter=replace(query.filter, values={**query.filter.values, **more}))


def _tickets(params: QueryDict) -> TicketQuery:
    """The API's list of tickets with what the console adds: `late`, and the span of the wall in which something is `due`."""
    query = parameters.ticket_list(filled_in(params, {"late", "due", "cursor"}))
    more: dict[str, object] = {"late": True} if params.get("late") else {}
    if (due := params.get("due")) in wall.NAMES:
        more["next_due"] = wall.span(due, moment.now())
    return narrowed(query, more)


def _tab(params: QueryDict) -> QueueList:
    tab, whole = asked_for(params)
    return narrowed(whole, TABS[tab][1])


LISTS: Mapping[str, Callable[[QueryDict], TicketQuery]] = {
    ExportedList.QUEUE: _tab,
    ExportedList.TICKETS: _tickets,
    ExportedList.OVERDUE: lambda params: parameters.pressing_list(params, Pressing.OVERDUE),
    ExportedList.AT_RISK: lambda params: parameters.pressing_list(params, Pressing.AT_RISK),
}
"""How each list that can be exported is read from the parameters of its address."""
