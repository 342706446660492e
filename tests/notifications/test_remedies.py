"""What the office is told to do about a delivery that did not arrive."""

import pytest
from django.utils import translation

from notifications.channels import channels
from notifications.delivery import workers
from notifications.delivery.remedies import remedies
from notifications.models import Delivery


@pytest.fixture(autouse=True)
def every_channel(settings):
    """A server that is set up for every channel."""
    settings.SMS_PROVIDER, settings.WECHAT_APP_ID, settings.WECHAT_APP_SECRET = "log", "wx-1", "secret"
    channels.cache_clear()
    yield
    channels.cache_clear()
    # They hold the channels of before.
    workers.of_this_process.cache_clear()


def said(channel, state, error="", *, unsure=False):
    return [str(one) for one in remedies(Delivery(channel=channel, state=state, error=error, unsure=unsure))]


@pytest.mark.parametrize(
    ("channel", "state", "error", "words"),
    [
        (
            "wechat",
            "dead",
            "WeChat does not take the field thing2 of the template T (47003).",
            "字段与公众平台上的模板不一致",
        ),
        ("wechat", "queued", "This server's address is not in the mini-program's IP whitelist (40164).", "IP 白名单"),
        ("wechat", "dropped", "The person has refused, or the messages they allowed are used up (43101).", "未授权"),
        ("email", "queued", "The mail server does not let us in: 535 5.7.8", "EMAIL_URL"),
        ("email", "dead", "550 5.1.1", "邮箱地址"),
        ("email", "dropped", "The person has no confirmed address.", "不接收该渠道"),
        ("sms", "dead", "anything", "短信签名"),
        ("sms", "dropped", "The person is no longer active.", "已停用"),
        ("sms", "queued", "HTTP 503", "自动再试"),
        ("webhook", "dead", "HTTP 400", "联系对方单位"),
        ("webhook", "queued", "HTTP 401", "拒绝接收"),
        ("webhook", "queued", "HTTP 302", "拒绝接收"),
        ("webhook", "queued", "HTTP 429", "不必处理"),
        ("webhook", "queued", "HTTP 500", "不必处理"),
        ("webhook", "dropped", "The webhook is switched off.", "补发"),
        ("wecom", "dead", "anything", "机器人"),
    ],
)
def test_there_is_one_thing_to_do(channel, state, error, words):
    (found,) = said(channel, state, error)
    assert words in found
    with translation.override("en"):
        (english,) = said(channel, state, error)
    assert english.isascii()


@pytest.mark.parametrize(
    ("channel", "setting"), [("email", "EMAIL_URL"), ("sms", "SMS_PROVIDER"), ("wechat", "WECHAT_APP_ID")]
)
def test_what_waits_for_a_channel_that_is_not_set_up_names_the_setting(settings, channel, setting):
    settings.EMAIL_URL = settings.SMS_PROVIDER = settings.WECHAT_APP_ID = settings.WECHAT_APP_SECRET = ""
    channels.cache_clear()
    for error in ("", "HTTP 503"):
        (words,) = said(channel, "queued", error)
        assert "未配置" in words
        assert setting in words
    with translation.override("en"):
        (english,) = said(channel, "queued")
    assert english.isascii()
    assert said(channel, "sent") == []


@pytest.mark.parametrize("state", ["queued", "sending", "sent", "gathered"])
def test_what_needs_nobody_needs_no_remedy(state):
    assert said("sms", state) == []


def test_it_is_said_that_an_earlier_attempt_may_have_arrived():
    assert "可能已经收到" in said("sms", "dead", unsure=True)[-1]
    assert said("sms", "sent", unsure=True) == []
