"""Why a group robot's vendor refuses a message, and what the office can do about each reason."""

from django.db import models

from web.words import bilingual


class RobotRefusal(models.TextChoices):
    """A vendor's reason to refuse a message, the same for every vendor."""

    KEY = (
        "The robot is not known by this key",
        bilingual(
            "该机器人不存在、已移除或密钥有误：请在群设置中查看机器人，把新地址中的密钥填入“群机器人”，再重发。",
            "There is no robot with this key: look it up in the group, enter the key of its address, and resend.",
        ),
    )
    STOPPED = (
        "The robot or its group is closed",
        bilingual(
            "机器人已停用或群已解散：请在群里启用机器人，或换一个机器人，再重发。",
            "The robot is stopped or its group is gone: start it in the group or enter another one, and resend.",
        ),
    )
    SIGNATURE = (
        "The signature, a keyword or the address of this server does not suit the robot",
        bilingual(
            "未通过机器人的安全设置：请核对加签密钥；关键词和 IP 白名单须能通过所有消息，建议只用加签。再重发。",
            "The robot's security settings refuse it: check the signing secret; use no keywords, and admit this server. Then resend.",
        ),
    )
    SECRET = (
        "The signature does not match",
        bilingual(
            "加签密钥不符（或服务器时间偏差超过一小时）：请把机器人的加签密钥重新填入“群机器人”，再重发。",
            "The signing secret is another (or this server's clock is an hour off): enter the robot's secret anew, and resend.",
        ),
    )
    KEYWORD = (
        "The robot wants a keyword that the message has not",
        bilingual(
            "机器人设置了关键词：请在群设置中改用加签，或把消息中必有的词设为关键词，再重发。",
            "The robot wants keywords: let it check signatures instead, or choose a word that every message has. Then resend.",
        ),
    )
    ADDRESS = (
        "The robot does not admit the address of this server",
        bilingual(
            "机器人的 IP 白名单未包含本服务器：请在群设置中加入本服务器的出口地址，再重发。",
            "The robot admits certain addresses alone: add the one that this server goes out by, and resend.",
        ),
    )
    CONTENT = (
        "The vendor does not take the message",
        bilingual(
            "平台不接受该消息的内容或格式：请检查该类消息的模板后重发；若仍失败请联系系统维护人员。",
            "The vendor refuses the words or their form: look at the wording of this kind, and resend; else ask who runs this system.",
        ),
    )
