"""Where a person is signed in: their browsers and devices, each of which they can sign out."""

import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views import View

from community import signin
from community.authentication import session_caller
from community.credentials import SEEN_KEY, is_idle
from community.models import Person, SignInToken


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A browser that is signed in."""

    row: UserSession
    seen_at: datetime
    current: bool


def open_sessions(person: Person, current: str | None) -> Iterator[OpenSession]:
    """The browsers that are signed in as the person, the newest first; two statements."""
    rows = list(UserSession.objects.filter(user=person).order_by("-created_at"))
    kept = Session.objects.filter(expire_date__gt=timezone.now()).in_bulk([one.session_key for one in rows])
    for row in rows:
        if row.session_key not in kept:
            continue
        data = kept[row.session_key].get_decoded()
        live = constant_time_compare(data.get(HASH_SESSION_KEY, ""), person.get_session_auth_hash())
        if live and not is_idle(data):
            seen_at = datetime.fromtimestamp(data[SEEN_KEY], UTC) if SEEN_KEY in data else row.created_at
            yield OpenSession(row, seen_at, row.session_key == current)


class SignedIn(View):
    """The list of browsers and devices."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show it."""
        person = _person(request)
        context = {
            "sessions": list(open_sessions(person, request.session.session_key)),
            "devices": SignInToken.objects.live().filter(person=person).order_by("-last_used_at"),
        }
        return render(request, "usersessions/usersession_list.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Sign one browser or device out, or all of them, this one included."""
        person, given = _person(request), request.POST
        if "everywhere" in given:
            with transaction.atomic():
                signin.revoke(person)
            return redirect("account_login")
        with suppress(ValueError):
            if session := given.get("session"):
                for row in UserSession.objects.filter(user=person, pk=int(session[:18])):
                    row.end()
            if device := given.get("device"):
                SignInToken.objects.filter(person=person, pk=uuid.UUID(device)).delete()
        return redirect("usersessions_list")


def _person(request: HttpRequest) -> Person:
    caller = session_caller(request)
    assert caller is not None
    return caller.person
