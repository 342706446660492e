"""What all pages of signing in have in common: the reader's language, and an answer where the limits cannot be counted."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.response import SimpleTemplateResponse
from django.urls import reverse
from django.utils import translation
from django.utils.http import urlencode
from redis.exceptions import RedisError

from community.actors import Caller
from community.authentication import session_caller
from community.credentials import admin_needs_second_factor, has_second_factor
from community.models import Language
from community.staff import works

type PageView = Callable[..., HttpResponseBase]


def spoken(view: PageView) -> PageView:
    """`view` in the person's own language, else the cookie's, else Chinese; what the browser prefers does not count.

    Where the server that counts attempts is away, nobody can sign in, and a page says so.
    """

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        translation.activate(language_of(request))
        try:
            answer = view(request, *args, **kwargs)
            return answer.render() if isinstance(answer, SimpleTemplateResponse) else answer
        except RedisError:
            return render(request, "signin/unavailable.html", status=503)

    return page


def language_of(request: HttpRequest) -> str:
    """The language of a sign-in page: the person's own if they are signed in, else the cookie's, else Chinese."""
    if request.user.is_authenticated:
        return str(request.user.language)
    kept = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    return kept if kept in Language.values else str(Language.CHINESE)


def for_staff(view: PageView) -> PageView:
    """`view` for signed-in staff. Those who have a second factor must have proved it in this session."""

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        caller = session_caller(request)
        if caller is None or not works(caller):
            return _with_next("account_login", request.get_full_path())
        if not has_second_factor(request.session) and is_mfa_enabled(caller.person):
            return _with_next("mfa_reauthenticate", request.get_full_path())
        return view(request, *args, **kwargs)

    return spoken(page)


def needs_second_factor(request: HttpRequest, caller: Caller) -> bool:
    """Whether something of the person's stays closed until they prove a second factor."""
    of_admin = caller.person.is_staff and admin_needs_second_factor() and not has_second_factor(request.session)
    return caller.seats_withheld or of_admin


def to_second_factor(caller: Caller, wanted: str) -> HttpResponse:
    """Lead on to where a second factor is proved, or set up by those who have none, and from there to `wanted`."""
    return _with_next("mfa_reauthenticate" if is_mfa_enabled(caller.person) else "mfa_index", wanted)


def _with_next(name: str, wanted: str) -> HttpResponse:
    return redirect(f"{reverse(name)}?{urlencode({'next': wanted})}" if wanted else reverse(name))
