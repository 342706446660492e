"""Secrets at rest: a column that the database holds encrypted, and Python reads in the clear."""

import base64
import hashlib
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


@cache
def _box(*keys: str) -> MultiFernet:
    derived = (hashlib.sha256(b"linli.notifications.sealed:" + key.encode()).digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])


class SealedField(models.TextField):
    """Text that is encrypted under SECRET_KEY; what older keys (SECRET_KEY_FALLBACKS) sealed can still be read.

    Sealed by a key that is gone, it reads as empty: what needs it is then not set up. It cannot be searched by.
    """

    def from_db_value(self, value: str | None, *args: Any) -> str | None:
        """In the clear."""
        if not value:
            return value
        try:
            return self._box().decrypt(value.encode()).decode()
        except InvalidToken:
            return ""

    def get_prep_value(self, value: Any) -> Any:
        """Encrypted."""
        return self._box().encrypt(str(value).encode()).decode() if value else value

    def _box(self) -> MultiFernet:
        return _box(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
