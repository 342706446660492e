"""Duty: how the person's organisation gives out its work, and who of it is on duty."""

import uuid
from dataclasses import dataclass
from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from community.models import Organisation
from community.rotas import RotaSettings, decide, settings_of
from console.navigation import gives_out, organisations_given_out
from console.screen import Screen
from tickets.reading.members import members
from web.paging import MAX_LIMIT, PageRequest
from web.words import Words, bilingual
from workflow.actor import Actor

HIGHEST = 200
_TITLE = bilingual("值班与指派", "Duty")
_BAD_LIMIT = bilingual(
    f"应为 1 至 {HIGHEST} 的整数，或留空。", f"It must be a whole number from 1 to {HIGHEST}, or empty."
)


@dataclass(frozen=True, slots=True)
class Colleague:
    """A member of the organisation: how many open tickets they have, and whether they are off duty."""

    id: uuid.UUID
    name: str
    role: Words
    open: int
    off: bool


class DutyScreen(Screen):
    """The settings of an organisation for those who give out its work."""

    entry: ClassVar[str] = "duty"
    template: ClassVar[str] = "console/duty.html"

    def admits(self, actor: Actor) -> bool:
        """Whether the screen is there for the reader."""
        return gives_out(actor)

    def get(self, request: HttpRequest) -> HttpResponse:
        """The settings of the organisation that is asked for, else of the person's first."""
        body = self._body(request.GET.get("organisation"))
        return self._show(body, settings_of(body.pk), saved=bool(request.GET.get("saved")))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Decide."""
        body, sent = self._body(request.POST.get("organisation")), request.POST
        people = {one.id for one in self._colleagues(body, RotaSettings())}
        on = {str(one) for one in sent.getlist("on")}
        off = frozenset(one for one in people if str(one) not in on)
        text = sent.get("most_open", "").strip()
        whole = int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 0
        settings = RotaSettings(bool(sent.get("in_turn")), whole or None, off)
        if text and not 1 <= whole <= HIGHEST:
            return self._show(body, settings, wrong=_BAD_LIMIT, given=text)
        decide(body.pk, settings, by=self.actor)
        return redirect(f"{reverse('duty')}?organisation={body.pk}&saved=1")

    def _body(self, asked: str | None) -> Organisation:
        mine = organisations_given_out(self.actor)
        if asked and asked not in {str(one) for one in mine}:
            raise Http404
        return Organisation.objects.get(pk=asked or mine[0])

    def _colleagues(self, body: Organisation, settings: RotaSettings) -> list[Colleague]:
        rows: list[Any] = members(self.actor, body.pk, PageRequest(limit=MAX_LIMIT)).rows
        people = {one["id"]: one for one in rows if one["on_duty"]}.values()
        return [
            Colleague(one["id"], one["name"], one["role_label"], one["open"], one["id"] in settings.off_duty)
            for one in people
        ]

    def _show(
        self, body: Organisation, settings: RotaSettings, *, saved: bool = False, wrong: Words = "", given: str = ""
    ) -> HttpResponse:
        mine = organisations_given_out(self.actor)
        context = {
            "body": body,
            "bodies": Organisation.objects.filter(pk__in=mine).order_by("code") if len(mine) > 1 else (),
            "settings": settings,
            "people": self._colleagues(body, settings),
            "most_open": given or settings.most_open or "",
            "highest": HIGHEST,
            "saved": saved,
            "wrong": wrong,
        }
        return self.page(_TITLE, context, status=422 if wrong else 200)
