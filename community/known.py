"""Who is known at a phone: devices and addresses that have signed in with it, so that strangers cannot use up their share.

Being known opens no door: it only decides whose share of a phone's codes is used, and whose wrong passwords are counted.
"""

import uuid

from django.core import signing
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from community.models import KnownAddress, Person, Standing
from community.models.signin import KNOWN_FOR

_KEY_SALT = "community.known.device"


def device_key(person: Person) -> str:
    """What a device keeps, also beyond signing out, to be known at the person's phone; void once everything is signed out."""
    return signing.dumps([person.pk.hex, person.sign_outs], salt=_KEY_SALT)


def holder_of(key: str) -> str:
    """Whose device key it is, by its signature alone; empty where it is none of ours. Asks no database."""
    try:
        person, _ = signing.loads(key, salt=_KEY_SALT, max_age=KNOWN_FOR)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    return str(person)


def is_device(phone: str, key: str) -> bool:
    """Whether `key` is of a device that has signed in with `phone` within KNOWN_FOR."""
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
    """How well somebody at `address` with this device key is known at `phone`."""
    if is_device(phone, key):
        return Standing.DEVICE
    return Standing.ADDRESS if is_address(phone, address) else Standing.STRANGER


def remember(person: Person, address: str) -> None:
    """Write down that the person has signed in from `address`."""
    if address:
        KnownAddress.objects.update_or_create(
            digest=_digest(person.phone, address), defaults={"person": person, "last_used_at": Now()}
        )


def _digest(phone: str, address: str) -> bytes:
    return salted_hmac("community.known.address", f"{phone} {address}", algorithm="sha256").digest()
