"""DingTalk's group robots (https://open.dingtalk.com/document/orgapp/custom-robot-access): over 20 a minute they refuse for ten."""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode

from notifications.channels.channel import MINUTE, RateLimit
from notifications.channels.robots.refusals import RobotRefusal
from notifications.channels.robots.robot import Post, RobotChannel
from notifications.models import Robot
from notifications.topics import ChannelName


class Dingtalk(RobotChannel):
    """Text messages, signed in the address."""

    name = ChannelName.DINGTALK
    vendor = "DingTalk"
    address = "https://oapi.dingtalk.com"
    key_parameter = "access_token"
    limits = (RateLimit(20, MINUTE),)
    room = 5000
    limited = frozenset({90018, 90030, 130101, 302033, 410100})
    pause = timedelta(minutes=10)
    refusals = {
        33001: RobotRefusal.KEY,
        34016: RobotRefusal.CONTENT,
        40035: RobotRefusal.CONTENT,
        43004: RobotRefusal.CONTENT,
        300001: RobotRefusal.KEY,
        310000: RobotRefusal.SIGNATURE,
        400013: RobotRefusal.STOPPED,
        400101: RobotRefusal.KEY,
        400102: RobotRefusal.STOPPED,
        400105: RobotRefusal.CONTENT,
        400106: RobotRefusal.KEY,
        430101: RobotRefusal.CONTENT,
        430102: RobotRefusal.CONTENT,
        430103: RobotRefusal.CONTENT,
        430104: RobotRefusal.CONTENT,
    }

    def post(self, robot: Robot, text: str) -> Post:
        """A text."""
        query = {"access_token": robot.token}
        if robot.secret:
            at = round(time.time() * 1000)
            query |= {"timestamp": str(at), "sign": signature(at, robot.secret)}
        body = {"msgtype": "text", "text": {"content": text}}
        return Post(f"{self.base_url}/robot/send?{urlencode(query)}", body)

    def is_limit(self, code: int | None, said: Mapping[str, object]) -> bool:
        """Whether DingTalk refuses because of too many messages: by the error's number, or by a plain denial of its gateway."""
        return super().is_limit(code, said) or said.get("punish") == "deny"


def signature(at: int, secret: str) -> str:
    """The signature that DingTalk asks for: the time in milliseconds and the secret, keyed by the secret."""
    return base64.b64encode(hmac.digest(secret.encode(), f"{at}\n{secret}".encode(), hashlib.sha256)).decode()
