"""The community's addresses under /api/v1/."""

from django.urls import path

from community.api import contracts, homes, me, organisations, places, signin, wechat_grants
from community.api import schema as schema  # registers how callers are described
from web import identifiers as identifiers  # registers <id:…>

urlpatterns = [
    path("auth/codes", signin.Codes.as_view()),
    path("auth/tokens", signin.TokensView.as_view()),
    path("auth/tokens/current", signin.CurrentToken.as_view()),
    path("auth/tokens/<id:id>", signin.TokenView.as_view()),
    path("auth/sessions", signin.Sessions.as_view()),
    path("auth/sessions/current", signin.CurrentSession.as_view()),
    path("auth/wechat", signin.WechatView.as_view()),
    path("auth/wechat/bind", signin.WechatBinding.as_view()),
    path("contracts/timers", contracts.Timers.as_view()),
    path("homes", homes.Claims.as_view()),
    path("homes/<id:id>/confirm", homes.Confirming.as_view()),
    path("homes/<id:id>/object", homes.Objecting.as_view()),
    path("households/<id:id>/code", homes.HouseholdCodes.as_view()),
    path("me", me.Me.as_view()),
    path("me/homes", me.Homes.as_view()),
    path("me/homes/<id:id>", me.HomeView.as_view()),
    path("me/homes/<id:id>/confirm", me.HomeConfirmation.as_view()),
    path("notifications/wechat-grants", wechat_grants.WechatGrants.as_view()),
    path("organisations", organisations.Organisations.as_view()),
    path("places", places.Places.as_view()),
    path("places/<id:id>", places.PlaceView.as_view()),
    path("places/<id:id>/buildings", places.Buildings.as_view()),
    path("places/<id:id>/households", places.Households.as_view()),
]
