"""The screen on a wall: the columns of the oversight wall in large type, by a key of its own and without anybody signed in."""

import logging
from datetime import timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.views import View

from community.models import Role
from console.board import Board
from console.models import DisplayKey, key_hash
from console.polling import HEADER, tag_of, unchanged
from console.screen import by_htmx
from web.addresses import client_address
from web.limits import Limit
from web.words import Words, bilingual
from workflow.actor import Actor, Seat

logger = logging.getLogger(__name__)
COOKIE = "display"
KEPT = timedelta(days=400)
"""How long a browser keeps a cookie at most; each time the page is opened it begins anew."""
EACH = 7
_USED_EVERY = timedelta(minutes=1)
TEMPLATE = "console/display.html"


class TypingLimit(Limit):
    """Codes typed at screens from one address."""

    scope = "display"
    requests = 20
    seconds = 600


class Display(View):
    """What a screen shows; nobody who is signed in is asked for, and no other address reads the cookie."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer in Chinese until the key says which language the screen has."""
        translation.activate(settings.LANGUAGE_CODE)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        """The wall for a screen with a key, else the field where its code is typed."""
        key, actor = self._of_cookie(request)
        if key is None or actor is None:
            return self._stopped(request)
        translation.activate(key.language)
        gathered = cache(lambda: Board.of(actor, EACH, phones=False, hushing=True))
        tag = tag_of(request, f"display {key.pk} {key.language}", lambda: gathered().fingerprint(), at=actor.at)
        if by_htmx(request) and (answer := unchanged(request, tag)):
            return answer
        shown = {"board": gathered(), "key": key, "now": actor.at, "tag": tag}
        if by_htmx(request):
            answer = render(request, f"{TEMPLATE}#list", shown)
            answer[HEADER] = str(tag)
            return answer
        logger.info("Display key %s was opened from %s.", key.pk, client_address(request) or "an unknown address")
        answer = render(request, TEMPLATE, shown)
        _give(answer, request.COOKIES[COOKIE])
        return answer

    def post(self, request: HttpRequest) -> HttpResponse:
        """Exchange a code for the key of this screen."""
        if not TypingLimit().allows(client_address(request)):
            return self._ask(request, bilingual("输入太多次，请稍后再试。", "Too many attempts. Try again later."), 429)
        key = DisplayKey.exchange(request.POST.get("code", ""))
        if key is None:
            logger.info("A wrong display code was typed from %s.", client_address(request) or "an unknown address")
            wrong = bilingual("代码不对，或已过期、已用过。", "The code is wrong, too old, or has been used.")
            return self._ask(request, wrong, 422)
        answer = redirect("display")
        _give(answer, key)
        return answer

    def _of_cookie(self, request: HttpRequest) -> tuple[DisplayKey | None, Actor | None]:
        """The key that the browser has, and the office that it reads for. One statement, and at most one a minute."""
        given = request.COOKIES.get(COOKIE, "")
        rows = DisplayKey.objects.in_use().select_related("organisation").annotate(at=Now())
        key = rows.filter(key_hash=key_hash(given)).first() if given else None
        if key is None:
            return None, None
        unused = Q(last_used_at=None) | Q(last_used_at__lt=Now() - _USED_EVERY)
        if key.last_used_at is None or key.at - key.last_used_at > _USED_EVERY:
            DisplayKey.objects.filter(unused, pk=key.pk).update(last_used_at=Now())
        office = key.organisation
        seat = Seat(office.pk, office.kind, office.function, Role.OFFICER, office.street_id)
        return key, Actor(person_id=None, at=key.at, seats=(seat,))

    def _stopped(self, request: HttpRequest) -> HttpResponse:
        """The field for a code. A screen that is open is told to load it, for its key was revoked."""
        if by_htmx(request):
            return HttpResponse(status=403, headers={"HX-Redirect": reverse("display")})
        return self._ask(request, "", 200)

    def _ask(self, request: HttpRequest, problem: Words, status: int) -> HttpResponse:
        return render(request, "console/pairing.html", {"problem": problem}, status=status)


def _give(answer: HttpResponse, key: str) -> None:
    answer.set_cookie(
        COOKIE,
        key,
        max_age=KEPT,
        path=reverse("display"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
