"""Where a person starts, how they change the language, and how they leave."""

from typing import ClassVar

from django.contrib.auth import logout
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from community.models import Language, Person
from console.navigation import entries_of
from console.screen import Screen


class FrontDoor(Screen):
    """The address of the whole console."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Go to the first screen that the person has."""
        return redirect(entries_of(self.actor)[0].name)


class NavigationCounts(Screen):
    """How much waits behind each entry of the navigation, for pages that are open."""

    template: ClassVar[str] = "console/counts.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The counts, one statement each."""
        return self.part("counts", {"counts": [(one.name, one.shown(self.actor)) for one in entries_of(self.actor)]})


class SwitchLanguage(Screen):
    """The switch between Chinese and English."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Speak another language with the person from now on, in messages, too, and go back to the page."""
        language = request.POST.get("language", "")
        if language not in Language.values:
            raise Http404
        Person.objects.filter(pk=self.caller.person.pk).update(language=language)
        back = request.POST.get("next", "")
        return redirect(back if url_has_allowed_host_and_scheme(back, None) else reverse("console"))


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session, and have the browser forget the drafts."""
    logout(request)
    return redirect("signin")
