"""Ending mail by a link in the mail itself (RFC 8058), without signing in."""

import uuid
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.urls import reverse

from notifications.models import Message
from notifications.preferences import Preferences, save
from notifications.topics import ChannelName, Topic
from notifications.wordings.digest import KIND

_SALT = "notifications.unsubscribing"


class BadLink(Exception):
    """The link is not ours, or its person no longer exists."""


@dataclass(frozen=True, slots=True)
class Mailing:
    """The topics of one mail to one person."""

    person: uuid.UUID
    topics: tuple[Topic, ...]

    @classmethod
    def read(cls, token: str) -> "Mailing":
        """Read a token, which is valid as long as SECRET_KEY stays the same. Raises BadLink."""
        try:
            person, *topics = Signer(salt=_SALT).unsign_object(token)
        except BadSignature as error:
            raise BadLink from error
        return cls(uuid.UUID(person), tuple(Topic(one) for one in topics))

    @classmethod
    def of(cls, person: uuid.UUID, delivery: uuid.UUID) -> "Mailing":
        """The topics of a delivery to a person; a digest has those of its parts."""
        itself = Message.objects.filter(deliveries=delivery).exclude(kind=KIND)
        parts = Message.objects.filter(gathered_into__deliveries=delivery)
        told = set(itself.values_list("topic", flat=True).union(parts.values_list("topic", flat=True)))
        return cls(person, tuple(one for one in Topic if one in told))

    @property
    def address(self) -> str:
        """The path of the unsubscribe page: signed, and nothing in it says who the person is."""
        return reverse("unsubscribe", args=[Signer(salt=_SALT).sign_object([self.person.hex, *self.topics])])

    @property
    def wanted(self) -> list[Topic]:
        """Those of the topics that the person still gets by e-mail."""
        preferences = Preferences([self.person])
        return [one for one in self.topics if preferences.wants(self.person, one, ChannelName.EMAIL)]

    def end(self) -> None:
        """Switch the topics off by e-mail for the person; a second time does no harm. Raises BadLink where the person no longer exists."""
        with transaction.atomic():
            there = get_user_model().objects.select_for_update(no_key=True).filter(pk=self.person)
            if not there.values_list("pk").first():
                raise BadLink
            save(self.person, ((one, ChannelName.EMAIL, False) for one in self.topics))
