"""The channel that sends text messages to people's phones."""

import uuid
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import ClassVar

from django.contrib.auth import get_user_model
from django.utils import timezone

from notifications.channels.channel import HOUR, MINUTE, Afresh, DeliveryChannel, Envelope, Refused, TryLater, Unwanted
from notifications.channels.sms.gateway import Gateway, SmsText
from notifications.timing import OLD
from notifications.topics import ChannelName

UNKNOWN = "Outcome unknown: the vendor has no receipt"
ASKED_ENOUGH = 4
"""Failures after which a vendor that records every text, and has no record of this text, never accepted it. It was asked for 42 minutes."""


class SmsChannel(DeliveryChannel):
    """Text messages to the number with which a person signs in.

    A text whose outcome is unknown is not simply sent again: no vendor recognises a repeat, and each text costs
    money. Instead, every further attempt asks the vendor for its record. Some vendors record everything that they
    take (`records_all`). If such a vendor has no record after it was asked for long enough, it never had the text,
    and the delivery starts again while its news is young. With any other vendor a missing record proves nothing: the
    delivery is dead in the end, and the office decides.
    """

    name: ClassVar[ChannelName] = ChannelName.SMS
    shape: ClassVar[str] = ChannelName.SMS.value
    slots: ClassVar[int] = 4
    # Eight days of receipts may have to be looked through.
    lease: ClassVar[timedelta] = 3 * MINUTE
    delays: ClassVar[tuple[timedelta, ...]] = (
        timedelta(seconds=30), 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 6 * HOUR, 6 * HOUR,
    )  # fmt: skip

    def __init__(self, gateway: Gateway):
        self.gateway = gateway

    def reachable(self, recipients: Collection[uuid.UUID], content: Mapping[str, object]) -> set[uuid.UUID]:
        """Every active person, because everybody signs in with a mobile number."""
        people = get_user_model().objects.filter(pk__in=recipients, is_active=True)
        return set(people.values_list("pk", flat=True))

    def send(self, envelope: Envelope) -> str:
        """Send the text, or ask what became of it. Returns the vendor's receipt. Raises an Undelivered."""
        person = get_user_model().objects.filter(pk=envelope.recipient).first()
        if person is None:
            raise Unwanted("The person is gone.")
        phone, content = person.get_username(), envelope.content
        if envelope.unsure:
            return self._ask(envelope, phone)
        fields = {name: content["fields"][name] for name in content["order"]}
        return self.gateway.send(SmsText(envelope.key, phone, content["template"], fields))

    def _ask(self, envelope: Envelope, phone: str) -> str:
        try:
            record = self.gateway.find(envelope.key, phone, envelope.at)
        except Refused as refusal:
            raise TryLater(f"Outcome unknown, and the vendor does not say: {refusal.reason}") from refusal
        if record is None:
            asked_enough = self.gateway.records_all and envelope.failures >= ASKED_ENOUGH
            if asked_enough and envelope.at > timezone.now() - OLD:
                raise Afresh("The vendor never took it.")
            raise TryLater(UNKNOWN)
        if record.failure:
            raise Refused(f"The operator could not deliver it: {record.failure}")
        return record.receipt
