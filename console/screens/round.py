"""The round: what a worker has to do today, by compound and building. It can be printed, and is read without a network."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse

from console.buildings import building, order
from console.navigation import works_outside
from console.screen import Screen
from tickets.reading.filters import Filter
from tickets.reading.lists import QueueList
from tickets.states import State
from web.paging import PageRequest
from web.words import Words, bilingual, say
from workflow.actor import Actor

MOST = 200
_STATES = [State.DISPATCHED.value, State.IN_PROGRESS.value]
_UNNAMED = bilingual("未写明楼栋", "No building named")


@dataclass(frozen=True, slots=True)
class Stop:
    """What there is to do in one building of a place."""

    place: str
    building: str
    parts: list[Mapping[str, Any]]

    @property
    def name(self) -> Words:
        """The building as people say it."""
        if not self.building:
            return _UNNAMED
        kind = "号楼" if self.building.isdecimal() else "座"
        return say(f"{self.building}{kind}", f"Building {self.building}")


def stops(parts: Iterable[Mapping[str, Any]]) -> list[Stop]:
    """The parts by place and building; in a building the urgent ones first, and then those that are due first."""

    def where(part: Mapping[str, Any]) -> tuple[str, str]:
        ticket = part["ticket"]
        return ticket["place"], building(ticket["spot"] or "", ticket["title"], ticket["first_words"] or "")

    def stands(part: Mapping[str, Any]) -> tuple[object, ...]:
        place, name = where(part)
        return place, order(name), not part["ticket"]["urgent"], part["next_due_at"]

    return [Stop(*key, list(found)) for key, found in groupby(sorted(parts, key=stands), key=where)]


class RoundScreen(Screen):
    """The tickets that the person works on: their numbers, buildings and categories, and no words of residents."""

    entry: ClassVar[str] = "round"
    template: ClassVar[str] = "console/round.html"

    def admits(self, actor: Actor) -> bool:
        """Whether the screen is there for the reader."""
        return works_outside(actor)

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page."""
        mine = QueueList(filter=Filter({"worker": "me", "state": _STATES}))
        page = mine.read(self.actor, PageRequest(limit=MOST, most=MOST))
        places = [(place, list(found)) for place, found in groupby(stops(page.rows), key=lambda one: one.place)]
        context = {"places": places, "count": len(page.rows), "more": page.next_cursor is not None, "most": MOST}
        return self.page(bilingual("巡修单", "Round"), context)


def round_offline(request: HttpRequest) -> HttpResponse:
    """The page that stands for the round without a network. It holds nothing: its script shows what the browser has kept."""
    return render(request, "console/round_offline.html")


def round_worker(request: HttpRequest) -> HttpResponse:
    """The service worker of the round. It keeps that page and its files, and answers for nothing else."""
    files = [static(f"console/{name}") for name in ("theme.js", "round.js", "console.css")]
    context = {"page": reverse("round"), "shell": reverse("round-offline"), "files": files}
    answer = render(request, "console/round_worker.js", context, content_type="text/javascript")
    answer["Service-Worker-Allowed"] = reverse("round")
    return answer
