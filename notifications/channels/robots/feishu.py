"""Feishu's group robots (https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot): 100 a minute, 5 a second, 20 KB."""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import quote

from notifications.channels.channel import MINUTE, RateLimit
from notifications.channels.robots.refusals import RobotRefusal
from notifications.channels.robots.robot import Post, RobotChannel
from notifications.models import Robot
from notifications.topics import ChannelName

# Means an invalid body or too many messages; only the message text says which.
_BAD_OR_TOO_MANY = 9499


class Feishu(RobotChannel):
    """Text messages, signed in the body. At full and half hours Feishu is often overloaded, and then is left alone for a while."""

    name = ChannelName.FEISHU
    vendor = "Feishu"
    address = "https://open.feishu.cn"
    code = "code"
    # Two seconds' margin would make a limit of one second three times as strict: five messages in three seconds are an ordinary moment.
    limits = (RateLimit(100, MINUTE), RateLimit(5, timedelta(seconds=1), margin=timedelta(seconds=0.5)))
    room = 15_000
    limited = frozenset({11232, 99991400})
    pause = timedelta(seconds=15)
    refusals = {
        9499: RobotRefusal.CONTENT,
        19001: RobotRefusal.KEY,
        19002: RobotRefusal.CONTENT,
        19021: RobotRefusal.SECRET,
        19022: RobotRefusal.ADDRESS,
        19024: RobotRefusal.KEYWORD,
    }

    def post(self, robot: Robot, text: str) -> Post:
        """A text."""
        body: dict[str, object] = {"msg_type": "text", "content": {"text": text}}
        if robot.secret:
            at = int(time.time())
            body = {"timestamp": str(at), "sign": signature(at, robot.secret), **body}
        return Post(f"{self.base_url}/open-apis/bot/v2/hook/{quote(robot.token, safe='')}", body)

    def is_limit(self, code: int | None, said: Mapping[str, object]) -> bool:
        """Whether Feishu refuses because of too many messages: by the error's number, and for one number by its words."""
        return super().is_limit(code, said) or (code == _BAD_OR_TOO_MANY and "too many" in str(said.get("msg")).lower())


def signature(at: int, secret: str) -> str:
    """The signature that Feishu asks for: an empty text, keyed by the time in seconds and the secret."""
    return base64.b64encode(hmac.digest(f"{at}\n{secret}".encode(), b"", hashlib.sha256)).decode()
