"""The lists behind the wall's figures: every list of tickets that the reader watches over, with its filters in the address."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from django.http import QueryDict
from django.utils.functional import cached_property

from community.models import Community, Compound, Organisation
from community.models.organisations import COMMITTEE_KINDS, STREET_KINDS
from console.board import LOOKS, lasting, of_watched
from console.lists import Exportable, filled_in, narrowed
from console.models import ExportedList
from console.navigation import watches
from console.polling import digest
from console.turns import WhoseTurn
from console.watched import WatchedScreen
from tickets import catalogue
from tickets.reading import parameters, wall
from tickets.reading.counts import totals
from tickets.reading.lists import Pressing, ScopedList, TicketQuery
from tickets.states import ENDED, HIGHEST_LEVEL, State
from web.paging import Page, PageRequest
from web.plans import planned_by_value
from web.words import Words, bilingual
from workflow.actor import Actor

ROWS = 50
_EXPORTED = {"overdue": ExportedList.OVERDUE, "at_risk": ExportedList.AT_RISK}
_ANY = frozenset({"list", "cursor", "due"})
"""What the address says beside the filters of the API."""


def _scoped(scope: str | None, status: str, params: QueryDict, actor: Actor) -> TicketQuery:
    asked = params.copy()
    asked["scope"], asked["status"] = scope or wall.watched(actor) or "", status
    return parameters.ticket_list(asked)


def _pressing(which: Pressing, params: QueryDict, actor: Actor) -> TicketQuery:
    return parameters.pressing_list(params, which)


def _of_street_or_committee(actor: Actor) -> bool:
    return bool({seat.kind for seat in actor.seats} & (STREET_KINDS | COMMITTEE_KINDS))


@dataclass(frozen=True, slots=True)
class TicketTab:
    """A list: what it is called, for whom it is, and how it is asked for."""

    name: str
    label: Words
    admits: Callable[[Actor], bool]
    query: Callable[[QueryDict, Actor], TicketQuery]


TABS = (
    TicketTab("open", bilingual("在办", "Open"), watches, partial(_scoped, None, "open")),
    TicketTab("overdue", bilingual("已超时", "Overdue"), _of_street_or_committee, partial(_pressing, Pressing.OVERDUE)),
    TicketTab(
        "at_risk", bilingual("临近超时", "At risk"), _of_street_or_committee, partial(_pressing, Pressing.AT_RISK)
    ),
    TicketTab(
        "coordinating",
        bilingual("协调中", "Coordinating"),
        _of_street_or_committee,
        partial(_scoped, "coordinating", "open"),
    ),
    TicketTab("inspected", bilingual("巡查发现", "Found on patrol"), watches, partial(_scoped, "inspected", "open")),
    TicketTab("ended", bilingual("已结束", "Ended"), watches, partial(_scoped, None, "ended")),
)
"""In the order of the tabs."""


@dataclass(frozen=True, slots=True)
class TicketLine:
    """A ticket as the list shows it, and whose turn it is."""

    ticket: Mapping[str, Any]
    turn: WhoseTurn


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What narrows the list beside the fields of the form, as it is called."""

    name: str
    value: str
    label: Words
    without: str
    """The address of the list without it."""


