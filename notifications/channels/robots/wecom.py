"""WeCom's group robots (https://developer.work.weixin.qq.com/document/path/91770): 20 a minute, text up to 2,048 bytes."""

from datetime import timedelta
from urllib.parse import urlencode

from django.conf import settings

from notifications.buckets import Limit
from notifications.channels.channel import MINUTE
from notifications.channels.robots.robot import Post, Robots, checked
from notifications.faults import Fault
from notifications.models import Robot
from notifications.topics import ChannelName


class Wecom(Robots):
    """Text messages, because WeChat does not show WeCom's markdown. Not signed: the key in the address is all."""

    name = ChannelName.WECOM
    vendor = "WeCom"
    limits = (Limit(20, MINUTE),)
    room = 2048
    limited = frozenset({45009, 45033})
    pause = timedelta(seconds=62)
    faults = {
        40008: Fault.CONTENT,
        40058: Fault.CONTENT,
        44004: Fault.CONTENT,
        45002: Fault.CONTENT,
        93000: Fault.KEY,
        93004: Fault.STOPPED,
        93008: Fault.STOPPED,
    }

    def post(self, robot: Robot, text: str) -> Post:
        """A text."""
        query = urlencode({"key": robot.token})
        body = {"msgtype": "text", "text": {"content": text}}
        return Post(f"{self.base_url}/cgi-bin/webhook/send?{query}", body)


def from_settings() -> Wecom:
    """The channel from the settings; each robot has its own key. Raises ImproperlyConfigured."""
    return Wecom(checked("WECOM_BASE_URL", settings.WECOM_BASE_URL))
