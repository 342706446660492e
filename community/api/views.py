"""What the community's views share: its refusals in HTTP's words, and the brake on sign-in."""

from collections.abc import Callable, Mapping
from typing import Any

from rest_framework.exceptions import APIException
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from community import known, signin
from community.cookies import kept_device_key
from community.homes import HomesFull, TooManyMoves
from community.signin import BadTicket, Disabled, TooManyCodes
from community.wechat import BadWechatCode, WechatBlocked, WechatError, WechatLimited
from notifications.codes import WrongCode
from notifications.sms import CodeNotSent, NoGateway
from web.addresses import client_address
from web.limits import Limit
from web.problems import make_handler
from web.quotas import TooOften
from web.words import Words, bilingual

MOST_OF_A_PHONE = 40  # the most characters that are read as a phone


class TooManySignIns(TooOften):
    """A device, a phone or an address has signed in too often; `reason` says which."""

    code = "limit_reached"

    def __init__(self, reason: Words, wait: float):
        super().__init__(wait)
        self.reason = reason


REFUSALS: Mapping[type[Exception], int] = {
    TooManyCodes: 429,
    TooManySignIns: 429,
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
}
_handle = make_handler(REFUSALS)


class View(APIView):
    """A view that answers the community's refusals as problems."""

    def get_exception_handler(self) -> Callable[[Exception, Mapping[str, object]], Response | None]:
        """The handler that maps every refusal in REFUSALS to a problem."""
        return _handle


class NetLimit(Limit):
    """A high limit for one address, which a whole district may share. It stops floods, and counts only unknown devices."""

    scope = "sign-in"
    requests = 3000


class PhoneLimit(Limit):
    """A limit far above what a person does with one phone from one address."""

    scope = "sign-in-phone"
    requests = 20


class OwnLimit(Limit):
    """The same for a device that has signed in before, and for a person who was sent a code. Others cannot use it up."""

    scope = "sign-in-own"
    requests = 20


_FOR_PHONE = bilingual("该手机号操作过于频繁。", "Too much was tried at this phone.")
_FOR_NET = bilingual(
    "您所在的网络登录过于频繁，可换用移动数据网络；曾登录过的设备不受影响。",
    "Too many sign in from your network: use mobile data, or a device that has signed in before.",
)


class Braked(View):
    """A view where people sign in. The exact limits are counted in PostgreSQL; this one only stops floods.

    A device that is known, or was sent a code, is counted by itself, so that others behind the same address cannot block it; others by
    their phone and address, and all of an address by a wide net.
    """

    throttle_classes: Any = (NetLimit,)

    def check_throttles(self, request: Request) -> None:
        """Count the request. Raises TooManySignIns."""
        if not self.get_throttles():
            return
        address = client_address(request._request)
        try:
            given: object = request.data
        except APIException:
            _count(NetLimit(), address, _FOR_NET)
            raise
        said = {name: one for name, one in given.items() if isinstance(one, str)} if isinstance(given, Mapping) else {}
        key = said.get("device_key") or kept_device_key(request._request)
        if own := known.holder_of(key) or signin.asked_in(said.get("request", "")):
            _count(OwnLimit(), own, _FOR_PHONE)
            return
        if phone := said.get("phone"):
            _count(PhoneLimit(), f"{phone[:MOST_OF_A_PHONE]} {address}", _FOR_PHONE)
        _count(NetLimit(), address, _FOR_NET)


def _count(limit: Limit, who: str, reason: Words) -> None:
    if not limit.allows(who):
        raise TooManySignIns(reason, limit.wait())


class Doorstep(Braked):
    """A view for those who are not signed in yet; credentials they send along are not looked at."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    problems = (403,)
