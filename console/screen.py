"""What every screen of the console has in common: a signed-in person, their language, and the frame around the page."""

import base64
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.crypto import salted_hmac
from django.views import View

from community.actors import Caller
from community.authentication import session_caller
from console.frame import frame_of
from console.navigation import works
from web.problems import Problem
from web.words import Words
from workflow.actor import Actor


def by_htmx(request: HttpRequest) -> bool:
    """Whether htmx asks, for a part of a page that is open."""
    return request.headers.get("HX-Request") == "true"


def signed_out(request: HttpRequest) -> HttpResponse:
    """Sends somebody who is not signed in, or not with all that is needed, to the sign-in page, and back afterwards.

    htmx would follow a redirect and put the sign-in page into the panel, so that it gets 403 with the address to go to.
    """
    wanted = request.get_full_path()
    if by_htmx(request):
        open_page = urlsplit(request.headers.get("HX-Current-URL", ""))
        wanted = f"{open_page.path}?{open_page.query}" if open_page.query else open_page.path
    address = f"{reverse('signin')}?{urlencode({'next': wanted})}"
    if by_htmx(request):
        return HttpResponse(status=403, headers={"HX-Redirect": address})
    return redirect(address)


def _draft_key(caller: Caller) -> str:
    """The key under which a browser keeps this person's drafts. Nobody else's pages have it, nor theirs once they signed out everywhere."""
    secret = salted_hmac("console.drafts", f"{caller.person.pk} {caller.person.sign_outs}", algorithm="sha256")
    return base64.b64encode(secret.digest()).decode()


class Screen(View):
    """A page for signed-in people who sit in an organisation; everybody else is sent to sign in, or finds nothing."""

    entry: ClassVar[str] = ""
    """The entry of the navigation that the screen belongs to."""
    template: ClassVar[str]
    caller: Caller

    @property
    def actor(self) -> Actor:
        """The reader as the engine sees them."""
        return self.caller.actor

    def admits(self, actor: Actor) -> bool:
        """Whether the screen is there for the reader."""
        return works(actor)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Load the reader, speak their language, and answer."""
        caller = session_caller(request)
        if caller is None:
            return signed_out(request)
        # Theirs to the end of the request: what comes after may be the page that says that there is nothing.
        translation.activate(caller.person.language)
        if caller.seats_withheld:
            return signed_out(request)
        if not self.admits(caller.actor):
            raise Http404
        self.caller = caller
        try:
            return super().dispatch(request, *args, **kwargs)
        except Problem as problem:
            if problem.status_code != HTTPStatus.BAD_REQUEST:
                raise
            # An address with parameters that no page has.
            raise Http404 from problem

    def page(self, title: Words, context: Mapping[str, object], status: int = 200) -> HttpResponse:
        """The whole page in its frame. Costs what `frame_of` costs."""
        shown = {"title": title, "frame": frame_of(self.caller), "entry": self.entry, **self._always(), **context}
        shown["draft_key"] = _draft_key(self.caller)
        return render(self.request, self.template, shown, status=status)

    def part(self, name: str, context: Mapping[str, object], status: int = 200) -> HttpResponse:
        """A part of the page that is open, by the name of its partial."""
        return render(self.request, f"{self.template}#{name}", {**self._always(), **context}, status=status)

    def asks_for(self, target: str) -> bool:
        """Whether htmx asks for the part with this id."""
        return by_htmx(self.request) and self.request.headers.get("HX-Target", "").endswith(f"#{target}")

    def _always(self) -> dict[str, object]:
        return {"now": self.actor.at, "actor": self.actor, "person": self.caller.person}
