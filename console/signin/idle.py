"""Ends the session of a browser in which nobody has done anything for a while, in the console or the admin."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from community.credentials import SEEN_KEY, is_idle

PLACES = ("/console/", "/admin/")
KEPT_TO = 60
"""Seconds: what is done within so many costs no statement."""
OF_THEMSELVES = ("/console/counts",)


def end_idle_sessions(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """The middleware; it stands behind the one of sessions."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(PLACES) and settings.SESSION_COOKIE_NAME in request.COOKIES:
            _look_at(request)
        return get_response(request)

    return answer


def _look_at(request: HttpRequest) -> None:
    session = request.session
    if SESSION_KEY not in session:
        return
    if is_idle(session):
        logout(request)
    elif not _asked_by_itself(request) and time.time() - session.get(SEEN_KEY, 0) >= KEPT_TO:
        session[SEEN_KEY] = int(time.time())


def _asked_by_itself(request: HttpRequest) -> bool:
    """Whether an open page asks whether there is news, with nobody at it: such a question brings the tag of what is shown."""
    return "HX-PTag" in request.headers or request.path in OF_THEMSELVES
