"""The channels that this server is set up for."""

from collections.abc import Mapping
from functools import cache

from notifications.channels import email, sms, webhook
from notifications.channels.channel import DeliveryChannel
from notifications.channels.robots import VENDORS
from notifications.channels.wechat import channel as wechat
from notifications.topics import ChannelName


@cache
def channels() -> Mapping[ChannelName, DeliveryChannel]:
    """Every configured channel by its name. Raises ImproperlyConfigured, naming the setting that is wrong."""
    made: list[DeliveryChannel | None] = [
        email.from_settings(),
        wechat.from_settings(),
        sms.from_settings(),
        webhook.from_settings(),
        *(vendor.from_settings() for vendor in VENDORS.values()),
    ]
    return {one.name: one for one in made if one is not None}
