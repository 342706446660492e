"""The system of an organisation on the loopback, which takes webhooks as an engineer would write it, and misbehaves when told to.

By itself: `python -m tests.fakes.webhooks --log FILE` (tests/fakes/standing.py); everything it is sent must be signed by `--secret`.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from standardwebhooks import Webhook, WebhookVerificationError

from tests.fakes.listening import LoopbackServer, Quiet, listening
from tests.fakes.standing import Fault, Log, Weather, options, stand, weather_of

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HUGE = 8 * 1024 * 1024


class Mood(StrEnum):
    """How it answers: `?mood=` in the address, else the server's own."""

    WELL = "well"
    SLOW = "slow"
    HANGING = "hanging"
    BROKEN = "broken"
    GONE = "gone"
    REDIRECTING = "redirecting"
    HUGE = "huge"
    DRIPPING = "dripping"
    BUSY = "busy"
    SILENT = "silent"


_MOODS = {Fault.SLOW: Mood.SLOW, Fault.FAILING: Mood.BROKEN, Fault.BUSY: Mood.BUSY, Fault.LOST: Mood.SILENT}


@dataclass(frozen=True)
class Heard:
    """One request: its id and time, whether a signature was right, what it said."""

    id: str
    at: float
    path: str
    genuine: bool
    signatures: list[str]
    body: str
    key: str | None = None
    attempt_at: str | None = None

    @property
    def event(self) -> dict[str, object]:
        """The body, read."""
        event = json.loads(self.body)
        assert isinstance(event, dict)
        return event


class FakeWebhooks(LoopbackServer):
    """The server; `heard` has every request, `handled` the ids that were genuine and new: what the system would act upon.

    A slow answer comes after `seconds`; `status` and `headers` are what it answers when it is broken or busy. Where its own mood is
    well, the `weather` decides.
    """

    def __init__(self, port: int = 0, *, secrets: tuple[str, ...] = (SECRET,)) -> None:
        super().__init__(port, Answer)
        self.log, self.weather, self.secrets = Log(), Weather(), secrets
        self.mood, self.status, self.headers = Mood.WELL, 500, dict[str, str]()
        self.target = ""
        self.seconds = 0.5
        self.heard: list[Heard] = []
        self.handled: dict[str, dict[str, object]] = {}
        self.ended = threading.Event()
        self.arrived = threading.Condition()

    def hear(self, heard: Heard) -> None:
        """Keep a request; act upon it once."""
        with self.arrived:
            self.heard.append(heard)
            if heard.genuine:
                self.handled.setdefault(heard.id, heard.event)
            self.arrived.notify_all()

    def genuine(self, body: str, headers: dict[str, str]) -> bool:
        """Whether one of its secrets signed it, now: each is tried, as while they are changed over."""
        for secret in self.secrets:
            with suppress(WebhookVerificationError, ValueError):
                Webhook(secret).verify(body, headers)
                return True
        return False


class Answer(Quiet, BaseHTTPRequestHandler):
    """One request and its answer."""

    server: FakeWebhooks
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Check the signature, write down what came, and answer in the mood that it is in."""
        server = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        genuine = server.genuine(body, headers)
        signatures = headers.get("webhook-signature", "").split()
        server.hear(
            Heard(
                headers.get("webhook-id", ""), time.time(), self.path, genuine, signatures, body,
                headers.get("idempotency-key"), headers.get("webhook-timestamp"),
            )
        )  # fmt: skip
        asked = parse_qs(urlsplit(self.path).query).get("mood")
        mood = Mood(asked[0]) if asked else server.mood
        if mood == Mood.WELL and (fault := server.weather.fault()):
            mood = _MOODS[fault]
        taken = genuine and mood in {Mood.WELL, Mood.SLOW, Mood.SILENT}
        server.log.note(key=headers.get("webhook-id", ""), to=self.path, said=body, taken=taken, answer=mood)
        # A sender that has lost patience is gone, and that is meant.
        with suppress(OSError):
            self.answer(mood if genuine else None)

    def answer(self, mood: Mood | None) -> None:
        """Answer, or not."""
        server = self.server
        match mood:
            case None:
                self.say(401, b"no signature is right")
            case Mood.SLOW:
                server.ended.wait(server.seconds)
                self.say(200)
            case Mood.HANGING:
                server.ended.wait()
            case Mood.SILENT:
                self.close_connection = True
            case Mood.BROKEN:
                self.say(server.status, headers=server.headers)
            case Mood.BUSY:
                self.say(429, headers={"Retry-After": "120", **server.headers})
            case Mood.GONE:
                self.say(410)
            case Mood.REDIRECTING:
                self.say(307, headers={"Location": server.target})
            case Mood.HUGE:
                self.say(200, b"x" * HUGE)
            case Mood.DRIPPING:
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                while not server.ended.wait(0.02):
                    self.wfile.write(b"X-Drip: x\r\n")
            case _:
                self.say(200, b"ok")

    def say(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        """Send an answer."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


@contextmanager
def hearing(**options: object) -> Iterator[FakeWebhooks]:
    """A fake that listens until the block ends."""
    server = FakeWebhooks(**options)  # type: ignore[arg-type]
    with listening(server, server.ended.set):
        yield server


def main() -> None:
    """Serve until killed."""
    parser = options("webhooks", __doc__)
    parser.add_argument("--secret", action="append", help="one of the secrets it knows")
    given = parser.parse_args()
    with FakeWebhooks(given.port, secrets=tuple(given.secret or [SECRET])) as server:
        server.log, server.weather, server.seconds = Log(given.log), weather_of(given), given.takes
        # Busy for a moment only, or hardly anything would go out where one answer in twenty says so.
        server.headers = {"Retry-After": "1"}
        stand(server, server.url)


if __name__ == "__main__":
    main()
