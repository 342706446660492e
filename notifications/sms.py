"""The text message that is sent at once, without the queue: a sign-in code."""

import logging
import uuid
from datetime import timedelta

from django.conf import settings

from notifications.channels import sms
from notifications.channels.channel import TryLater, Undelivered, Unsure
from notifications.channels.sms.gateway import SmsText
from notifications.channels.sms.log import Log
from web.words import bilingual

logger = logging.getLogger(__name__)

_SOON = timedelta(minutes=1)


class NoGateway(Exception):
    """This server cannot send text messages."""

    code = "sms_not_configured"
    reason = bilingual(
        "本系统尚未配置短信通道，请联系街道办事处。", "This server has no SMS gateway; ask your street office."
    )


class CodeNotSent(Exception):
    """The vendor did not take the code; `wait` is in seconds, where waiting may help."""

    code = "sms_not_sent"
    reason = bilingual(
        "验证码短信未能发出，请稍后再试；仍不成功请联系街道办事处。",
        "The code could not be sent; try again later, and ask your street office if that does not help.",
    )

    def __init__(self, detail: str, wait: float | None = None):
        super().__init__(detail)
        self.wait = wait


def require_gateway() -> None:
    """Raise NoGateway where no code can be sent."""
    if sms.vendor() is None and settings.SMS_LOG is None:
        raise NoGateway


def send_code(phone: str, code: str) -> None:
    """Send a sign-in code to `phone`; where there is no vendor, write one line to `settings.SMS_LOG`.

    Never call it in a transaction. Raises NoGateway where neither is configured, and CodeNotSent. Where nobody knows whether it left, it
    counts as sent: it may arrive, and a person who waits in vain asks again.
    """
    gateway = sms.vendor()
    if gateway is None:
        if settings.SMS_LOG is None:
            raise NoGateway
        gateway = Log(settings.SMS_LOG)
    text = SmsText(uuid.uuid4(), phone, settings.SMS_CODE_TEMPLATE, {"code": code})
    try:
        gateway.send(text)
    except Unsure as problem:
        logger.warning("nobody knows whether sign-in code %s was sent: %s", text.key, problem.reason)
    except Undelivered as problem:
        logger.error("sign-in code %s was not sent: %s", text.key, problem.reason)
        wait = (problem.after or _SOON).total_seconds() if isinstance(problem, TryLater) else None
        raise CodeNotSent(problem.reason, wait) from problem
