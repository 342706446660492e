"""E-mail, over Django's mail: plain text with a simple HTML part."""

import contextlib
import re
import smtplib
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import Policy, default
from email.utils import parseaddr
from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMultiAlternatives, mailers
from django.template.loader import render_to_string
from django.utils.translation import override

from notifications.channels.channel import HOUR, MINUTE, DeliveryChannel, Envelope, Refused, TryLater, Unsure, Unwanted
from notifications.models import Profile
from notifications.topics import ChannelName
from notifications.unsubscribing import Mailing
from web.words import bilingual

_FOOTER = bilingual("本邮件由邻里办自动发送，请勿回复。", "Linli sent this mail by itself; please do not reply.")
_STOP = bilingual(
    "接收哪些通知、以何种方式接收，可在通知设置中修改。不再接收此类邮件，请打开：",
    "What you hear of, and how, is in your notification settings. To get no more mail of this kind, open:",
)
# What a mail server says beyond its number: class, subject and detail (RFC 3463). The rest of its words names the receiver.
_DETAIL = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
_PERMANENT = 500


class _Whole(UnstructuredHeader, BaseHeader):
    """A header of one long word that is never broken into parts: mail programs would not find the address in the parts."""

    def fold(self, *, policy: Policy) -> str:
        """The header on one line."""
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _Whole)


class _Mail(EmailMultiAlternatives):
    """A mail whose unsubscribe header stays in one piece."""

    def message(self, *, policy: Policy | None = None) -> EmailMessage:
        """As the standard library's."""
        # Django hands on a policy of mail, which has a header factory.
        ours = (policy or default).clone(header_factory=_HEADERS)  # type: ignore[call-arg]
        return super().message(policy=ours)


class NoSuchReceiver(Refused):
    """The mail server says that this address does not exist."""


@dataclass(frozen=True, slots=True)
class EmailConfig:
    """How mail is sent: the sender, such as `Linli <linli@street.example>`, and the site whose settings page a mail links to."""

    sender: str
    site: str

    @property
    def domain(self) -> str:
        """The sender's domain, with which every Message-ID ends."""
        return parseaddr(self.sender)[1].rpartition("@")[2]


