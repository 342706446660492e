"""Secrets at rest: the database holds them encrypted, Python reads them in plain text."""

import base64
import hashlib
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


@cache
def _box(*keys: str) -> MultiFernet:
    # The prefix is part of every key: another one could not read what is stored.
    derived = (hashlib.sha256(b"linli.notifications.sealed:" + key.encode()).digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])


def encrypted(text: str) -> str:
    """The text, encrypted under SECRET_KEY."""
    return _current_box().encrypt(text.encode()).decode()


def decrypted(text: str) -> str:
    """What `encrypted` made it of, under SECRET_KEY or a key of SECRET_KEY_FALLBACKS. Raises InvalidToken where the key is gone."""
    return _current_box().decrypt(text.encode()).decode()


def _current_box() -> MultiFernet:
    return _box(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


class EncryptedField(models.TextField):
    """Text that is encrypted under SECRET_KEY. What older keys (SECRET_KEY_FALLBACKS) encrypted can still be read.

    Text whose key is gone reads as empty, so what needs it counts as not set up. The column cannot be searched.
    """

    def from_db_value(self, value: str | None, *args: object) -> str | None:
        """The plain text."""
        if not value:
            return value
        try:
            return decrypted(value)
        except InvalidToken:
            return ""

    def get_prep_value(self, value: object) -> object:
        """The encrypted text."""
        return encrypted(str(value)) if value else value
