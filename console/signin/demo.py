"""Signing in as one of the demo's people with one click: on a development machine alone, where their data is nobody's secret."""

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import get_login_redirect_url
from django.conf import settings
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from community.credentials import record_second_factor
from community.demo_people import DemoPerson, introduced


def offered() -> list[DemoPerson]:
    """The demo's people who work; nobody on any other than a development machine."""
    if settings.PRODUCTION or not settings.DEMO_SIGN_IN:
        return []
    return [one for one in introduced() if one.works and one.person.is_active]


@require_POST
def sign_in_as(request: HttpRequest) -> HttpResponse:
    """Sign in as the person with this key, as if they had proved a second factor."""
    person = next((one.person for one in offered() if one.key == request.POST.get("person", "")), None)
    if person is None:
        raise Http404
    login(request, person)
    record_authentication(request, person, method="demo")
    record_second_factor(request.session, person)
    return redirect(get_login_redirect_url(request))
