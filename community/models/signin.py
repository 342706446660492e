"""How people prove who they are: codes sent to their phone, tokens on their devices, WeChat accounts."""

from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from community.models.people import Person
from community.phones import MOBILE, masked_phone
from notifications.codes import WRONG_GUESSES
from web.models import Identified
from web.words import bilingual

CODE_LIFE = timedelta(minutes=5)
TOKEN_LIFE = timedelta(days=90)  # since it was last used
KNOWN_FOR = timedelta(days=180)  # since an address or a device last signed in with a phone


class Standing(models.IntegerChoices):
    """How well a caller is known for a phone. Each standing has its own share of codes."""

    STRANGER = 0
    ADDRESS = 1  # from where this phone has signed in before; neighbours may share it
    DEVICE = 2  # on which this phone has signed in before


class SignInCode(Identified):
    """A code that was sent to a phone; kept for a day after it has expired, because the limits count what was sent.

    `code_hash` is an HMAC under SECRET_KEY. Wrong guesses are counted apart for whoever holds the request that the code
    was sent for, for others at the address that asked, and for all the rest, so that a stranger's guesses do not use up
    those of the person who is waiting for it.
    """

    phone = models.CharField(max_length=11)
    address = models.CharField(max_length=50, blank=True)
    standing = models.PositiveSmallIntegerField(db_default=Standing.STRANGER)
    code_hash = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())
    used_at = models.DateTimeField(null=True)
    wrong_by_request = models.PositiveSmallIntegerField(db_default=0)
    wrong_here = models.PositiveSmallIntegerField(default=0)
    wrong_elsewhere = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index("phone", "created_at", name="signincode_by_phone"),
            models.Index("address", "created_at", name="signincode_by_address"),
            models.Index("created_at", name="signincode_by_age"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(phone__regex=MOBILE), name="signincode_mobile_number"),
            models.CheckConstraint(
                condition=Q(wrong_here__lte=WRONG_GUESSES, wrong_elsewhere__lte=WRONG_GUESSES),
                name="signincode_wrong_guesses",
            ),
            models.CheckConstraint(
                condition=Q(wrong_by_request__lte=WRONG_GUESSES), name="signincode_wrong_by_request"
            ),
            models.CheckConstraint(condition=Q(standing__in=Standing.values), name="signincode_standing"),
        ]

    def __str__(self) -> str:
        return masked_phone(self.phone)


class SignInTokenQuerySet(models.QuerySet["SignInToken"]):
    """Tokens, by whether they still sign in."""

    def live(self) -> Self:
        """Those used within TOKEN_LIFE."""
        return self.filter(last_used_at__gt=Now() - TOKEN_LIFE)

    def expired(self) -> Self:
        """The others."""
        return self.exclude(last_used_at__gt=Now() - TOKEN_LIFE)


class SignInToken(Identified):
    """A device that stays signed in: the SHA-256 of an opaque token that only the device knows.

    It ends when it is deleted, or TOKEN_LIFE after its last use, which is recorded at most once an hour. A token for
    a WeChat account (`wechat`) ends with its binding, too. `second_factor`: the person had proved one when the token was made.
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="tokens")
    wechat = models.ForeignKey("WechatAccount", on_delete=models.CASCADE, null=True, related_name="tokens")
    token_hash = models.BinaryField(unique=True)
    device = models.CharField(max_length=60, blank=True)
    second_factor = models.BooleanField(db_default=False)
    created_at = models.DateTimeField(db_default=Now())
    last_used_at = models.DateTimeField(db_default=Now(), db_index=True)

    objects = SignInTokenQuerySet.as_manager()

    class Meta:
        verbose_name = bilingual("登录设备", "signed-in device")
        verbose_name_plural = bilingual("登录设备", "signed-in devices")

    def __str__(self) -> str:
        return self.device or str(self.id)


class WechatAccount(Identified):
    """A WeChat account (openid in our mini-program) that signs in as a person."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="wechat_accounts")
    openid = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = bilingual("微信账号", "WeChat account")
        verbose_name_plural = bilingual("微信账号", "WeChat accounts")

    def __str__(self) -> str:
        return f"{self.openid[:4]}…"


class KnownAddress(Identified):
    """A phone has signed in from an address within KNOWN_FOR; both are stored as one HMAC, which reveals neither."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="known_addresses")
    digest = models.BinaryField(unique=True)
    last_used_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        verbose_name = bilingual("登录过的地址", "known address")
        verbose_name_plural = bilingual("登录过的地址", "known addresses")

    def __str__(self) -> str:
        return str(self.id)
