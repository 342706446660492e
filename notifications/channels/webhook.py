"""Webhooks by the Standard Webhooks specification (version 1.0.0): signed, small, retried for three days under one id."""

import uuid
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import ClassVar

import orjson
from django.conf import settings
from standardwebhooks import Webhook

from notifications.channels.channel import DeliveryChannel, Envelope, Refused, TryLater, Undelivered, Unwanted
from notifications.channels.http import HttpAnswer, HttpClient
from notifications.channels.outside import Forbidden, Outside, networks, read
from notifications.models import Endpoint
from notifications.models.receivers import GONE, SWITCHED_OFF
from notifications.topics import ChannelName

CONNECT, READ, TOTAL = 5.0, 15.0, 20.0
"""Seconds, as the specification has it: a receiver is given 15 to 30 for its answer."""
_OVERLOADED = frozenset({429, 502, 503, 504})
BREATH = timedelta(seconds=30)
"""Pause for a receiver that is overloaded and names no time itself."""


class WebhookChannel(DeliveryChannel):
    """Posts events to organisations' own systems. A 2xx answer is success, everything else a failure."""

    name: ClassVar[ChannelName] = ChannelName.WEBHOOK
    slots: ClassVar[int] = 6
    quiet: ClassVar[bool] = False
    # A slow receiver must not delay the others.
    slots_each: ClassVar[int | None] = 2
    # TOTAL, and the resolver's timeout.
    lease: ClassVar[timedelta] = timedelta(seconds=90)
    delays: ClassVar[tuple[timedelta, ...]] = (
        timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=5),
        timedelta(hours=10), timedelta(hours=14), timedelta(hours=20), timedelta(hours=24),
    )  # fmt: skip

    def __init__(
        self, safe: Outside, plain: Outside, *, connect: float = CONNECT, read: float = READ, total: float = TOTAL
    ):
        self._outside = {True: safe, False: plain}
        self._clients = {
            which: HttpClient(connect=connect, read=read, total=total, network=network)
            for which, network in self._outside.items()
        }

    def check(self, url: str) -> None:
        """Raise Forbidden if the address is already known to be wrong, before anything is sent there."""
        target = read(url)
        self._outside[target.safe].check(target)

    def reachable(self, recipients: Collection[uuid.UUID], content: Mapping[str, object]) -> set[uuid.UUID]:
        """The endpoints that are switched on."""
        return set(Endpoint.objects.filter(pk__in=recipients, active=True).values_list("pk", flat=True))

    def send(self, envelope: Envelope) -> str:
        """Post the event. Returns the status as the receipt. The rest of the answer is not kept, because the server is a stranger's."""
        endpoint = Endpoint.objects.filter(pk=envelope.recipient, active=True).first()
        if endpoint is None:
            raise Unwanted(SWITCHED_OFF)
        try:
            answer = self._post(endpoint, envelope)
            self._judge(endpoint, answer)
        except Undelivered:
            endpoint.failed()
            raise
        endpoint.succeeded()
        return f"HTTP {answer.status}"

    def close(self) -> None:
        """Close the connections that are kept."""
        for client in self._clients.values():
            client.close()

    def _post(self, endpoint: Endpoint, envelope: Envelope) -> HttpAnswer:
        if not endpoint.signing:
            raise TryLater("No signing secret can be read.")
        try:
            target = read(endpoint.url)
        except Forbidden as refusal:
            raise Refused(f"Not connected: {refusal}") from refusal
        body = body_of(envelope.content)
        headers = {
            "Content-Type": "application/json",
            **signed(str(envelope.key), datetime.now(UTC), body, endpoint.signing),
        }
        return self._clients[target.safe].post(endpoint.url, body, headers=headers, key=envelope.key)

    def _judge(self, endpoint: Endpoint, answer: HttpAnswer) -> None:
        reason = f"HTTP {answer.status}"
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return
        if answer.status == HTTPStatus.GONE:
            endpoint.switch_off(GONE)
            raise Refused(reason)
        after = answer.retry_after()
        if answer.status in _OVERLOADED:
            endpoint.rest(after or BREATH)
        raise TryLater(reason, after=after)


def from_settings() -> WebhookChannel:
    """The channel, which needs no vendor. Raises ImproperlyConfigured where WEBHOOK_ALLOWED_NETWORKS names no network."""
    allowed = networks(settings.WEBHOOK_ALLOWED_NETWORKS, "WEBHOOK_ALLOWED_NETWORKS")
    # Without TLS everybody on the way reads along.
    return WebhookChannel(Outside(allowed), Outside(allowed, wide=not settings.PRODUCTION))


def body_of(content: Mapping[str, object]) -> bytes:
    """The body: the same bytes for the same content at every attempt."""
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def signed(key: str, at: datetime, body: bytes, secrets: Collection[str]) -> dict[str, str]:
    """The headers that prove who sent `body`, signed with each of the `secrets`; `at` is the attempt's moment, in UTC."""
    signatures = (Webhook(secret).sign(key, at, body.decode()) for secret in secrets)
    return {
        "webhook-id": key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
