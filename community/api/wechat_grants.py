"""What the caller's WeChat account has allowed: the mini-program asks, and reports what was tapped."""

import re

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from community.api.views import View
from community.authentication import caller_of
from community.models import WechatAccount
from notifications.channels.wechat import grants
from notifications.models import Grant
from notifications.models.wording import ANY
from web.bodies import Body, Dict, valid
from web.idempotency import write_once
from web.problems import Fault, Problem, invalid
from web.schema import IDEMPOTENCY_KEY
from web.words import bilingual

MOST_TAPS = 20
"""Templates in one answer of WeChat's, which shows five at a time."""
_TAP = re.compile(r"^[A-Za-z]{1,40}$")
_NO_SUCH_TEMPLATE = bilingual("本系统不使用这个订阅模板。", "No news is sent with this template.")
_NO_TAP = bilingual(
    "应为微信给出的结果，如 accept 或 reject。", "It should be WeChat's own word, such as accept or reject."
)
_NOT_BY_WECHAT = bilingual(
    "本次登录不是通过微信小程序，无法订阅微信消息。", "You have not signed in by the WeChat mini-program."
)


class WechatTemplateSerializer(serializers.Serializer[object]):
    """A template to ask for, and what is left of what was allowed."""

    template = serializers.CharField(help_text="The id for `wx.requestSubscribeMessage`.")
    kinds = serializers.ListField(
        child=serializers.CharField(),
        help_text="The kinds of news that it tells; `*`: every kind that has no template of its own.",
    )
    remaining = serializers.IntegerField(help_text="Messages that may still be sent.")
    standing = serializers.BooleanField(help_text="Whether it is a long-term subscription, of which none is used up.")


class WechatGrantsSerializer(serializers.Serializer[object]):
    """Every template to ask for, the one for all kinds first."""

    templates = WechatTemplateSerializer(many=True)


class WechatTapsSerializer(Body):
    """What `wx.requestSubscribeMessage` answered, without its `errMsg`."""

    results = Dict(
        max_length=MOST_TAPS,
        child=serializers.RegexField(_TAP, error_messages={"invalid": _NO_TAP}),
        allow_empty=False,
        help_text="By the template's id: `accept` (and every word that begins with it) allows one more message, `reject` and `ban` "
        "take back what was allowed, any other word changes nothing.",
    )


class WechatGrants(View):
    """What my WeChat account allows."""

    problems = (409,)

    @extend_schema(operation_id="read_wechat_grants", responses={200: WechatGrantsSerializer})
    def get(self, request: Request) -> Response:
        """The subscription templates to ask me for, and how many messages of each I still allow."""
        return _answer(_account(request))

    @extend_schema(
        operation_id="report_wechat_grants",
        request=WechatTapsSerializer,
        parameters=[IDEMPOTENCY_KEY],
        responses={200: WechatGrantsSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        """Report what I tapped when the mini-program asked me: each yes allows one message."""
        return write_once(request, lambda: self._report(request))

    def _report(self, request: Request) -> Response:
        # Held, so that it stays theirs until what they allow is written.
        account = _account(request, hold=True)
        taps = valid(WechatTapsSerializer, request.data)["results"]
        known = grants.templates()
        if unknown := next((one for one in taps if one not in known), None):
            raise invalid(Fault(f"results.{unknown}", "does_not_exist", _NO_SUCH_TEMPLATE))
        grants.report(account.person_id, account.openid, taps)
        return _answer(account)


def _account(request: Request, *, hold: bool = False) -> WechatAccount:
    """The WeChat account that the caller has signed in by. Raises a 409 Problem where it was none."""
    caller = caller_of(request)
    account = None
    if caller.token_id is not None:
        # Check the person again: while this waited for the lock, the account may have been bound to somebody else.
        accounts = WechatAccount.objects.filter(tokens=caller.token_id, person=caller.person)
        account = (accounts.select_for_update(of=("self",)) if hold else accounts).first()
    if account is None:
        raise Problem("not_by_wechat", 409, detail=_NOT_BY_WECHAT)
    return account


def _answer(account: WechatAccount) -> Response:
    known, allowed = grants.templates(), grants.granted(account.openid)
    first = sorted(known, key=lambda template: (ANY not in known[template], template))
    return Response({"templates": [_row(template, known[template], allowed.get(template)) for template in first]})


def _row(template: str, kinds: list[str], grant: Grant | None) -> dict[str, object]:
    return {
        "template": template,
        "kinds": kinds,
        "remaining": grant.remaining if grant else 0,
        "standing": bool(grant and grant.standing),
    }
