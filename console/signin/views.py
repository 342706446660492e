"""The pages of signing in where they differ from allauth's: who is led where, and what a session has proved."""

from typing import Any

from allauth.account.utils import get_next_redirect_url
from allauth.account.views import LoginView
from allauth.mfa.base.views import IndexView, ReauthenticateView
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView, ReauthenticateWebAuthnView
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from community.authentication import session_caller
from community.credentials import record_second_factor
from community.models import Language
from community.staff import works
from console.signin.demo import offered
from console.signin.pages import needs_second_factor, to_second_factor
from console.signin.providers import offered_providers
from notifications.sms import NoGateway, require_gateway

_LANGUAGE_KEPT = 365 * 24 * 3600


class SignInPage(LoginView):
    """The first page: a passkey, a code to the phone, or a password. People who are signed in already go on to what is missing."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Send people who are signed in to what comes next."""
        if request.method == "GET" and request.user.is_authenticated:
            return self.lead_on(request)
        return super().dispatch(request, *args, **kwargs)

    def lead_on(self, request: HttpRequest) -> HttpResponseBase:
        """To the second factor, where one is needed; to the page that was wanted; or to words that this person has none."""
        caller, wanted = session_caller(request), get_next_redirect_url(request) or ""
        if caller is None or not works(caller):
            return render(request, "signin/no_seat.html", status=403)
        if needs_second_factor(request, caller):
            return to_second_factor(caller, wanted)
        if wanted.startswith(reverse("admin:index")) and not caller.person.is_staff:
            return render(request, "signin/no_seat.html", {"admin": True}, status=403)
        return redirect(self.get_authenticated_redirect_url())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Also whether codes can be sent, and on a development machine the demo's people."""
        try:
            require_gateway()
            sends = True
        except NoGateway:
            sends = False
        return {
            **super().get_context_data(**kwargs),
            "sends_codes": sends,
            "demo_people": offered(),
            "providers": offered_providers(self.request),
            "next": get_next_redirect_url(self.request) or "",
        }


class Proving:
    """A form of allauth's with which a person proves a second factor in their session."""

    request: HttpRequest

    def form_valid(self, form: Any) -> HttpResponse:
        """Record it."""
        answer: HttpResponse = super().form_valid(form)  # type: ignore[misc]
        record_second_factor(self.request.session, self.request.user)  # type: ignore[arg-type]
        return answer


class ProveByCode(Proving, ReauthenticateView):
    """A code of the authenticator app, or a recovery code, in a session that is open."""


class ProveByPasskey(Proving, ReauthenticateWebAuthnView):
    """A passkey, in a session that is open."""


class AddAuthenticatorApp(Proving, ActivateTOTPView):
    """Sets up an authenticator app. Its first code counts as the second factor of this session."""


class AddPasskey(Proving, AddWebAuthnView):
    """Sets up a passkey."""


class SecondFactors(IndexView):
    """The second factors of a person."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Also whether one is missing, and where the person wanted to go."""
        caller = session_caller(self.request)
        missing = caller is not None and needs_second_factor(self.request, caller)
        return {
            **super().get_context_data(**kwargs),
            "missing": missing,
            "providers": offered_providers(self.request),
            "next": get_next_redirect_url(self.request) or "",
        }


def no_seat(request: HttpRequest) -> HttpResponse:
    """For a person who proved who they are, and does not work here any more or yet."""
    return render(request, "signin/no_seat.html", status=403)


@require_POST
def keep_language(request: HttpRequest) -> HttpResponse:
    """Speak another language with this browser until somebody signs in, whose own language counts then."""
    language = request.POST.get("language", "")
    if language not in Language.values:
        raise Http404
    answer = redirect(get_next_redirect_url(request) or "account_login")
    answer.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=_LANGUAGE_KEPT,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )
    return answer
