"""Who is calling: a device with a token, or a browser with a session; one statement loads the whole caller."""

import hashlib
from datetime import timedelta
from typing import cast

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from community import actors, credentials
from community.actors import Caller
from community.models import Person, SignInToken
from web.pages import CSRF_FAILED
from web.problems import Problem
from workflow import moment

_TOUCH_EVERY = timedelta(hours=1)


def token_hash(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


def caller_of(request: Request) -> Caller:
    """The caller of a request that has been let in."""
    return cast(Caller, request.auth)


def session_caller(request: HttpRequest) -> Caller | None:
    """The caller of a live session; None without one, or where it is idle, or the person is disabled or changed the password."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or SESSION_KEY not in request.session:
        return None
    session = request.session
    if credentials.is_idle(session):
        return None
    person = Person._meta.pk.to_python(session[SESSION_KEY])
    caller = actors.by_person(person, moment.virtual(), second_factor=credentials.has_second_factor(session))
    if caller is None:
        return None
    kept = session.get(HASH_SESSION_KEY, "")
    return caller if constant_time_compare(kept, caller.person.get_session_auth_hash()) else None


class TokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer <token>`: `request.user` is the Person, `request.auth` the Caller with the `actor`."""

    def authenticate(self, request: Request) -> tuple[Person, Caller] | None:
        """The caller of a live token; None without the header; AuthenticationFailed for any other token."""
        header: str = request.META.get("HTTP_AUTHORIZATION", "")
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            return None
        caller = actors.by_token(token_hash(token.strip()), moment.virtual())
        if caller is None:
            raise AuthenticationFailed
        if caller.token_id and caller.token_used_at and caller.actor.at - caller.token_used_at > _TOUCH_EVERY:
            SignInToken.objects.filter(id=caller.token_id).update(last_used_at=caller.actor.at)
        return caller.person, caller

    def authenticate_header(self, request: Request) -> str:
        """Makes DRF answer 401 rather than 403."""
        return 'Bearer realm="linli"'


class SessionAuthentication(authentication.SessionAuthentication):
    """The session cookie of a browser, with Django's CSRF check: `request.user` and `request.auth` as with a token."""

    def authenticate(self, request: Request) -> tuple[Person, Caller] | None:
        """The caller of a live session; None where there is none."""
        caller = session_caller(request._request)
        if caller is None:
            return None
        self.enforce_csrf(request)
        return caller.person, caller

    def enforce_csrf(self, request: Request) -> None:
        """Django's own check, answered as a problem document."""
        check = authentication.CSRFCheck(lambda _: None)  # type: ignore[arg-type]
        check.process_request(request._request)
        if check.process_view(request._request, None, (), {}):  # type: ignore[arg-type]
            raise Problem("csrf_failed", 403, detail=CSRF_FAILED)
