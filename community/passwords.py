"""Signing in by password, for the few people who have one. Wrong passwords are counted by where they come from.

* One address may give 5 wrong passwords for a phone in a quarter of an hour, 20 a day, and 50 an hour for all phones.
  PostgreSQL counts each attempt under a lock before the password is checked, so the numbers hold exactly, and removes
  it where the password was right.
* Nothing is counted for a phone alone, so a stranger locks nobody out. On a device that has signed in with the phone
  before, the device is counted and not the address, so others at the same address do not lock its owner out.
* An unknown phone, a person without a password and a disabled person get the same answer after the same work.
"""

from datetime import timedelta

from django.contrib.auth import authenticate
from django.db import transaction
from django.db.models.functions import Now
from django.http import HttpRequest

from community import known, limits
from community.models import PasswordAttempt, Person
from web.quotas import DAY, HOUR, Quotas, TooOften, wait
from web.words import bilingual

PER_PAIR: Quotas = ((5, timedelta(minutes=15)), (20, DAY))
PER_ADDRESS = 50  # an hour
_DEVICE = "device"


class WrongPassword(Exception):
    """The phone and the password do not belong together, or the person may not sign in."""

    code = "wrong_password"
    reason = bilingual("手机号或密码不正确。", "The phone or the password is wrong.")


class TooManyAttempts(TooOften):
    """Too many wrong passwords."""

    code = "too_many_attempts"
    reason = bilingual("密码错误次数过多。", "There were too many wrong passwords.")


def sign_in_by_password(request: HttpRequest, phone: str, password: str, address: str, device_key: str = "") -> Person:
    """The person with this phone and password, who signs in from `address`. Raises WrongPassword or TooManyAttempts."""
    origin = _DEVICE if known.is_device(phone, device_key) else address
    with transaction.atomic():
        _check_limits(phone, origin)
        attempt = PasswordAttempt.objects.create(phone=phone, origin=origin)
    # Outside of the lock: it takes a good part of a second.
    person = authenticate(request, username=phone, password=password)
    if not isinstance(person, Person):
        raise WrongPassword
    PasswordAttempt.objects.filter(id=attempt.id).delete()
    known.remember(person, address)
    return person


def _check_limits(phone: str, origin: str) -> None:
    """Raise TooManyAttempts at a limit. Otherwise lock the count, so that only this transaction can add an attempt until it ends."""
    limits.hold(phone, None if origin == _DEVICE else origin)
    attempts = PasswordAttempt.objects.filter(created_at__gt=Now() - DAY, origin=origin).order_by("-created_at")
    most = limits.for_address(origin, PER_ADDRESS)
    pair = list(attempts.filter(phone=phone).values_list("created_at", Now())[: PER_PAIR[-1][0]])
    waits = [wait(pair[0][1], [created for created, _ in pair], PER_PAIR)] if pair else []
    if origin != _DEVICE:
        all_phones = list(attempts.values_list("created_at", Now())[:most])
        waits += [wait(all_phones[0][1], [at for at, _ in all_phones], ((most, HOUR),))] if all_phones else []
    if waits and max(waits) > timedelta(0):
        raise TooManyAttempts(max(waits).total_seconds())
