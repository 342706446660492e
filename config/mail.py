"""The mail server that EMAIL_URL names, as Django wants to know it."""

from django.core.exceptions import ImproperlyConfigured
from environ import Env

PATIENCE = 10
"""Seconds that one answer of the mail server may take."""
_SMTP = "django.core.mail.backends.smtp.EmailBackend"
_FILES = "django.core.mail.backends.filebased.EmailBackend"


def mailers(url: str) -> dict[str, dict[str, object]]:
    """Django's MAILERS for `url`: `smtp+tls://user:password@host:587`, `smtp+ssl://…:465`, `smtp://…`, `filemail:///directory`.

    User and password are percent-encoded. No mailer for an empty address. Raises ImproperlyConfigured, which does not repeat the address.
    """
    if not url:
        return {}
    try:
        read = Env.email_url_config(url)
    except (ImproperlyConfigured, ValueError):
        raise ImproperlyConfigured("EMAIL_URL is no address such as smtp+tls://user:password@host:587.") from None
    backend = read["EMAIL_BACKEND"]
    if backend == _FILES:
        return {"default": {"BACKEND": backend, "OPTIONS": {"file_path": read["EMAIL_FILE_PATH"]}}}
    if backend != _SMTP:
        return {"default": {"BACKEND": backend}}
    if not read["EMAIL_HOST"]:
        raise ImproperlyConfigured("EMAIL_URL names no host.")
    options = {
        "host": read["EMAIL_HOST"],
        "port": read["EMAIL_PORT"],
        "username": read["EMAIL_HOST_USER"] or "",
        "password": read["EMAIL_HOST_PASSWORD"] or "",
        "use_tls": bool(read.get("EMAIL_USE_TLS")),
        "use_ssl": bool(read.get("EMAIL_USE_SSL")),
        "timeout": PATIENCE,
    }
    return {"default": {"BACKEND": "notifications.channels.smtp.Backend", "OPTIONS": options}}
