"""The cookie by which a browser is still known for a phone after signing out."""

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from community.known import device_key
from community.models import Person
from community.models.signin import KNOWN_FOR

NAME = "linli_device"


def kept_device_key(request: HttpRequest) -> str:
    """The device key in the browser's cookie; empty where there is none."""
    return request.COOKIES.get(NAME, "")


def keep_device_key(response: HttpResponseBase, person: Person) -> None:
    """Set the cookie with the key by which the browser is known for the person's phone."""
    response.set_cookie(
        NAME,
        device_key(person),
        max_age=KNOWN_FOR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
