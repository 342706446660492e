"""Group robots: the channel of each vendor."""

from collections.abc import Mapping

from notifications.channels.robots.dingtalk import Dingtalk
from notifications.channels.robots.feishu import Feishu
from notifications.channels.robots.robot import RobotChannel
from notifications.channels.robots.wecom import Wecom

VENDORS: Mapping[str, type[RobotChannel]] = {one.name: one for one in (Wecom, Dingtalk, Feishu)}
