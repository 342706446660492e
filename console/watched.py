"""Screens with a part that people watch: it is polled, and answered 304 while it is as they see it."""

from collections.abc import Mapping
from typing import ClassVar

from django.http import HttpRequest, HttpResponse

from console.polling import HEADER, tag_of, unchanged
from console.screen import Screen
from web.words import Words


class WatchedScreen(Screen):
    """A page whose part `polled`, the partial and the id of that name, is drawn anew when what it holds has changed."""

    title: ClassVar[Words]
    polled: ClassVar[str] = "list"
    by_time: ClassVar[bool] = False
    """Whether it changes with time alone, so that it is looked at once a minute besides."""

    def fingerprint(self) -> str:
        """Changes with everything that the part shows, but for what the browser counts by itself."""
        raise NotImplementedError

    def shown(self) -> Mapping[str, object]:
        """What the part shows."""
        raise NotImplementedError

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page, or its part where htmx asks for that. Raises a 400 Problem for parameters that no list takes."""
        tag = tag_of(request, self.caller, self.fingerprint, at=self.actor.at if self.by_time else None)
        if not self.asks_for(self.polled):
            return self.page(self.title, {**self.shown(), "tag": tag})
        if answer := unchanged(request, tag):
            return answer
        answer = self.part(self.polled, {**self.shown(), "tag": tag})
        answer[HEADER] = str(tag)
        return answer
