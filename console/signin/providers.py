"""Signing in by an account of somebody else's: which there are, who they are connected to, and by whom."""

import logging
from functools import wraps
from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View
from requests.exceptions import RequestException

from community.models import Person
from console.signin.pages import PageView
from web.words import Words, bilingual

logger = logging.getLogger(__name__)

_NAMES = {
    "wecom": bilingual("企业微信", "WeCom"),
    "dingtalk": bilingual("钉钉", "DingTalk"),
    "feishu": bilingual("飞书", "Feishu"),
}


class ProviderAdapter(DefaultSocialAccountAdapter):
    """Signs in people who have connected their account themselves. A provider's answer never creates or connects a person."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Never."""
        return False

    def new_user(self, request: HttpRequest, sociallogin: Any) -> Person:
        """Nobody yet: a person whose key is not taken from the database."""
        return Person(id=None)  # type: ignore[misc]

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: Any) -> Any:
        """Nothing that a provider says about a person is kept."""
        return sociallogin.user

    def authenticate_by_email(self, login: Any) -> None:
        """Never: an address at a provider is no proof of who somebody is here."""

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """See that both of a provider's answers speak of one account, and keep of it its id alone."""
        told = sociallogin.account.extra_data
        subjects = {part["sub"] for name in ("userinfo", "id_token") if (part := told.get(name)) and "sub" in part}
        if len(subjects) > 1:
            raise ImmediateHttpResponse(failed(request))
        sociallogin.account.extra_data = {}
        sociallogin.email_addresses = []
        if sociallogin.account.pk:
            SocialAccount.objects.filter(pk=sociallogin.account.pk).update(extra_data={})

    def on_authentication_error(self, request: HttpRequest, provider: Any, **about: Any) -> None:
        """Log what the provider said; the person reads that it did not work."""
        logger.warning("signing in by %s failed: %s %s", provider.id, about.get("error"), about.get("exception") or "")


def offered_providers(request: HttpRequest) -> list[dict[str, Any]]:
    """The providers that are set up: what people call each, and where it begins."""
    return [
        {"name": provider_name(one.id, one.name), "url": one.get_login_url(request)}
        for one in get_adapter().list_providers(request)
    ]


def provider_name(provider: str, name: str) -> Words:
    """What people call a provider."""
    return _NAMES.get(provider, name)


def failed(request: HttpRequest) -> HttpResponse:
    """The page that says that it did not work."""
    return render(request, "socialaccount/authentication_error.html", status=403)


def leading_on(view: PageView) -> PageView:
    """`view`, which sends a browser to a provider, by a page of ours.

    Our policy lets forms lead to us alone, and Chromium holds to that also where the answer is a redirect.
    """

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            answer = view(request, *args, **kwargs)
        except SocialApp.DoesNotExist:
            raise Http404 from None
        except RequestException as problem:
            logger.warning("a provider is away: %s", problem)
            return failed(request)
        address = answer.headers.get("Location", "")
        if address and not url_has_allowed_host_and_scheme(address, {request.get_host()}):
            return render(request, "signin/onward.html", {"address": address})
        return answer

    return page


class ConnectedAccounts(View):
    """The accounts at providers by which a person signs in."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list, and what can be connected."""
        mine = [
            {"id": one.pk, "name": provider_name(one.provider, one.provider), "since": one.date_joined}
            for one in SocialAccount.objects.filter(user=request.user).order_by("date_joined")
        ]
        context = {"accounts": mine, "providers": offered_providers(request)}
        return render(request, "socialaccount/connections.html", context)

    @method_decorator(reauthentication_required(app="allauth.socialaccount"))
    def post(self, request: HttpRequest) -> HttpResponse:
        """Disconnect one of one's own."""
        number = request.POST.get("account", "")
        if number.isascii() and number.isdecimal() and len(number) < 10:
            SocialAccount.objects.filter(user=request.user, pk=int(number)).delete()
        return redirect("socialaccount_connections")
