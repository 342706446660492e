"""Mail that is sent at once, without the queue: the code that proves an address."""

from django.utils.translation import override

from notifications.channels import email
from notifications.channels.channel import Undelivered, Unsure
from notifications.channels.email import EmailChannel, NoSuchReceiver
from web.words import bilingual


class NoMailServer(Exception):
    """This server cannot send e-mail."""

    code = "email_not_configured"
    reason = bilingual(
        "本系统尚未配置邮件服务，请联系街道办事处。", "This server has no mail server; ask your street office."
    )


class MailNotSent(Exception):
    """The mail server did not take it; `detail` is for the log."""

    code = "email_not_sent"
    reason = bilingual(
        "邮件未能发出，请检查地址后再试。", "The mail could not be sent; check the address and try again."
    )

    def __init__(self, detail: str):
        super().__init__(detail)
        self.detail = detail


class AddressRefused(Exception):
    """The mail server says that the address does not exist."""

    code = "no_such_address"
    reason = bilingual(
        "邮件服务器拒收该地址，请检查是否有误。", "The mail server refuses this address; check it for mistakes."
    )


def ready() -> EmailChannel:
    """The configured mail channel. Raises NoMailServer where there is none."""
    channel = email.from_settings()
    if channel is None:
        raise NoMailServer
    return channel


def send_code(address: str, code: str, language: str, *, minutes: int) -> None:
    """Mail the code that proves that `address` is the person's; it is valid for `minutes`. Never call it in a transaction.

    Raises NoMailServer, AddressRefused or MailNotSent. An unknown outcome counts as sent: a person who gets nothing
    asks again.
    """
    channel = ready()
    title = bilingual("邻里办邮箱验证码", "Your e-mail code for Linli")
    body = bilingual(
        f"您的邮箱验证码是 {code}，{minutes} 分钟内有效。如非本人操作，请忽略本邮件。",
        f"Your e-mail code is {code}; it is good for {minutes} minutes. If you did not ask for it, ignore this mail.",
    )
    with override(language):
        words = str(title), str(body)
    try:
        channel.send_code(address, *words, language)
    except Unsure:
        return
    except NoSuchReceiver as problem:
        raise AddressRefused from problem
    except Undelivered as problem:
        raise MailNotSent(problem.reason) from problem
