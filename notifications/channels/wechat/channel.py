"""WeChat's subscription messages (`sendMessage`): one message for each that a person has allowed in the mini-program.

An answer with HTTP 200 may still be a refusal: its `errcode` counts. WeChat does not recognise a repeat. Where an
answer is lost, the message is sent again, because a message that arrives twice does less harm than one that never
arrives.
"""

import re
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from notifications.channels.channel import HOUR, MINUTE, DeliveryChannel, Envelope, Refused, TryLater, Unsure, Unwanted
from notifications.channels.http import HttpClient
from notifications.channels.wechat import grants
from notifications.channels.wechat.token import TokenKeeper, WechatToken
from notifications.topics import ChannelName

STATES = ("formal", "trial", "developer")
LANGUAGES = {"zh-hans": "zh_CN", "en": "en_US"}
EXCHANGE = 8.0
"""Seconds for one exchange: a delivery takes five at most, and waits twice for another worker, within its lease."""
_BAD_TOKEN = {40001, 40014, 42001}
_NOT_ALLOWED = 43101
_NO_SUCH_ACCOUNT = {40003, 43104}
_LATER: Mapping[int, tuple[str, timedelta | None]] = {
    -1: ("WeChat is busy", None),
    43108: ("WeChat takes one message for a person at a time", timedelta(seconds=5)),
    45009: ("WeChat's quota is used up", timedelta(hours=1)),
    45011: ("Too many requests to WeChat in a minute", timedelta(minutes=1)),
    40164: ("This server's address is not in the mini-program's IP whitelist", None),
}
_BAD_FIELD = 47003
_REFUSALS = {
    40037: "WeChat does not know the template {template}: the wording or WECHAT_TEMPLATE names another app's, or a deleted one",
    41030: "The mini-program's released version has no page {page}: see WECHAT_PAGE",
    48001: "The mini-program may not send subscription messages",
    43116: "WeChat has blocked the template {template}",
}
_FIELD = re.compile(r"data\.(\w+)")


@dataclass(frozen=True, slots=True)
class WechatConfig:
    """The mini-program at WeChat: its credentials, and the `state` and `page` that a tap opens; empty: none."""

    base_url: str
    app_id: str
    secret: str = field(repr=False)
    state: str = STATES[0]
    page: str = ""


class WechatChannel(DeliveryChannel):
    """Subscription messages of a mini-program."""

    name = ChannelName.WECHAT
    shape = ChannelName.WECHAT
    lease = timedelta(seconds=90)
    # Four hours; after that the message is sent by SMS, if the person wants that.
    delays = (timedelta(seconds=5), timedelta(seconds=30), 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR)

    def __init__(self, config: WechatConfig):
        self.config = config
        self._client = HttpClient(total=EXCHANGE)
        self._tokens = TokenKeeper(self._client, config.base_url, config.app_id, config.secret)

    def reachable(self, recipients: Collection[uuid.UUID], content: Mapping[str, Any]) -> set[uuid.UUID]:
        """Those who allow one more message of the content's template."""
        return grants.reachable(recipients, content["template"])

    def send(self, envelope: Envelope) -> str:
        """Send it to the account that last allowed a message. The receipt is WeChat's number of the message, where it gives one."""
        assert envelope.person_id is not None
        template = envelope.content["template"]
        # Before the grant: where there is no token, nothing has to be given back.
        token = self._tokens.token()
        taken = grants.take(envelope.key, envelope.attempt, envelope.person_id, template)
        if taken is None:
            raise Unwanted("The person has allowed no message of this template, or none more.")
        try:
            answer = self._post(token, self._message(envelope, taken.openid), envelope.key)
            self._check(answer, template)
        except Unwanted as refusal:
            self._forget(taken, answer["errcode"])
            if self.reachable([envelope.person_id], envelope.content):
                # By another account of theirs, or by what they have allowed since.
                raise TryLater(refusal.reason, counts=False) from None
            raise
        except (TryLater, Refused):
            grants.give_back(taken)
            raise
        return str(answer.get("msgid", ""))

    def _post(self, token: WechatToken, message: Mapping[str, object], key: uuid.UUID) -> Mapping[str, Any]:
        """WeChat's answer. A token that WeChat refuses is replaced once."""
        answer = self._say(token, message, key)
        if answer["errcode"] in _BAD_TOKEN:
            answer = self._say(self._tokens.after(token), message, key)
        return answer

    def _say(self, token: WechatToken, message: Mapping[str, object], key: uuid.UUID) -> Mapping[str, Any]:
        url = f"{self.config.base_url}/cgi-bin/message/subscribe/send?access_token={token.value}"
        answer = self._client.post_json(url, message, key=key).accepted().json()
        if not isinstance(answer.get("errcode"), int):
            raise Unsure("WeChat answers without an errcode.")
        return answer

    def _message(self, envelope: Envelope, openid: str) -> dict[str, Any]:
        content = envelope.content
        message: dict[str, Any] = {
            "touser": openid,
            "template_id": content["template"],
            "data": {name: {"value": value} for name, value in content["fields"].items()},
            "miniprogram_state": self.config.state,
            "lang": LANGUAGES.get(content["language"], LANGUAGES["zh-hans"]),
        }
        if self.config.page:
            about = f"?id={envelope.subject_id}" if envelope.subject_id else ""
            message["page"] = f"{self.config.page}{about}"
        return message

    def _check(self, answer: Mapping[str, Any], template: str) -> None:
        """Raise the outcome that the errcode means, in words for the office."""
        code = answer["errcode"]
        if code == 0:
            return
        if code == _NOT_ALLOWED:
            raise Unwanted("The person has refused, or the messages they allowed are used up (43101).")
        if code in _NO_SUCH_ACCOUNT:
            raise Unwanted(f"WeChat does not know the account ({code}).")
        if code in _BAD_TOKEN:
            raise TryLater(f"WeChat refuses the access token ({code}).")
        if code in _LATER:
            reason, after = _LATER[code]
            raise TryLater(f"{reason} ({code}).", after=after)
        if code == _BAD_FIELD:
            field = _FIELD.search(str(answer.get("errmsg", "")))
            named = f"the field {field[1]}" if field else "a field"
            raise Refused(f"WeChat does not take {named} of the template {template} ({code}).")
        words = _REFUSALS.get(code, "WeChat refuses the message")
        raise Refused(f"{words.format(template=template, page=self.config.page)} ({code}).")

    def _forget(self, taken: grants.Taken, code: int) -> None:
        if code == _NOT_ALLOWED:
            grants.end(taken)
        else:
            grants.forget_account(taken.openid)


def from_settings() -> DeliveryChannel | None:
    """The channel where WECHAT_APP_ID and WECHAT_APP_SECRET are set. Raises ImproperlyConfigured."""
    if settings.WECHAT_STATE not in STATES:
        raise ImproperlyConfigured(f"WECHAT_STATE is {settings.WECHAT_STATE!r}; it must be one of {', '.join(STATES)}.")
    if not settings.WECHAT_APP_ID and not settings.WECHAT_APP_SECRET:
        return None
    for name in ("WECHAT_APP_ID", "WECHAT_APP_SECRET"):
        if not getattr(settings, name):
            raise ImproperlyConfigured(f"{name} is missing, and its other half is set.")
    config = WechatConfig(
        settings.WECHAT_BASE_URL.rstrip("/"),
        settings.WECHAT_APP_ID,
        settings.WECHAT_APP_SECRET,
        settings.WECHAT_STATE,
        settings.WECHAT_PAGE,
    )
    return WechatChannel(config)
