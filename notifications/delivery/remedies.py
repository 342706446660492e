"""What the office can do about a delivery that did not arrive, in words."""

import re

from django.utils.functional import Promise

from notifications.channels import channels
from notifications.channels.robots.refusals import RobotRefusal
from notifications.models import Delivery
from notifications.topics import ChannelName, DeliveryState
from web.words import bilingual

INACTIVE = bilingual("该人员已停用，不再通知。", "The person has been disabled and is told nothing more.")
UNSURE = bilingual(
    "上一次发送的结果不明，对方可能已经收到。", "Nobody knows whether an earlier attempt arrived: it may have."
)
REFUSING = bilingual(
    "对方服务器拒绝接收：请联系对方单位检查接收地址和签名密钥。修好后会自动再试，也可立即补发。",
    "The receiver refuses it: ask the organisation to check address and signing secret. It is tried again by itself, or sent at once.",
)
WAITING = bilingual("系统会自动再试，不必处理。", "It is tried again by itself; nothing has to be done.")
# Statuses that mean that the request is wrong. The other errors are temporary.
_REFUSAL = re.compile(r"HTTP (3\d\d|4(?!08|25|29)\d\d)")
# The first setting of each channel.
SETTINGS = {
    ChannelName.EMAIL: "EMAIL_URL",
    ChannelName.SMS: "SMS_PROVIDER",
    ChannelName.WECHAT: "WECHAT_APP_ID",
}
# What to check before a delivery that was refused for good is sent again.
REFUSED = {
    ChannelName.EMAIL: bilingual(
        "请核对对方的邮箱地址；多人同时失败时请检查邮件服务器设置，再重发。",
        "Check the address; where many fail at once, the mail server's settings. Then resend.",
    ),
    ChannelName.SMS: bilingual(
        "请核对手机号能否接收短信、短信签名和模板是否已获批、余额是否充足，再重发。",
        "Check that the number takes messages, that signature and template are approved, and the balance. Then resend.",
    ),
    ChannelName.WECHAT: bilingual(
        "请核对模板编号和字段是否与公众平台上的一致，再重发。",
        "Check that the template's id and fields are those of the WeChat platform. Then resend.",
    ),
    ChannelName.WEBHOOK: bilingual(
        "请联系对方单位检查接收地址和签名密钥，修好后重发。",
        "Ask the organisation to check its address and signing secret; resend once that is mended.",
    ),
}
ROBOT = bilingual(
    "请在群设置中核对机器人是否还在、密钥和加签是否正确，再重发。",
    "Check in the group that the robot is still there, and its key and signing secret. Then resend.",
)
# What to do, by a part of the receiver's error text.
REMEDIES = (
    ("(47003)", bilingual(
        "消息模板中的字段与公众平台上的模板不一致，请改正该类消息的微信模板，再重发。",
        "The wording's fields are not those of WeChat's template: mend the wording of this kind, then resend.",
    )),
    ("(40037)", bilingual(
        "微信模板编号不存在或已删除，请改正该类消息的模板编号，再重发。",
        "WeChat does not know the template: mend the template's id in the wording of this kind, then resend.",
    )),
    ("(43116)", bilingual(
        "微信已封禁该模板，请在公众平台另选模板并改正编号，再重发。",
        "WeChat has blocked the template: choose another one, mend its id in the wording, then resend.",
    )),
    ("(41030)", bilingual(
        "小程序正式版没有所设的页面，请技术人员核对 WECHAT_PAGE，再重发。",
        "The mini-program has no such page: let the operator of this server check WECHAT_PAGE. Then resend.",
    )),
    ("(40164)", bilingual(
        "请技术人员把本服务器的地址加入小程序后台的 IP 白名单。",
        "The operator of this server has to put its address on the mini-program's IP whitelist.",
    )),
    ("(48001)", bilingual(
        "小程序未开通订阅消息，请在公众平台开通。",
        "The mini-program may not send subscription messages: apply for that at WeChat's platform.",
    )),
    ("(45009)", bilingual("当日微信额度已用完，稍后自动再试。", "WeChat's quota is used up; it is tried again later.")),
    ("access token", bilingual(
        "取不到微信凭证；若持续如此，请技术人员核对小程序的 AppID 和密钥。",
        "WeChat gives no access token; where that lasts, the operator of this server has to check the app's id and secret.",
    )),
    ("does not let us in", bilingual(
        "邮件服务器拒绝登录，请技术人员核对 EMAIL_URL。",
        "The mail server refuses the sign-in: the operator of this server has to check EMAIL_URL.",
    )),
    ("refuses the sender", bilingual(
        "邮件服务器不接受发件人，请技术人员核对 DEFAULT_FROM_EMAIL。",
        "The mail server refuses the sender: the operator of this server has to check DEFAULT_FROM_EMAIL.",
    )),
    ("Outcome unknown", bilingual(
        "短信服务商没有这条短信的回执，对方可能已经收到，也可能没有。请先向对方核实；重发会真的再发一条。",
        "The SMS vendor has no receipt: it may have arrived or not. Ask the person first; to resend really sends another.",
    )),
    ("InsufficientBalance", bilingual(
        "腾讯云短信套餐包余量不足，请充值；充值后自动再试。", "Tencent's SMS package is used up: top it up, and it is tried again."
    )),
    ("AMOUNT_NOT_ENOUGH", bilingual(
        "阿里云短信余额不足，请充值；充值后自动再试。", "The balance at Aliyun is used up: top it up, and it is tried again."
    )),
    ("No mail server", bilingual(
        "连不上邮件服务器；若持续如此，请技术人员检查网络和 EMAIL_URL。",
        "The mail server is out of reach; where that lasts, the operator of this server has to check network and EMAIL_URL.",
    )),
    ("No connection", bilingual(
        "连不上对方服务器；若持续如此，请检查地址和网络。",
        "The receiver's server is out of reach; where that lasts, check its address and the network.",
    )),
    *((one.value, one.label) for one in RobotRefusal),
)  # fmt: skip
UNWANTED = {
    ChannelName.WECHAT: bilingual(
        "对方未授权或已用完微信订阅次数；已改用其他方式或仅留站内信。",
        "The person has allowed no more WeChat messages: another channel was used, or the inbox alone.",
    ),
    ChannelName.WEBHOOK: bilingual(
        "该 Webhook 已停用，未再发送；启用后可在其发送记录中补发。",
        "The webhook was switched off: switch it on, and send this anew from its deliveries.",
    ),
}
UNWANTED_OTHERWISE = bilingual(
    "对方不接收该渠道的通知，已改用其他方式或仅留站内信。",
    "The person does not take messages this way: another channel was used, or the inbox alone.",
)


