"""Signing in: a code to the phone, then a token for a device or a session for a browser.

What the limits promise, and to whom; PostgreSQL counts under a lock, so the numbers hold exactly however many ask at once:

* A phone is sent at most 1 code a minute, 5 an hour and 10 a day: the operators' gateways refuse more.
* Of these, strangers together get at most 3 an hour and 6 a day, and one address of theirs 2 and 4; with those who come
  from an address that the phone has signed in from before, 4 and 8. The rest is kept for devices that have signed in with
  it before. So whoever signs in where they did before gets a code, whatever strangers ask for.
* An address asks for at most `settings.CODES_PER_ADDRESS` an hour for phones at which it is a stranger. Those who are
  known at their phone are neither counted nor stopped by it: a whole district may share one address of its operator.
* A code lives five minutes and works once. It works wherever its owner types it: not only where it was asked for, and
  not only while it is the latest. So a stranger who asks for codes to somebody's phone stops nobody from using them.
* A code stands five wrong guesses by whoever holds the request that it was sent for, five by others at the address that
  asked, and five by all the rest, who have ten a day at one phone. So nobody else's guesses use up those of a client that
  sends its request along; without it, those at other addresses do not. And at all of a phone's codes of a day there are
  110 wrong guesses at most: one chance in nine thousand.
* Whoever has never signed in with the phone from this device or address shares with strangers: those with several
  addresses can use up the 6. A bound WeChat account needs no code.
* Whether a phone belongs to a person is not asked before its code is right, and so never told to strangers.
"""

import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core import signing
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.crypto import constant_time_compare, salted_hmac

from community import known, limits
from community.authentication import token_hash
from community.models import Person, SignInCode, SignInToken, Standing, WechatAccount
from community.models.signin import CODE_LIFE
from notifications import sms
from notifications.channels.wechat import grants
from notifications.codes import WRONG_GUESSES, WrongCode, new_code
from web.quotas import DAY, HOUR, MINUTE, Quotas, TooOften, wait
from web.words import bilingual

# Codes to one phone, for callers of this standing and all lower standings together.
PER_PHONE: dict[Standing, Quotas] = {
    Standing.STRANGER: ((3, HOUR), (6, DAY)),
    Standing.ADDRESS: ((4, HOUR), (8, DAY)),
    Standing.DEVICE: ((1, MINUTE), (5, HOUR), (10, DAY)),
}
# What it is sent for strangers at one address.
PER_PHONE_AND_ADDRESS: Quotas = ((2, HOUR), (4, DAY))
GUESSES_ELSEWHERE = 10  # a day, at the codes of one phone, without their requests and from other addresses
TICKET_LIFE = timedelta(minutes=10)
_TICKET_SALT = "community.signin.wechat"
_REQUEST_SALT = "community.signin.request"

_TO_PHONE = """
SELECT clock.at, code.created_at, code.standing, code.address
FROM (SELECT statement_timestamp() AS at) clock
LEFT JOIN community_signincode code ON code.phone = %s AND code.created_at > clock.at - interval '1 day'
ORDER BY code.created_at DESC
"""
_FROM_ADDRESS = """
SELECT created_at FROM community_signincode
WHERE address = %s AND standing = 0 AND created_at > statement_timestamp() - interval '1 hour'
ORDER BY created_at DESC LIMIT %s
"""


class TooManyCodes(TooOften):
    """The phone or the address has asked for too many codes."""

    code = "too_many_codes"
    reason = bilingual("获取验证码过于频繁。", "Too many codes were asked for.")


class Disabled(Exception):
    """The person may no longer sign in."""

    code = "disabled"
    reason = bilingual("该账号已停用，请联系街道办事处。", "This account is disabled; ask your street office.")


class BadTicket(Exception):
    """The ticket to bind a WeChat account was not issued here, or is too old."""

    code = "bad_ticket"
    reason = bilingual("绑定已超时，请重新进入小程序。", "Binding took too long; open the mini-program again.")


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token; `secret` is shown to its device once, and only the device keeps it."""

    secret: str
    token: SignInToken


def send_code(phone: str, address: str, device_key: str = "") -> str:
    """Send a sign-in code to `phone`, asked for from `address`. Returns the request, which is to be sent along with the code.

    `device_key` is the key that a device got when it signed in before. Raises TooManyCodes, or what the gateway
    raises.
    """
    code = new_code()
    with transaction.atomic():
        limits.hold(phone, address)
        standing = known.standing(phone, address, device_key)
        if not (settings.UNLIMITED_PHONES and settings.UNLIMITED_PHONES.fullmatch(phone)):
            _check_limits(phone, address, standing)
        row = SignInCode.objects.create(
            phone=phone, address=address, standing=standing, code_hash=_code_hash(phone, code)
        )
    try:
        sms.send_code(phone, code)
    except Exception:
        # What was not sent does not count.
        SignInCode.objects.filter(id=row.id).delete()
        raise
    return signing.dumps(row.id.hex, salt=_REQUEST_SALT)


def asked_in(request: str) -> str:
    """The code's id in a signed request; empty where the request is not ours. Runs no query."""
    try:
        return str(signing.loads(request, salt=_REQUEST_SALT, max_age=CODE_LIFE))
    except signing.BadSignature:
        return ""


def sign_in_device(phone: str, code: str, address: str, device: str, request: str = "") -> Issued:
    """A token for a device, for the person whose `phone` got `code`. Raises WrongCode or Disabled."""
    with transaction.atomic():
        person = _enter(phone, code, address, request)
        issued = issue(person, device) if person else None
    if issued is None:
        raise WrongCode
    return issued