class EmailChannel(DeliveryChannel):
    """Mail to a person's confirmed address.

    A mail whose outcome is unknown is sent again with the same Message-ID, so that mail programs and many servers
    show it once.
    """

    name: ClassVar[ChannelName] = ChannelName.EMAIL
    lease: ClassVar[timedelta] = 2 * MINUTE

    def __init__(self, config: EmailConfig):
        self.config = config

    def reachable(self, recipients: Collection[uuid.UUID], content: Mapping[str, object]) -> set[uuid.UUID]:
        """The people who have confirmed an address."""
        confirmed = Profile.objects.filter(person__in=recipients, email_confirmed_at__isnull=False)
        return set(confirmed.exclude(email="").values_list("person", flat=True))

    def send(self, envelope: Envelope) -> str:
        """Send the mail. Returns its Message-ID as the receipt. Raises an Undelivered."""
        profile = Profile.objects.filter(person=envelope.person_id).first()
        if profile is None or not profile.email or profile.email_confirmed_at is None:
            raise Unwanted("The person has no confirmed address.")
        content = envelope.content
        end = f"{self.config.site}{Mailing.of(profile.person_id, envelope.key).address}"
        return self._post(
            envelope.key,
            profile.email,
            content["title"],
            content["body"],
            content["language"],
            subject=content.get("subject", ""),
            unsubscribe=end,
        )

    def send_code(self, address: str, title: str, body: str, language: str) -> None:
        """Send one mail about the address itself, at once and outside any transaction. Raises an Undelivered."""
        self._post(uuid.uuid4(), address, title, body, language)

    def _post(
        self,
        key: uuid.UUID,
        address: str,
        title: str,
        body: str,
        language: str,
        *,
        subject: str = "",
        unsubscribe: str = "",
    ) -> str:
        identity = f"<{key}@{self.config.domain}>"
        headers = {"Message-ID": identity, "Auto-Submitted": "auto-generated"}
        if unsubscribe:
            headers |= {"List-Unsubscribe": f"<{unsubscribe}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
        with override(language):
            footer = f"{_FOOTER}\n{_STOP}" if unsubscribe else str(_FOOTER)
        title = " ".join(title.split())
        mail = _Mail(
            subject=" ".join(subject.split()) or title,
            body=f"{body}\n\n-- \n{footer}\n{unsubscribe}".rstrip() + "\n",
            from_email=self.config.sender,
            to=[address],
            headers=headers,
        )
        words = {"title": title, "body": body, "footer": footer, "unsubscribe": unsubscribe, "language": language}
        mail.attach_alternative(render_to_string("notifications/mail.html", words), "text/html")
        _deliver(mail)
        return identity


def from_settings() -> EmailChannel | None:
    """The e-mail channel from the settings; None without EMAIL_URL. Raises ImproperlyConfigured, naming the wrong setting."""
    if not settings.EMAIL_URL:
        return None
    sender = settings.DEFAULT_FROM_EMAIL
    if "@" not in parseaddr(sender)[1] or len(sender.splitlines()) > 1:
        raise ImproperlyConfigured("DEFAULT_FROM_EMAIL is no address; EMAIL_URL needs one.")
    return EmailChannel(EmailConfig(sender, settings.SITE_URL))


def _deliver(mail: EmailMultiAlternatives) -> None:
    """Send one mail. Raises TryLater, Refused or Unsure; their reasons repeat nothing that the server said about the receiver."""
    server = mailers.default
    try:
        server.open()
    except smtplib.SMTPResponseException as error:
        # The account is refused, not the mail. Once somebody has fixed it, everything that waits is sent.
        later = HOUR if error.smtp_code >= _PERMANENT else None
        raise TryLater(f"The mail server does not let us in: {_said(error)}", after=later) from error
    except (smtplib.SMTPException, OSError) as error:
        raise TryLater(f"No mail server: {type(error).__name__}") from error
    try:
        server.send_messages([mail])
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()))
        refused = smtplib.SMTPResponseException(code, words)
        if code >= _PERMANENT and not _is_policy(refused):
            raise NoSuchReceiver(f"The mail server refuses the receiver: {_said(refused)}") from error
        raise _refusal(refused, "receiver") from error
    except smtplib.SMTPSenderRefused as error:
        later = HOUR if error.smtp_code >= _PERMANENT else None
        raise TryLater(f"The mail server refuses the sender: {_said(error)}", after=later) from error
    except smtplib.SMTPResponseException as error:
        raise _refusal(error, "mail") from error
    except smtplib.SMTPNotSupportedError as error:
        raise NoSuchReceiver("The mail server cannot take this address.") from error
    except ValueError as error:
        raise NoSuchReceiver("The address or a header cannot be sent.") from error
    except (smtplib.SMTPException, OSError) as error:
        raise Unsure(f"The mail server fell silent: {type(error).__name__}") from error
    finally:
        # The server has accepted or refused the mail by now; a failing QUIT changes nothing.
        with contextlib.suppress(smtplib.SMTPException, OSError):
            server.close()


def _refusal(error: smtplib.SMTPResponseException, what: str) -> TryLater | Refused:
    reason = f"The mail server refuses the {what}: {_said(error)}"
    return Refused(reason) if error.smtp_code >= _PERMANENT else TryLater(reason)


def _is_policy(error: smtplib.SMTPResponseException) -> bool:
    """Whether the server refused because of who we are, not because of the address (RFC 3463, X.7)."""
    return ".7." in _said(error)


def _said(error: smtplib.SMTPResponseException) -> str:
    words = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
    detail = _DETAIL.search(words)
    return f"{error.smtp_code} {detail[0]}" if detail else str(error.smtp_code)