def remedies(delivery: Delivery) -> list[Promise]:
    """What the office should know and do about this delivery; empty where nothing is to be done."""
    found: list[Promise] = []
    channel = ChannelName(delivery.channel)
    remedy = next((words for part, words in REMEDIES if part in delivery.error), None)
    match delivery.state:
        case DeliveryState.DEAD:
            found.append(remedy or REFUSED.get(channel, ROBOT))
        case DeliveryState.DROPPED if "no longer active" in delivery.error:
            found.append(INACTIVE)
        case DeliveryState.DROPPED:
            found.append(UNWANTED.get(channel, UNWANTED_OTHERWISE))
        case DeliveryState.QUEUED if channel not in channels():
            found.append(_not_set_up(channel))
        case DeliveryState.QUEUED if delivery.error:
            refused = channel == ChannelName.WEBHOOK and _REFUSAL.fullmatch(delivery.error)
            found.append(remedy or (REFUSING if refused else WAITING))
    if delivery.unsure and delivery.state != DeliveryState.SENT:
        found.append(UNSURE)
    return found


def _not_set_up(channel: ChannelName) -> Promise:
    name, setting = channel.label, SETTINGS[channel]
    return bilingual(
        f"本系统未配置{name}，该通知一直在排队；请技术人员设置 {setting}，之后会自动发出。",
        f"{name} is not set up on this server, and this waits: once its operator has set {setting}, it goes out by itself.",
    )
