"""Signing in: a code to the phone, then a token for a device or a session for a browser.

What the limits promise, and to whom:

* A phone is sent at most 1 code a minute, 5 an hour and 10 a day (RULES.md §7.3), an address asks for at most
  `settings.CODES_PER_ADDRESS` an hour. PostgreSQL counts under a lock, so the numbers hold exactly however many ask at once.
* A code lives five minutes and works once. It works wherever its owner types it: not only where it was asked for, and
  not only while it is the latest. So a stranger who asks for codes to somebody's phone stops nobody from using them.
* A code stands five wrong guesses from the address that asked for it, and five from all others together. So a stranger
  who guesses elsewhere does not use up the guesses of the person who waits for it, and nobody has more than ten at one
  code: one chance in a hundred thousand, and one in ten thousand a day at all of a phone's codes.
* A stranger can use up a phone's codes for the day, since the operators would refuse the eleventh anyway. Devices that are
  signed in and a bound WeChat account do not need a code.
* Whether a phone belongs to a person is not asked before its code is right, and so never told.
"""

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core import signing
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.crypto import constant_time_compare, salted_hmac

from community.authentication import token_hash
from community.models import Person, SignInCode, SignInToken, WechatAccount
from community.models.signin import CODE_LIFE, WRONG_GUESSES
from notifications import sms
from web.words import bilingual

PER_PHONE = ((1, timedelta(minutes=1)), (5, timedelta(hours=1)), (10, timedelta(days=1)))
LONGEST = max(window for _, window in PER_PHONE)
TICKET_LIFE = timedelta(minutes=10)
_TICKET_SALT = "community.signin.wechat"

# Two families of advisory locks; a transaction takes the address's before the phone's.
_ADDRESS_LOCK, _PHONE_LOCK = 7001, 7002
_SENT = """
SELECT statement_timestamp(),
  ARRAY(SELECT created_at FROM community_signincode WHERE phone = %s
        ORDER BY created_at DESC LIMIT %s),
  ARRAY(SELECT created_at FROM community_signincode WHERE address = %s AND address <> ''
        ORDER BY created_at DESC LIMIT %s)
"""


class TooManyCodes(Exception):
    """The phone or the address has had its share of codes; `wait` is in seconds."""

    code = "too_many_codes"
    reason = bilingual("获取验证码过于频繁，请稍后再试。", "Too many codes were asked for; try again later.")

    def __init__(self, wait: float):
        self.wait = wait
        super().__init__(wait)


class WrongCode(Exception):
    """The code is wrong, used, too old, or was guessed at too often."""

    code = "wrong_code"
    reason = bilingual("验证码不正确或已失效。", "The code is wrong or no longer valid.")


class Disabled(Exception):
    """The person may no longer sign in."""

    code = "disabled"
    reason = bilingual("该账号已停用，请联系街道办事处。", "This account is disabled; ask your street office.")


class BadTicket(Exception):
    """The ticket to bind a WeChat account is not ours, or too old."""

    code = "bad_ticket"
    reason = bilingual("绑定已超时，请重新进入小程序。", "Binding took too long; open the mini-program again.")


@dataclass(frozen=True, slots=True)
class Issued:
    """A fresh token: `secret` is shown to its device once and kept by nobody else."""

    secret: str
    token: SignInToken


def send_code(phone: str, address: str) -> None:
    """Send a sign-in code to `phone`, for somebody at `address`. Raises TooManyCodes, or what the gateway raises."""
    code = f"{secrets.randbelow(1_000_000):06d}"
    with transaction.atomic():
        _check_limits(phone, address)
        row = SignInCode.objects.create(phone=phone, address=address, code_hash=_code_hash(phone, code))
    try:
        sms.send_code(phone, code)
    except Exception:
        # What was not sent does not count.
        SignInCode.objects.filter(id=row.id).delete()
        raise


def sign_in_device(phone: str, code: str, address: str, device: str) -> Issued:
    """A token for a device, for the person whose `phone` got `code`. Raises WrongCode or Disabled."""
    with transaction.atomic():
        person = _enter(phone, code, address)
        issued = issue(person, device) if person else None
    if issued is None:
        raise WrongCode
    return issued