class TicketsScreen(WatchedScreen):
    """The lists of tickets that the reader watches over."""

    entry: ClassVar[str] = "tickets"
    template: ClassVar[str] = "console/tickets.html"
    title: ClassVar[Words] = bilingual("工单", "Tickets")
    by_time: ClassVar[bool] = True

    def admits(self, actor: Actor) -> bool:
        """Whoever has a wall."""
        return watches(actor)

    @cached_property
    def _tab(self) -> TicketTab:
        mine = [one for one in TABS if one.admits(self.actor)]
        return next((one for one in mine if one.name == self.request.GET.get("list")), mine[0])

    @property
    def _due(self) -> str:
        """The column of the wall whose tickets are asked for; empty for all."""
        due = self.request.GET.get("due", "")
        return due if due in LOOKS and self._tab.name == "open" else ""

    @cached_property
    def _query(self) -> TicketQuery:
        query = self._tab.query(filled_in(self.request.GET, _ANY), self.actor)
        if self._due:
            query = narrowed(query, {"next_due": wall.span(self._due, self.actor.at)})
        return query

    @cached_property
    def _read(self) -> tuple[Page[dict[str, Any]], str]:
        """The page, and how many rows there are on all pages. Four statements.

        People narrow the list by whatever they choose, and a plan for all values does not know which of these are rare.
        """
        with planned_by_value():
            cursor = self.request.GET.get("cursor") or None
            page = self._query.read(self.actor, PageRequest(cursor, ROWS))
            if cursor is None and page.next_cursor is None:
                return page, str(len(page.rows))
            return page, totals({"": self._query}, self.actor)[""]

    def fingerprint(self) -> str:
        """Changes with the rows of the page and with how many there are."""
        page, total = self._read
        return digest(([lasting(one) for one in page.rows], page.next_cursor, total))

    def shown(self) -> Mapping[str, object]:
        """What the list shows. Six statements, with the list and its total."""
        (page, total), params, scope = self._read, self.request.GET, wall.watched(self.actor) or ""
        ended = self._tab.name == "ended"
        return {
            "tabs": [one for one in TABS if one.admits(self.actor)],
            "tab": self._tab.name,
            "ended": ended,
            "page": page.of([TicketLine(one, of_watched(scope, one)) for one in page.rows]),
            "total": total,
            "states": [(one.value, one.label) for one in State if (one in ENDED) == ended],
            "groups": catalogue.current(self.actor.at).groups,
            "levels": [(str(one), f"L{one}") for one in range(HIGHEST_LEVEL + 1)],
            "communities": self._communities(scope),
            "holders": self._holders(),
            "narrowings": self._narrowings(),
            "narrowed": any(params.get(name) for name in params if name not in ("list", "cursor")),
            "params": params,
            "of_street": scope == "street",
            "export": self._export(),
        }

    def _export(self) -> Exportable:
        listed = _EXPORTED.get(self._tab.name, ExportedList.TICKETS)
        given = filled_in(self.request.GET, {"list", "cursor"})
        if isinstance(self._query, ScopedList):
            given["scope"], given["status"] = self._query.scope, self._query.status or ""
        return Exportable(listed, given.urlencode())

    def _communities(self, scope: str) -> Sequence[tuple[str, str]]:
        """The communities of the reader's streets, for those whose places lie in several. One statement."""
        if scope == "community":
            return ()
        streets = {seat.street_id for seat in self.actor.seats if seat.street_id}
        rows = Community.objects.filter(street__in=streets).order_by("name").values_list("pk", "name")
        return [(str(pk), name) for pk, name in rows]

    def _holders(self) -> Sequence[tuple[str, str]]:
        """The organisations that may hold a ticket of the reader's streets. One statement."""
        streets = {seat.street_id for seat in self.actor.seats if seat.street_id}
        rows = Organisation.objects.filter(active=True, street__in=streets) | Organisation.objects.filter(
            active=True, street=None
        )
        return [(str(pk), name) for pk, name in rows.order_by("name").values_list("pk", "name")]

    def _narrowings(self) -> list[Narrowing]:
        """What narrows the list and has no field in the form. One statement where that is a compound."""
        params = self.request.GET
        labels: dict[str, Words] = {}
        if self._due:
            labels["due"] = LOOKS[self._due][1]
        if compound := params.get("compound"):
            labels["compound"] = _name_of(compound)
        for name in map(str, parameters.Filters().fields):
            if name not in _IN_FORM and params.get(name):
                labels[name] = f"{name}={params[name]}"
        return [Narrowing(name, params[name], label, self._without(name)) for name, label in labels.items()]

    def _without(self, name: str) -> str:
        rest = self.request.GET.copy()
        for one in (name, "cursor"):
            rest.pop(one, None)
        return f"{self.request.path}?{rest.urlencode()}"


_IN_FORM = frozenset(
    {"q", "state", "group", "level", "community", "holder", "supervised", "urgent", "officer", "compound"}
)


def _name_of(compound: str) -> Words:
    try:
        key = uuid.UUID(compound)
    except ValueError:
        return compound
    found = Compound.objects.filter(pk=key).values_list("name", flat=True).first()
    return found or bilingual("小区", "Compound")
