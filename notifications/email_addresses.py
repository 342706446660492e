"""E-mail addresses: an address becomes a person's when they send back the code that was mailed to it.

* A person gets at most 1 code a minute, 5 an hour and 10 a day. An address gets 3 an hour and 6 a day, for all
  persons together. PostgreSQL counts under a lock, so the numbers hold exactly, however many requests come at once.
* A code lives fifteen minutes, works once, and ends after five wrong guesses.
* Until the new address is confirmed, the old one stays.
"""

import uuid
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.crypto import constant_time_compare, salted_hmac

from notifications import mail
from notifications.codes import WRONG_GUESSES, WrongCode, new_code
from notifications.models import EmailCode, Profile
from web.quotas import DAY, HOUR, MINUTE, Quotas, TooOften, wait
from web.words import bilingual

CODE_LIFE = timedelta(minutes=15)
PER_PERSON: Quotas = ((1, MINUTE), (5, HOUR), (10, DAY))
PER_ADDRESS: Quotas = ((3, HOUR), (6, DAY))
_ADDRESS_LOCK = 7003


class TooManyMails(TooOften):
    """The person or the address has asked for too many codes."""

    code = "too_many_mails"
    reason = bilingual("获取邮箱验证码过于频繁。", "Too many codes were asked for.")


def ask(person: uuid.UUID, email: str, language: str) -> None:
    """Mail a code to the address that the person says is theirs. Never call it in a transaction.

    Raises TooManyMails, NoMailServer, AddressRefused or MailNotSent. A mail that was not sent does not count towards
    the limits.
    """
    mail.ready()
    email = email.lower()
    code = new_code()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_ADDRESS_LOCK, email])
        _hold(person)
        _check_limits(person, email)
        row = EmailCode.objects.create(person_id=person, email=email, code_hash=_hash(person, code))
    try:
        mail.send_code(email, code, language, minutes=int(CODE_LIFE / MINUTE))
    except Exception:
        EmailCode.objects.filter(pk=row.pk).delete()
        raise


def confirm(person: uuid.UUID, code: str) -> None:
    """Give the person the address that the code was mailed to. Raises WrongCode, and then counts the wrong guess."""
    with transaction.atomic():
        _hold(person)
        live = EmailCode.objects.filter(
            person=person, used_at=None, created_at__gt=Now() - CODE_LIFE, wrong__lt=WRONG_GUESSES
        )
        given = _hash(person, code)
        right = [row for row in live.order_by("-id") if constant_time_compare(bytes(row.code_hash), given)]
        if right:
            Profile.objects.update_or_create(
                person_id=person, defaults={"email": right[0].email, "email_confirmed_at": Now()}
            )
            _use_up(person)
        else:
            live.update(wrong=F("wrong") + 1)
    if not right:
        raise WrongCode


def forget(person: uuid.UUID) -> None:
    """Delete the person's address, and every code that could give them one."""
    with transaction.atomic():
        _hold(person)
        Profile.objects.filter(person=person).update(email="", email_confirmed_at=None)
        _use_up(person)


def _hold(person: uuid.UUID) -> None:
    """Lock the person's codes until the transaction ends, so that nobody else counts them meanwhile."""
    get_user_model().objects.select_for_update(no_key=True).values_list("pk").get(pk=person)


def _use_up(person: uuid.UUID) -> None:
    EmailCode.objects.filter(person=person, used_at=None).update(used_at=Now())


def _check_limits(person: uuid.UUID, email: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        (now,) = cursor.fetchone()
    lately = EmailCode.objects.filter(created_at__gt=now - DAY).order_by("-created_at")
    to_person = list(lately.filter(person=person).values_list("created_at", flat=True))
    to_address = list(lately.filter(email=email).values_list("created_at", flat=True))
    longest = max(wait(now, to_person, PER_PERSON), wait(now, to_address, PER_ADDRESS))
    if longest > timedelta(0):
        raise TooManyMails(longest.total_seconds())


def _hash(person: uuid.UUID, code: str) -> bytes:
    return salted_hmac("notifications.addresses.code", f"{person} {code}", algorithm="sha256").digest()
