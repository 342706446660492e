"""What every SMS vendor can do: take a text for a phone, and be asked later whether it did."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from httpx import URL

from notifications.channels.channel import HOUR, Refused, Undelivered, Unsure
from notifications.channels.http import HttpAnswer, HttpClient

CONNECT, READ, TOTAL = 2.0, 5.0, 8.0
"""Seconds; a person who asks for a code waits for it."""
LOOK_AFTER_IT = HOUR
"""Wait before the next attempt where somebody has to fix the account first: top it up, or correct its keys."""
LONGEST_FIELD = 35
"""Characters of a template's variable: Aliyun's limit for notices, kept for both."""
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class SmsAccount:
    """An account at a vendor, and the approved signature of its texts; `app_id` is Tencent's SdkAppId."""

    base_url: str
    key_id: str
    key_secret: str = field(repr=False)
    sign_name: str
    app_id: str = ""

    @property
    def host(self) -> str:
        """The host as it is sent and signed, with the port unless it is the scheme's own."""
        return URL(self.base_url).netloc.decode("ascii")


@dataclass(frozen=True, slots=True)
class SmsText:
    """One text. `phone` is a mainland mobile number of eleven digits; `fields` are the template's, in its order."""

    key: uuid.UUID
    phone: str = field(repr=False)
    template: str
    fields: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SmsRecord:
    """The vendor's record of a text; `failure` is what the operator says where it could not deliver it."""

    receipt: str
    failure: str = ""


class Gateway(ABC):
    """An SMS vendor. Its errors hold neither keys nor phones, and of an answer only the code.

    `records_all` says that it has a record of every text that it took, delivered or not, within a few minutes.
    """

    records_all: ClassVar[bool] = False

    @abstractmethod
    def send(self, text: SmsText) -> str:
        """Send the text. Returns the vendor's receipt. Raises TryLater, Refused, Unwanted or Unsure."""

    @abstractmethod
    def find(self, key: uuid.UUID, phone: str, since: datetime) -> SmsRecord | None:
        """The vendor's record of the text with this key, sent after `since`; None where it has none, yet or at all.

        Raises an Undelivered where the vendor does not answer that.
        """


def client() -> HttpClient:
    """The HTTP client for a vendor."""
    return HttpClient(connect=CONNECT, read=READ, total=TOTAL)


def said(answer: HttpAnswer) -> Mapping[str, Any]:
    """The vendor's JSON answer with any HTTP status, because the code in it counts. Raises Unsure where there is none."""
    try:
        return answer.json()
    except Unsure:
        # A 4xx without JSON comes from a proxy in between, which has passed nothing on.
        if answer.status < _SERVER_ERROR:
            answer.accepted()
        raise


def doubted(problem: Undelivered, answer: HttpAnswer) -> Undelivered:
    """`problem`, or Unsure: a refusal by a server that is broken itself does not count."""
    broken = answer.status >= _SERVER_ERROR and isinstance(problem, Refused)
    return Unsure(f"{problem.reason} (HTTP {answer.status})") if broken else problem


def fitted(value: str) -> str:
    """`value` as vendors accept it: one line, never empty, without the brackets of signatures, at most LONGEST_FIELD characters."""
    value = " ".join(value.replace("【", "[").replace("】", "]").split()) or "-"
    return value if len(value) <= LONGEST_FIELD else value[: LONGEST_FIELD - 1] + "…"
