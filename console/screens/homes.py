"""The homes that people say they live in, for the committees and the street, who confirm them or object."""

import uuid
from typing import ClassVar

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from community import confirming
from community.api.homes import STANDINGS
from console.navigation import confirms_homes
from console.screen import Screen
from web.words import bilingual
from workflow.actor import Actor

MOST = 100
FIRST = "claimed"
TABS = (
    ("claimed", bilingual("待核实", "To confirm")),
    ("confirmed", bilingual("已核实", "Confirmed")),
    ("objected", bilingual("有异议", "Objected to")),
)


class HomesScreen(Screen):
    """Homes to confirm, those that have waited longest first; each confirmed or objected to by one click."""

    entry: ClassVar[str] = "homes"
    template: ClassVar[str] = "console/homes.html"

    def admits(self, actor: Actor) -> bool:
        """Whoever may confirm homes anywhere."""
        return confirms_homes(actor)

    def get(self, request: HttpRequest) -> HttpResponse:
        """The homes of one standing. Costs one statement beside the frame."""
        wanted = request.GET.get("status", FIRST)
        status = wanted if wanted in STANDINGS else FIRST
        found = confirming.in_reach(self.actor).filter(**STANDINGS[status]).order_by("starts_on", "id")
        homes = list(found[: MOST + 1])
        shown = {"status": status, "tabs": TABS, "homes": homes[:MOST], "more": len(homes) > MOST}
        return self.page(bilingual("住处核实", "Homes to confirm"), shown)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Confirm a home or object to it, as the button says, and show the list again."""
        try:
            key = uuid.UUID(request.POST.get("home", ""))
        except ValueError:
            raise Http404 from None
        says = request.POST.get("says")
        if says not in ("confirm", "object"):
            raise Http404
        if confirming.judge(key, self.actor, lives_there=says == "confirm") is None:
            raise Http404
        return redirect(request.get_full_path())
