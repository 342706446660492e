"""The keys of the screens on a street office's walls: made, looked over and revoked by the head of the office."""

import logging
import uuid
from typing import ClassVar

from django.db.models.functions import Now
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from community.models import Role
from community.models.organisations import STREET_KINDS
from console.models import DisplayKey, DisplayKeyQuerySet
from console.screen import Screen
from web.words import Words, bilingual, say
from workflow.actor import Actor, Seat

logger = logging.getLogger(__name__)
MOST = 50
"""So many keys of an office at most are in use or wait for their screen."""
LONGEST_NAME = 60


def lead_seat(actor: Actor) -> Seat | None:
    """The seat in which somebody is the head of a street office."""
    return next((one for one in actor.seats if one.role == Role.STREET_LEAD and one.kind in STREET_KINDS), None)


def leads(actor: Actor) -> bool:
    """Whether the reader is the head of a street office."""
    return lead_seat(actor) is not None


class DisplayKeys(Screen):
    """The keys of the office that the reader heads."""

    entry: ClassVar[str] = "wall"
    template: ClassVar[str] = "console/displays.html"

    def admits(self, actor: Actor) -> bool:
        """The head of a street office alone."""
        return leads(actor)

    def get(self, request: HttpRequest) -> HttpResponse:
        """All of them, the newest first."""
        return self._page()

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make a key for the screen at the place that is named, or revoke the key that is named."""
        if "revoke" in request.POST:
            return self._revoke(request.POST["revoke"])
        name = " ".join(request.POST.get("name", "").split())
        if not name or len(name) > LONGEST_NAME:
            problem = bilingual("请写明大屏在哪里，60 字以内。", "Say where the screen is, in 60 characters at most.")
            return self._page(problem=problem, given=name, status=422)
        if self._rows().filter(revoked_at=None).count() >= MOST:
            problem = bilingual(
                "密钥太多，请先停用不用的。", "There are too many keys: revoke those that are not used."
            )
            return self._page(problem=problem, given=name, status=422)
        key, code = DisplayKey.make(self._seat().organisation_id, name, self.caller.person)
        logger.info("Display key %s was made by %s.", key.pk, self.caller.person.pk)
        return self._page(code=code, made=key)

    def _revoke(self, wanted: str) -> HttpResponse:
        try:
            found = self._rows().filter(pk=uuid.UUID(wanted), revoked_at=None)
        except ValueError:
            raise Http404 from None
        if not found.update(revoked_at=Now(), revoked_by=self.caller.person):
            raise Http404
        logger.info("Display key %s was revoked by %s.", wanted, self.caller.person.pk)
        return self._page(said=say("已停用。那块大屏不再显示。", "Revoked. That screen shows nothing any more."))

    def _seat(self) -> Seat:
        seat = lead_seat(self.actor)
        assert seat is not None
        return seat

    def _rows(self) -> DisplayKeyQuerySet:
        return DisplayKey.objects.filter(organisation=self._seat().organisation_id)

    def _page(
        self,
        *,
        problem: Words = "",
        given: str = "",
        code: str = "",
        made: DisplayKey | None = None,
        said: Words = "",
        status: int = 200,
    ) -> HttpResponse:
        rows = list(self._rows().select_related("created_by", "revoked_by").order_by("-id"))
        keys = [(one, one.waits(self.actor.at)) for one in rows]
        shown = {"keys": keys, "problem": problem, "given": given, "code": code, "made": made, "said": said}
        shown["display_address"] = self.request.build_absolute_uri(reverse("display"))
        return self.page(bilingual("大屏密钥", "Display keys"), shown, status=status)
