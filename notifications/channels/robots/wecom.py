"""WeCom's group robots (https://developer.work.weixin.qq.com/document/path/91770): 20 a minute, text up to 2,048 bytes."""

from datetime import timedelta
from urllib.parse import urlencode

from notifications.channels.channel import MINUTE, RateLimit
from notifications.channels.robots.refusals import RobotRefusal
from notifications.channels.robots.robot import Post, RobotChannel
from notifications.models import Robot
from notifications.topics import ChannelName


class Wecom(RobotChannel):
    """Text messages, because WeChat does not show WeCom's markdown. Not signed: the key in the address is all."""

    name = ChannelName.WECOM
    vendor = "WeCom"
    address = "https://qyapi.weixin.qq.com"
    key_parameter = "key"
    limits = (RateLimit(20, MINUTE),)
    room = 2048
    limited = frozenset({45009, 45033})
    pause = timedelta(seconds=62)
    refusals = {
        40008: RobotRefusal.CONTENT,
        40058: RobotRefusal.CONTENT,
        44004: RobotRefusal.CONTENT,
        45002: RobotRefusal.CONTENT,
        93000: RobotRefusal.KEY,
        93004: RobotRefusal.STOPPED,
        93008: RobotRefusal.STOPPED,
    }

    def post(self, robot: Robot, text: str) -> Post:
        """A text."""
        query = urlencode({"key": robot.token})
        body = {"msgtype": "text", "text": {"content": text}}
        return Post(f"{self.base_url}/cgi-bin/webhook/send?{query}", body)
