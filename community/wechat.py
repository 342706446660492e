"""WeChat's login: exchanges the code that a mini-program got for the user's openid (WeChat's `code2Session`)."""

import logging
from functools import cache

import httpx
from django.conf import settings

from web.words import bilingual

logger = logging.getLogger(__name__)

_TIMEOUT = httpx.Timeout(4.0, connect=2.0)  # seconds


class WechatError(Exception):
    """WeChat did not tell who the user is."""

    code = "wechat_unavailable"
    reason = bilingual("微信登录暂时不可用，请稍后重试。", "WeChat sign-in is unavailable; try again shortly.")


class WechatBusy(WechatError):
    """WeChat is busy, slow or away."""

    code = "wechat_busy"
    wait = 2


class BadWechatCode(WechatError):
    """The code is wrong, too old or used."""

    code = "bad_wechat_code"
    reason = bilingual("微信登录凭证无效或已使用，请重试。", "The WeChat code is invalid or used; try again.")


class WechatLimited(WechatError):
    """This WeChat user signs in too often (100 a minute)."""

    code = "wechat_limited"
    reason = bilingual("微信登录过于频繁。", "Too many WeChat sign-ins.")
    wait = 60


class WechatBlocked(WechatError):
    """WeChat blocks this user as high-risk."""

    code = "wechat_blocked"
    reason = bilingual("微信限制了该账号登录，请用手机号登录。", "WeChat blocks this account; sign in by phone.")


class WechatMisconfigured(WechatError):
    """This server's own credentials at WeChat are missing or wrong."""

    code = "wechat_misconfigured"
    reason = bilingual(
        "本系统的微信登录尚未配置好，请用手机号登录。", "WeChat sign-in is not set up; sign in by phone."
    )


_ERRORS: dict[int, type[WechatError]] = {
    -1: WechatBusy,
    40029: BadWechatCode,
    40163: BadWechatCode,
    41008: BadWechatCode,
    45011: WechatLimited,
    40226: WechatBlocked,
    40013: WechatMisconfigured,
    40125: WechatMisconfigured,
    41002: WechatMisconfigured,
    41004: WechatMisconfigured,
}


@cache
def _client() -> httpx.Client:
    return httpx.Client(timeout=_TIMEOUT)


def openid_of(code: str) -> str:
    """The openid of the WeChat user whose mini-program got `code`. The session_key is not passed on.

    Calls WeChat over the network, so never call it in a transaction. Raises a WechatError; nothing secret is logged.
    """
    if not (settings.WECHAT_APP_ID and settings.WECHAT_APP_SECRET):
        raise WechatMisconfigured
    asked = {
        "appid": settings.WECHAT_APP_ID,
        "secret": settings.WECHAT_APP_SECRET,
        "js_code": code,
        "grant_type": "authorization_code",
    }
    try:
        answer = _client().get(f"{settings.WECHAT_BASE_URL}/sns/jscode2session", params=asked)
        document = answer.json() if answer.status_code == httpx.codes.OK else None
    except (httpx.HTTPError, ValueError) as error:
        # Only the kind of error: its text and its request may hold the address, and that holds the secret.
        logger.warning("WeChat does not answer: %s", type(error).__name__)
        raise WechatBusy from None
    if not isinstance(document, dict):
        logger.warning("WeChat answered without a document, status %s", answer.status_code)
        raise WechatBusy
    if errcode := document.get("errcode"):
        kind = _ERRORS.get(errcode, WechatError)
        if kind in {WechatMisconfigured, WechatError}:
            logger.error("WeChat refused with errcode %s", errcode)
        raise kind
    openid = document.get("openid")
    if not isinstance(openid, str) or not 0 < len(openid) <= 64:
        logger.error("WeChat answered without an openid")
        raise WechatError
    return openid
