"""What the community's views share: its refusals in HTTP's words, and the brake on sign-in."""

from collections.abc import Callable, Mapping
from typing import Any

from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from community.confirming import WrongHouseholdCode
from community.homes import HomesFull, TooManyMoves
from community.signin import BadTicket, Disabled, TooManyCodes, WrongCode
from community.wechat import BadWechatCode, WechatBlocked, WechatError, WechatLimited
from notifications.sms import CodeNotSent, NoGateway
from web.limits import Limit
from web.problems import make_handler

REFUSALS: Mapping[type[Exception], int] = {
    TooManyCodes: 429,
    WrongCode: 400,
    BadTicket: 400,
    Disabled: 403,
    NoGateway: 503,
    CodeNotSent: 503,
    BadWechatCode: 400,
    WechatLimited: 429,
    WechatBlocked: 403,
    WechatError: 503,
    HomesFull: 409,
    TooManyMoves: 429,
    WrongHouseholdCode: 400,
}
_handle = make_handler(REFUSALS)


class View(APIView):
    """A view that answers the community's refusals as problems."""

    def get_exception_handler(self) -> Callable[[Exception, Mapping[str, Any]], Response | None]:
        """Ours, for every refusal in REFUSALS."""
        return _handle


class SignInLimit(Limit):
    """A brake on floods from one address; what must hold exactly is counted in PostgreSQL."""

    scope = "sign-in"
    requests = 300


class Doorstep(View):
    """A view for those who are not signed in yet; credentials they send along are not looked at."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (SignInLimit,)
    problems = (403,)
