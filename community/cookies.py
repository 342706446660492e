"""The cookie by which a browser is known at a phone beyond signing out."""

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from community.known import device_key
from community.models import Person
from community.models.signin import KNOWN_FOR

NAME = "linli_device"


def kept_device_key(request: HttpRequest) -> str:
    """The device key that the browser kept; empty where it has none."""
    return request.COOKIES.get(NAME, "")


def keep_device_key(response: HttpResponseBase, person: Person) -> None:
    """Let the browser keep the key by which it is known at the person's phone."""
    response.set_cookie(
        NAME,
        device_key(person),
        max_age=KNOWN_FOR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
