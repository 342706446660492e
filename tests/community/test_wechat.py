import logging

import httpx
import pytest

from community import wechat
from tests.fakes.wechat import APP_ID, APP_SECRET, SESSION_KEY, serving


@pytest.fixture
def fake(settings):
    """WeChat, with us as its customer."""
    with serving() as server:
        settings.WECHAT_BASE_URL, settings.WECHAT_APP_ID, settings.WECHAT_APP_SECRET = server.url, APP_ID, APP_SECRET
        yield server
        wechat._client().close()
        wechat._client.cache_clear()


def test_a_good_code_gives_the_openid_once(fake):
    assert wechat.openid_of("openid-1") == "openid-1"
    with pytest.raises(wechat.BadWechatCode):
        wechat.openid_of("openid-1")
    assert fake.asked[0] == {
        "appid": APP_ID,
        "secret": APP_SECRET,
        "js_code": "openid-1",
        "grant_type": "authorization_code",
    }


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        ("never-given", wechat.BadWechatCode),
        ("", wechat.BadWechatCode),
        ("busy", wechat.WechatBusy),
        ("limited", wechat.WechatLimited),
        ("blocked", wechat.WechatBlocked),
        ("strange", wechat.WechatError),
        ("nobody", wechat.WechatError),
        ("broken", wechat.WechatBusy),
        ("down", wechat.WechatBusy),
    ],
)
@pytest.mark.usefixtures("fake")
def test_every_error_of_wechat_has_its_own_refusal(code, refusal):
    with pytest.raises(wechat.WechatError) as caught:
        wechat.openid_of(code)
    assert type(caught.value) is refusal


@pytest.mark.parametrize(("app_id", "secret"), [("wx-other", APP_SECRET), (APP_ID, "wrong"), ("", ""), (APP_ID, "")])
@pytest.mark.usefixtures("fake")
def test_our_own_wrong_credentials_are_our_own_fault(settings, app_id, secret):
    settings.WECHAT_APP_ID, settings.WECHAT_APP_SECRET = app_id, secret
    with pytest.raises(wechat.WechatMisconfigured):
        wechat.openid_of("openid-1")


@pytest.mark.usefixtures("fake")
def test_a_slow_wechat_is_busy(monkeypatch):
    monkeypatch.setattr(wechat, "_TIMEOUT", httpx.Timeout(0.1))
    with pytest.raises(wechat.WechatBusy):
        wechat.openid_of("slow")


def test_an_absent_wechat_is_busy(fake, settings):
    settings.WECHAT_BASE_URL = "http://127.0.0.1:1"
    with pytest.raises(wechat.WechatBusy):
        wechat.openid_of("openid-1")


@pytest.mark.parametrize("code", ["slow", "strange", "broken", "down", "openid-1"])
@pytest.mark.usefixtures("fake")
def test_nothing_secret_is_logged_or_raised(caplog, monkeypatch, code):
    monkeypatch.setattr(wechat, "_TIMEOUT", httpx.Timeout(0.3))
    caplog.set_level(logging.INFO)
    said = ""
    try:
        wechat.openid_of(code)
    except wechat.WechatError as error:
        said = f"{error!r} {error.__cause__!r} {error.reason}"
    assert APP_SECRET not in caplog.text + said
    assert SESSION_KEY not in caplog.text + said
