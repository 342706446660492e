"""Text messages: what leaves Linli for a phone."""

from datetime import UTC, datetime

from django.conf import settings

from web.words import bilingual


class NoGateway(Exception):
    """This server cannot send text messages."""

    code = "sms_not_configured"
    reason = bilingual(
        "本系统尚未配置短信通道，请联系街道办事处。", "This server has no SMS gateway; ask your street office."
    )


def send_code(phone: str, code: str) -> None:
    """Send a sign-in code to `phone`; where there is no gateway, write one line to `settings.SMS_LOG`.

    Raises NoGateway where neither is configured, as in production until a gateway is. Never call it in a transaction.
    """
    if settings.SMS_LOG is None:
        raise NoGateway
    settings.SMS_LOG.parent.mkdir(parents=True, exist_ok=True)
    with settings.SMS_LOG.open("a") as log:
        log.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {phone} {code}\n")
