"""What the office can do about a delivery that did not arrive, in words."""

from django.utils.functional import Promise

from notifications.models import Delivery
from notifications.topics import ChannelName, DeliveryState
from web.words import bilingual

INACTIVE = bilingual("该人员已停用，不再通知。", "The person has been disabled and is told nothing more.")
UNSURE = bilingual(
    "上一次发送的结果不明，对方可能已经收到。", "Nobody knows whether an earlier attempt arrived: it may have."
)
WAITING = bilingual("系统会自动再试，不必处理。", "It is tried again by itself; nothing has to be done.")
# Where it is refused for good, what to look at before it is sent anew.
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
UNWANTED = {
    ChannelName.WECHAT: bilingual(
        "对方未授权或已用完微信订阅次数；已改用其他方式或仅留站内信。",
        "The person has allowed no more WeChat messages: another channel was used, or the inbox alone.",
    ),
}
UNWANTED_OTHERWISE = bilingual(
    "对方不接收该渠道的通知，已改用其他方式或仅留站内信。",
    "The person does not take messages this way: another channel was used, or the inbox alone.",
)


def advice(delivery: Delivery) -> list[Promise]:
    """What to know and to do about a delivery as it stands; nothing where it needs nobody."""
    found: list[Promise] = []
    channel = ChannelName(delivery.channel)
    match delivery.state:
        case DeliveryState.DEAD:
            found.append(REFUSED.get(channel, ROBOT))
        case DeliveryState.DROPPED if "no longer active" in delivery.error:
            found.append(INACTIVE)
        case DeliveryState.DROPPED:
            found.append(UNWANTED.get(channel, UNWANTED_OTHERWISE))
        case DeliveryState.QUEUED if delivery.error:
            found.append(WAITING)
    if delivery.unsure and delivery.state != DeliveryState.SENT:
        found.append(UNSURE)
    return found
