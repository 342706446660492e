"""Devices and addresses that have signed in with a phone before. Strangers cannot use up their share of codes.

Being known gives no access. It only decides from which share a code is taken, and where wrong passwords are counted.
"""

import uuid

from django.core import signing
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from community.models import KnownAddress, Person, Standing
from community.models.signin import KNOWN_FOR

_KEY_SALT = "community.known.device"


def device_key(person: Person) -> str:
    """The key that a device keeps, also after signing out, to be known for the person's phone. Signing out everywhere ends it."""
    return signing.dumps([person.pk.hex, person.sign_outs], salt=_KEY_SALT)


def holder_of(key: str) -> str:
    """The person in a device key, from its signature alone; empty where the key is not ours. Runs no query."""
    try:
        person, _ = signing.loads(key, salt=_KEY_SALT, max_age=KNOWN_FOR)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    return str(person)


def is_device(phone: str, key: str) -> bool:
    """Whether the device of `key` has signed in with `phone` within KNOWN_FOR."""
    if not key:
        return False
    try:
        person, sign_outs = signing.loads(key, salt=_KEY_SALT, max_age=KNOWN_FOR)
    except signing.BadSignature:
        return False
    return Person.objects.filter(pk=uuid.UUID(person), phone=phone, sign_outs=sign_outs).exists()


def is_address(phone: str, address: str) -> bool:
    """Whether `phone` has signed in from `address` within KNOWN_FOR."""
    if not address:
        return False
    known = KnownAddress.objects.filter(digest=_digest(phone, address), last_used_at__gt=Now() - KNOWN_FOR)
    return known.exists()


def standing(phone: str, address: str, key: str) -> Standing:
    """How well somebody at `address` with this device key is known for `phone`."""
    if is_device(phone, key):
        return Standing.DEVICE
    return Standing.ADDRESS if is_address(phone, address) else Standing.STRANGER


def remember(person: Person, address: str) -> None:
    """Record that the person has signed in from `address`."""
    if address:
        KnownAddress.objects.update_or_create(
            digest=_digest(person.phone, address), defaults={"person": person, "last_used_at": Now()}
        )


def _digest(phone: str, address: str) -> bytes:
    return salted_hmac("community.known.address", f"{phone} {address}", algorithm="sha256").digest()
