"""Text messages through a vendor: Aliyun or Tencent."""

from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from httpx import URL, InvalidURL

from notifications.channels.sms.aliyun import Aliyun
from notifications.channels.sms.channel import SmsChannel
from notifications.channels.sms.gateway import Gateway, SmsAccount
from notifications.channels.sms.log import Log
from notifications.channels.sms.tencent import Tencent

PROVIDERS: dict[str, type[Aliyun] | type[Tencent]] = {"aliyun": Aliyun, "tencent": Tencent}
LOG = "log"
"""The provider of a development machine: `settings.SMS_LOG`."""


def vendor() -> Gateway | None:
    """The vendor in the settings; None where there is none. Raises ImproperlyConfigured, naming the wrong setting."""
    provider = settings.SMS_PROVIDER
    if not provider:
        return None
    if provider == LOG and settings.SMS_LOG is not None:
        return Log(settings.SMS_LOG)
    if provider not in PROVIDERS:
        raise ImproperlyConfigured(f"SMS_PROVIDER is {provider!r}; it must be one of {', '.join(PROVIDERS)}.")
    required = ["SMS_KEY_ID", "SMS_KEY_SECRET", "SMS_SIGN_NAME", "SMS_CODE_TEMPLATE"]
    for name in [*required, "SMS_APP_ID"] if provider == "tencent" else required:
        if not getattr(settings, name):
            raise ImproperlyConfigured(f"{name} is missing; SMS_PROVIDER={provider} needs it.")
    return _open(provider, _account())


def _account() -> SmsAccount:
    provider = PROVIDERS[settings.SMS_PROVIDER]
    return SmsAccount(
        base_url=_base_url(settings.SMS_BASE_URL or provider.address),
        key_id=settings.SMS_KEY_ID,
        key_secret=settings.SMS_KEY_SECRET,
        sign_name=settings.SMS_SIGN_NAME,
        app_id=settings.SMS_APP_ID,
    )


@cache
def _open(provider: str, account: SmsAccount) -> Gateway:
    """The vendor that this process uses, with its open connections."""
    return PROVIDERS[provider](account)


def from_settings() -> SmsChannel | None:
    """The SMS channel; None without SMS_PROVIDER. Raises ImproperlyConfigured, naming the wrong setting."""
    found = vendor()
    return None if found is None else SmsChannel(found)


def _base_url(address: str) -> str:
    """The vendor's address, without a slash at its end. Every request goes to its root, because the path is signed."""
    try:
        url = URL(address.rstrip("/"))
    except InvalidURL:
        url = URL("")
    if url.scheme not in {"http", "https"} or not url.host or url.path not in {"", "/"} or url.query:
        raise ImproperlyConfigured("SMS_BASE_URL is no address such as https://sms.example, without a path.")
    return str(url).rstrip("/")
