"""The closed lists of notifications: channels, topics, states of a delivery, digests."""

from django.db import models

from web.words import bilingual


class ChannelName(models.TextChoices):
    """The ways by which a message is sent. The inbox is no channel: it shows the message itself."""

    EMAIL = "email", bilingual("电子邮件", "E-mail")
    SMS = "sms", bilingual("短信", "SMS")
    WECHAT = "wechat", bilingual("微信订阅消息", "WeChat subscription message")
    WECOM = "wecom", bilingual("企业微信群机器人", "WeCom robot")
    DINGTALK = "dingtalk", bilingual("钉钉群机器人", "DingTalk robot")
    FEISHU = "feishu", bilingual("飞书群机器人", "Feishu robot")
    WEBHOOK = "webhook", bilingual("Webhook 回调", "Webhook")


PERSONAL = (ChannelName.EMAIL, ChannelName.SMS, ChannelName.WECHAT)
ROBOTS = (ChannelName.WECOM, ChannelName.DINGTALK, ChannelName.FEISHU)


class Topic(models.TextChoices):
    """What a message is about; people choose channels by topic."""

    ASKED = "asked", bilingual("需要我答复", "I am asked")
    PROGRESS = "progress", bilingual("办理进展", "Progress")
    WORK = "work", bilingual("新的工作", "New work")
    REMINDER = "reminder", bilingual("时限提醒", "Deadline reminders")
    OVERSIGHT = "oversight", bilingual("督办与提级", "Supervision and levels")


OF_STAFF = (Topic.WORK, Topic.REMINDER, Topic.OVERSIGHT)
"""The topics that people get because of their seat."""


class DeliveryState(models.TextChoices):
    """The states of a delivery."""

    QUEUED = "queued", bilingual("待发送", "Queued")
    SENDING = "sending", bilingual("发送中", "Being sent")
    SENT = "sent", bilingual("已发送", "Sent")
    GATHERED = "gathered", bilingual("并入汇总", "Part of a digest")
    DROPPED = "dropped", bilingual("不再发送", "Dropped")
    DEAD = "dead", bilingual("发送失败", "Failed for good")


class Digest(models.TextChoices):
    """How often a person gets one summary instead of many messages."""

    AUTO = "auto", bilingual("自动", "By role")
    NEVER = "never", bilingual("逐条通知", "Each by itself")
    HOURLY = "hourly", bilingual("每小时汇总", "Once an hour")
    DAILY = "daily", bilingual("每日汇总", "Once a day")