def sign_in_browser(phone: str, code: str, address: str, request: str = "") -> Person:
    """The person whose `phone` got `code`, for a session. Raises WrongCode or Disabled."""
    with transaction.atomic():
        person = _enter(phone, code, address, request)
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
    return issue(account.person, device, account)


def binding_ticket(openid: str) -> str:
    """A signed proof that its holder signed in with this WeChat account; valid for TICKET_LIFE."""
    return signing.dumps(openid, salt=_TICKET_SALT)


def bind_wechat(ticket: str, phone: str, code: str, address: str, device: str, request: str = "") -> Issued:
    """Bind the ticket's WeChat account to the person whose `phone` got `code`.

    An account that was bound to somebody else moves over: its tokens of that person end, and what they allowed WeChat
    to send is deleted. Raises BadTicket, WrongCode or Disabled.
    """
    try:
        openid = signing.loads(ticket, salt=_TICKET_SALT, max_age=TICKET_LIFE)
    except signing.BadSignature:
        raise BadTicket from None
    with transaction.atomic():
        person = _enter(phone, code, address, request)
        if person:
            account, _ = WechatAccount.objects.update_or_create(openid=openid, defaults={"person": person})
            SignInToken.objects.filter(wechat=account).exclude(person=person).delete()
            grants.forget_account(openid, keep=person.pk)
            issued = issue(person, device, account)
    if person is None:
        raise WrongCode
    return issued


def issue(person: Person, device: str, wechat: WechatAccount | None = None, *, second_factor: bool = False) -> Issued:
    """A new token of 256 random bits for a device of `person`. A token for a WeChat account ends with its binding.

    `second_factor`: whether the person has proved one. A code, a password or a WeChat account is none.
    """
    secret = f"linli_{secrets.token_urlsafe(32)}"
    token = SignInToken.objects.create(
        person=person, wechat=wechat, device=device, second_factor=second_factor, token_hash=token_hash(secret)
    )
    return Issued(secret, token)


def revoke(person: Person) -> None:
    """Sign the person out everywhere: tokens, sessions and WeChat bindings end, and no device or address stays known.

    What their WeChat accounts were allowed to send is deleted, too. Runs in the caller's transaction.
    """
    Person.objects.filter(pk=person.pk).update(sign_outs=F("sign_outs") + 1)
    person.refresh_from_db(fields=["sign_outs"])
    person.tokens.all().delete()
    person.wechat_accounts.all().delete()
    grants.forget(person.pk)
    person.known_addresses.all().delete()


def _code_hash(phone: str, code: str) -> bytes:
    return salted_hmac("community.signin.code", f"{phone} {code}", algorithm="sha256").digest()


def _check_limits(phone: str, address: str, standing: Standing) -> None:
    """Raise TooManyCodes at a limit. The caller's transaction must have locked what is counted."""
    most = limits.for_address(address, settings.CODES_PER_ADDRESS)
    with connection.cursor() as cursor:
        cursor.execute(_TO_PHONE, [phone])
        sent = cursor.fetchall()
        at = sent[0][0]
        sent = [row for row in sent if row[1] is not None]
        waits = [
            wait(at, [created for _, created, its, _ in sent if its <= pool], PER_PHONE[pool])
            for pool in Standing
            if pool >= standing
        ]
        if standing == Standing.STRANGER:
            if address:
                here = [created for _, created, its, asked in sent if (its, asked) == (standing, address)]
                waits.append(wait(at, here, PER_PHONE_AND_ADDRESS))
            cursor.execute(_FROM_ADDRESS, [address, most])
            waits.append(wait(at, [created for (created,) in cursor.fetchall()], ((most, HOUR),)))
    if max(waits) > timedelta(0):
        raise TooManyCodes(max(waits).total_seconds())


def _named(request: str) -> uuid.UUID | None:
    """The code that a request of ours was answered with; None for anything else."""
    found = asked_in(request)
    return uuid.UUID(found) if found else None


def _enter(phone: str, code: str, address: str, request: str) -> Person | None:
    """The person whose live code this is, created where there is none. None where the code is wrong, which counts a guess.

    Runs in the caller's transaction, which must commit either way. Raises Disabled.
    """
    if not prove(phone, code, address, request):
        return None
    newcomer = {"name": str(bilingual("居民", "Resident")), "password": make_password(None)}
    person, _ = Person.objects.get_or_create(phone=phone, defaults=newcomer)
    if not person.is_active:
        raise Disabled
    known.remember(person, address)
    return person


def prove(phone: str, code: str, address: str, request: str) -> bool:
    """Whether `code` is one of the phone's live codes. Right: all of them are used up. Wrong: a guess is counted.

    Runs in the caller's transaction, which must commit either way.
    """
    limits.hold(phone)
    today = SignInCode.objects.filter(phone=phone, created_at__gt=Now() - DAY)
    live = today.filter(used_at=None, created_at__gt=Now() - CODE_LIFE)
    spent_elsewhere = sum(today.values_list("wrong_elsewhere", flat=True))
    named, given, right = _named(request), _code_hash(phone, code), False
    guessed: dict[str, list[uuid.UUID]] = {}
    for row in live.order_by("id"):
        if row.id == named:
            counter = "wrong_by_request"
        elif row.address == address and address:
            counter = "wrong_here"
        else:
            counter = "wrong_elsewhere"
            if spent_elsewhere + len(guessed.get(counter, ())) >= GUESSES_ELSEWHERE:
                continue
        if getattr(row, counter) >= WRONG_GUESSES:
            continue
        guessed.setdefault(counter, []).append(row.id)
        right |= constant_time_compare(bytes(row.code_hash), given)
    if right:
        live.update(used_at=Now())
    else:
        for counter, ids in guessed.items():
            SignInCode.objects.filter(id__in=ids).update(**{counter: F(counter) + 1})
    return right
