"""What all vendors of group robots share: a key in the address, an error code in the answer, and a rate limit."""

import random
import uuid
from abc import abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from notifications.channels.channel import DeliveryChannel, Envelope, Refused, TryLater, Unsure, Unwanted
from notifications.channels.http import HttpAnswer, HttpClient
from notifications.channels.robots.refusals import RobotRefusal
from notifications.models import Bucket, Robot

_SCHEMES = ("https://", "http://")


@dataclass(frozen=True, slots=True)
class Post:
    """A request to a vendor: the address, which holds the robot's key, and the body."""

    url: str
    body: Mapping[str, object]


class RobotChannel(DeliveryChannel):
    """The group robots of one vendor, at `base_url`. A message mentions nobody (`@`).

    `vendor` is the vendor's name for people, `address` its server. `key_parameter` names the query parameter of a
    robot's address that holds its key; empty means the last part of the path. `code` is the field of an answer that
    holds the error code; 0 is success. `limited` are the codes for too many messages, after which the robot is left
    alone for `pause`. `refusals` are the codes that no retry can help.
    """

    slots: ClassVar[int] = 3
    # An exchange (http.TOTAL) and the resolver's timeout. Short, because a rate limit's token stays away that long if its worker stops.
    lease: ClassVar[timedelta] = timedelta(seconds=45)
    vendor: ClassVar[str]
    address: ClassVar[str]
    key_parameter: ClassVar[str] = ""
    code: ClassVar[str] = "errcode"
    limited: ClassVar[frozenset[int]]
    pause: ClassVar[timedelta]
    refusals: ClassVar[Mapping[int, RobotRefusal]]

    def __init__(self, base_url: str, client: HttpClient | None = None):
        self.base_url = base_url.rstrip("/")
        self._client = client or HttpClient()

    @classmethod
    def from_settings(cls) -> "RobotChannel":
        """The channel at the vendor's address, or at that in the setting `<NAME>_BASE_URL` where there is one.

        Each robot has its own key. Raises ImproperlyConfigured.
        """
        setting = f"{cls.name.upper()}_BASE_URL"
        value: str = getattr(settings, setting, "") or cls.address
        if not value.startswith(_SCHEMES):
            raise ImproperlyConfigured(f"{setting} is the address of a server: https://…")
        return cls(value)

    @classmethod
    def key_of(cls, address: str) -> str:
        """The robot's key in its address; empty where there is none."""
        parts = urlsplit(address)
        if cls.key_parameter:
            return parse_qs(parts.query).get(cls.key_parameter, [""])[0]
        return parts.path.rstrip("/").rpartition("/")[2]

    def reachable(self, recipients: Collection[uuid.UUID], content: Mapping[str, object]) -> set[uuid.UUID]:
        """The robots that are switched on."""
        return set(Robot.objects.filter(pk__in=recipients, vendor=self.name, active=True).values_list("pk", flat=True))

    def send(self, envelope: Envelope) -> str:
        """Post title and body as one text."""
        robot = Robot.objects.filter(pk=envelope.recipient, active=True).first()
        if robot is None:
            raise Unwanted("The robot is switched off.")
        if not robot.token:
            raise Refused(f"{RobotRefusal.KEY.value} (none is stored)")
        post = self.post(robot, text_of(envelope.content, self.room))
        answer = self._client.post_json(post.url, post.body, key=envelope.key)
        self._judge(robot, answer)
        return ""

    @abstractmethod
    def post(self, robot: Robot, text: str) -> Post:
        """The request for `text` as the vendor wants it, signed now where the robot has a secret."""

    def is_limit(self, code: int | None, said: Mapping[str, object]) -> bool:
        """Whether the vendor says that there were too many messages."""
        return code in self.limited

    def _judge(self, robot: Robot, answer: HttpAnswer) -> None:
        """Raise the outcome that an error answer means."""
        said, code = self._read(answer)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS or self.is_limit(code, said):
            pause = (answer.retry_after() or self.pause) * random.uniform(1, 1.2)  # noqa: S311
            Bucket.block(Bucket.of(self.name, robot.pk), pause)
            said_by = code or f"HTTP {answer.status}"
            raise TryLater(f"{self.vendor} had too many messages: {said_by}", after=pause, counts=False)
        if code and (fault := self.refusals.get(code)):
            raise Refused(f"{fault.value} ({self.vendor} {code})")
        if code:
            raise TryLater(f"{self.vendor} answered {code}")
        answer.accepted()
        if code is None:
            raise Unsure(f"{self.vendor} answered without a code")

    def _read(self, answer: HttpAnswer) -> tuple[Mapping[str, object], int | None]:
        """The answer's object, and its error code where it has one; it may come with any HTTP status."""
        try:
            said = answer.json()
        except Unsure:
            # A gateway in front of the vendor answers too many requests without the vendor's JSON.
            if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
                return {}, None
            answer.accepted()
            raise
        code = said.get(self.code)
        return said, code if isinstance(code, int) else None


def text_of(content: Mapping[str, object], room: int) -> str:
    """The title with the body below, cut to `room` bytes of UTF-8. Nothing in it mentions anybody."""
    text = f"{content['title']}\n{content['body']}".strip().replace("<", "＜")
    if len(text.encode()) <= room:
        return text
    return text.encode()[: room - len("…".encode())].decode(errors="ignore") + "…"
