"""Ending mail by an address that the mail itself names (RFC 8058): its holder needs no sign-in."""

import uuid
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.urls import reverse

from notifications.digests import KIND
from notifications.models import Message
from notifications.topics import ChannelName, Topic
from notifications.wishes import Wishes, say

_SALT = "notifications.unsubscribing"


class BadLink(Exception):
    """An address that we did not give out, or whose person is gone."""


@dataclass(frozen=True, slots=True)
class Mailing:
    """The topics that a mail told its person of."""

    person: uuid.UUID
    topics: tuple[Topic, ...]

    @classmethod
    def read(cls, token: str) -> "Mailing":
        """What the token names, for as long as SECRET_KEY stays. Raises BadLink."""
        try:
            person, *topics = Signer(salt=_SALT).unsign_object(token)
        except BadSignature as error:
            raise BadLink from error
        return cls(uuid.UUID(person), tuple(Topic(one) for one in topics))

    @classmethod
    def of(cls, person: uuid.UUID, delivery: uuid.UUID) -> "Mailing":
        """What a delivery to the person tells of; a digest tells of what its parts do."""
        itself = Message.objects.filter(deliveries=delivery).exclude(kind=KIND)
        parts = Message.objects.filter(gathered_into__deliveries=delivery)
        told = set(itself.values_list("topic", flat=True).union(parts.values_list("topic", flat=True)))
        return cls(person, tuple(one for one in Topic if one in told))

    @property
    def address(self) -> str:
        """Where it can be ended, without the site: signed, and nothing in it says who the person is."""
        return reverse("unsubscribe", args=[Signer(salt=_SALT).sign_object([self.person.hex, *self.topics])])

    @property
    def wanted(self) -> list[Topic]:
        """The topics that the person still hears of by e-mail."""
        wishes = Wishes([self.person])
        return [one for one in self.topics if wishes.wants(self.person, one, ChannelName.EMAIL)]

    def end(self) -> None:
        """Decline the topics by e-mail for the person; again does no harm. Raises BadLink where the person is gone."""
        with transaction.atomic():
            there = get_user_model().objects.select_for_update(no_key=True).filter(pk=self.person)
            if not there.values_list("pk").first():
                raise BadLink
            say(self.person, ((one, ChannelName.EMAIL, False) for one in self.topics))
