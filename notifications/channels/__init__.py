"""The channels that this server is set up for."""

from collections.abc import Mapping
from functools import cache

from notifications.channels import email, sms, webhook, wechat
from notifications.channels.channel import Channel
from notifications.channels.robots import dingtalk, feishu, wecom
from notifications.topics import ChannelName


@cache
def channels() -> Mapping[ChannelName, Channel]:
    """Every configured channel by its name. Raises ImproperlyConfigured, naming the setting that is wrong."""
    made: list[Channel | None] = [
        email.from_settings(),
        wechat.from_settings(),
        sms.from_settings(),
        webhook.from_settings(),
        wecom.from_settings(),
        dingtalk.from_settings(),
        feishu.from_settings(),
    ]
    return {one.name: one for one in made if one is not None}