def sign_in_browser(phone: str, code: str, address: str) -> Person:
    """The person whose `phone` got `code`, for a session. Raises WrongCode or Disabled."""
    with transaction.atomic():
        person = _enter(phone, code, address)
    if person is None:
        raise WrongCode
    return person


def sign_in_wechat(openid: str, device: str) -> Issued | None:
    """A token for the person that the WeChat account is bound to; None where it is bound to nobody. Raises Disabled."""
    account = WechatAccount.objects.select_related("person").filter(openid=openid).first()
    if account is None:
        return None
    if not account.person.is_active:
        raise Disabled
    return issue(account.person, device)


def binding_ticket(openid: str) -> str:
    """A signed word that its holder came with this WeChat account; good for TICKET_LIFE."""
    return signing.dumps(openid, salt=_TICKET_SALT)


def bind_wechat(ticket: str, phone: str, code: str, address: str, device: str) -> Issued:
    """Bind the ticket's WeChat account to the person whose `phone` got `code`; from a former person it moves over.

    Raises BadTicket, WrongCode or Disabled.
    """
    try:
        openid = signing.loads(ticket, salt=_TICKET_SALT, max_age=TICKET_LIFE)
    except signing.BadSignature:
        raise BadTicket from None
    with transaction.atomic():
        person = _enter(phone, code, address)
        if person:
            WechatAccount.objects.update_or_create(openid=openid, defaults={"person": person})
        issued = issue(person, device) if person else None
    if issued is None:
        raise WrongCode
    return issued


def issue(person: Person, device: str) -> Issued:
    """A fresh token of 256 random bits for a device of `person`."""
    secret = f"linli_{secrets.token_urlsafe(32)}"
    return Issued(secret, SignInToken.objects.create(person=person, device=device, token_hash=token_hash(secret)))


def _code_hash(phone: str, code: str) -> bytes:
    return salted_hmac("community.signin.code", f"{phone} {code}", algorithm="sha256").digest()


def _check_limits(phone: str, address: str) -> None:
    """Raise TooManyCodes at a limit; otherwise the caller's transaction alone may add a code until it ends."""
    per_address = ((settings.CODES_PER_ADDRESS, timedelta(hours=1)),)
    with connection.cursor() as cursor:
        # The locks have statements of their own: what is counted must be seen after they are held.
        if address:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_ADDRESS_LOCK, address])
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_PHONE_LOCK, phone])
        cursor.execute(_SENT, [phone, PER_PHONE[-1][0], address, settings.CODES_PER_ADDRESS])
        at, to_phone, from_address = cursor.fetchone()
    wait = max(_wait(at, to_phone, PER_PHONE), _wait(at, from_address, per_address))
    if wait > timedelta(0):
        raise TooManyCodes(wait.total_seconds())


def _wait(at: datetime, sent: list[datetime], limits: tuple[tuple[int, timedelta], ...]) -> timedelta:
    """How long until every limit allows one more; `sent` has the newest first."""
    return max((sent[most - 1] + window - at for most, window in limits if len(sent) >= most), default=timedelta(0))


def _enter(phone: str, code: str, address: str) -> Person | None:
    """The person whose live code this is, made where there was none; None, and a wrong guess counted, otherwise.

    Runs in the caller's transaction, which must commit either way. Raises Disabled.
    """
    live = SignInCode.objects.select_for_update().filter(
        phone=phone, used_at=None, created_at__gt=Now() - CODE_LIFE
    )  # fmt: skip
    given = _code_hash(phone, code)
    right = False
    here: list[uuid.UUID] = []
    elsewhere: list[uuid.UUID] = []
    for row in live.order_by("id"):
        asked_here = bool(address) and row.address == address
        if (row.wrong_here if asked_here else row.wrong_elsewhere) >= WRONG_GUESSES:
            continue
        (here if asked_here else elsewhere).append(row.id)
        right |= constant_time_compare(bytes(row.code_hash), given)
    if not right:
        SignInCode.objects.filter(id__in=here).update(wrong_here=F("wrong_here") + 1)
        SignInCode.objects.filter(id__in=elsewhere).update(wrong_elsewhere=F("wrong_elsewhere") + 1)
        return None
    live.update(used_at=Now())
    newcomer = {"name": str(bilingual("居民", "Resident")), "password": make_password(None)}
    person, _ = Person.objects.get_or_create(phone=phone, defaults=newcomer)
    if not person.is_active:
        raise Disabled
    return person
