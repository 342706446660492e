"""The keys of screens on a wall, which show what the street watches and let nobody do anything."""

import secrets
import uuid
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from community.models import Language, Organisation, Person
from web.models import Identified
from web.words import bilingual

CODE_LIFE = timedelta(minutes=15)
"""How long after it was made a code can be typed at a screen."""
# Without what looks or sounds alike.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_LENGTH = 10


def new_code() -> str:
    """A code to be typed at a screen, in two groups."""
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH))
    return f"{code[:5]}-{code[5:]}"


def _code_hash(code: str) -> bytes:
    plain = code.upper().replace("-", "").replace(" ", "")
    return salted_hmac("console.display", plain, algorithm="sha256").digest()


def key_hash(key: str) -> bytes:
    """What is kept of a key."""
    return sha256(key.encode()).digest()


class DisplayKeyQuerySet(models.QuerySet["DisplayKey"]):
    """Keys, by what may be done with them."""

    def in_use(self) -> Self:
        """Those that a screen may show something by: not revoked, of an office that there is."""
        return self.filter(revoked_at=None, organisation__active=True)

    def waiting(self) -> Self:
        """Those whose code can still be typed."""
        return self.in_use().filter(key_hash=None, created_at__gt=Now() - CODE_LIFE)


class DisplayKey(Identified):
    """What one screen on a wall of a street office shows the oversight by: it reads, and does nothing else.

    Whoever makes it is shown a code once, which is typed at the screen within CODE_LIFE. The screen's browser gets the key in exchange, in
    a cookie for the display's address alone. Neither is kept, only an HMAC of the code and the SHA-256 of the key, and neither stands in
    an address, so that no log has them. `last_used_at` is recorded at most once a minute.
    """

    organisation = models.ForeignKey(
        Organisation, models.CASCADE, related_name="+", verbose_name=bilingual("街道办事处", "street office")
    )
    name = models.CharField(bilingual("位置", "place"), max_length=60)
    language = models.CharField(bilingual("语言", "language"), max_length=10, choices=Language.choices)
    code_hash = models.BinaryField(unique=True)
    key_hash = models.BinaryField(null=True, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    paired_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)

    objects = DisplayKeyQuerySet.as_manager()

    class Meta:
        verbose_name = bilingual("大屏密钥", "display key")
        verbose_name_plural = bilingual("大屏密钥", "display keys")
        constraints = [
            models.CheckConstraint(
                condition=Q(key_hash=None, paired_at=None) | Q(key_hash__isnull=False, paired_at__isnull=False),
                name="displaykey_paired_with_key",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_by=None) | Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="displaykey_revoked_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def make(cls, organisation: uuid.UUID, name: str, by: Person) -> tuple[Self, str]:
        """A new key for a screen of the office, and the code that is to be typed there."""
        code = new_code()
        made = cls.objects.create(
            organisation_id=organisation, name=name, language=by.language, code_hash=_code_hash(code), created_by=by
        )
        return made, code

    @classmethod
    def exchange(cls, code: str) -> str | None:
        """A new key for the code, which is used up by that; None where no screen waits for that code."""
        key = secrets.token_urlsafe(32)
        waiting = cls.objects.waiting().filter(code_hash=_code_hash(code))
        paired = waiting.update(key_hash=key_hash(key), paired_at=Now(), last_used_at=Now())
        return key if paired else None

    def waits(self, now: datetime) -> bool:
        """Whether its code can still be typed."""
        return self.key_hash is None and self.revoked_at is None and now < self.created_at + CODE_LIFE
