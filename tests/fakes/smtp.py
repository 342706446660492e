"""A mail server of our own on the loopback: it accepts, refuses, hangs and hangs up as mail servers do.

By itself: `python -m tests.fakes.smtp --log FILE` (tests/fakes/standing.py).
"""

import email
import re
import socketserver
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default

from tests.fakes.listening import listening
from tests.fakes.standing import Fault, Log, Weather, options, stand, weather_of

_TROUBLE = {Fault.FAILING: "451 4.3.0 local error", Fault.BUSY: "421 4.7.0 too busy"}


@dataclass
class Manners:
    """What the server answers to a command instead of 250; `drop_after` hangs up after it, without a word.

    At `slow`, every answer dribbles out by a byte each `slow` seconds.
    """

    answers: dict[str, str] = field(default_factory=dict)
    drop_after: str = ""
    slow: float = 0.0


class FakeMailServer(socketserver.ThreadingTCPServer):
    """The server; `accepted` has every mail that it took, `manners` how it behaves from now on.

    By the `weather`, some mails come to grief when all has been said.
    """

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Conversation)
        self.log, self.weather = Log(), Weather()
        self.accepted: list[bytes] = []
        self.heard: list[str] = []
        self.manners = Manners()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server_address[1]


class Conversation(socketserver.StreamRequestHandler):
    """One connection."""

    server: FakeMailServer

    def handle(self) -> None:
        """Talk until the other side leaves."""
        with suppress(ConnectionError):
            if self.say("greeting", "220 mail.test ESMTP"):
                while line := self.rfile.readline().decode().rstrip("\r\n"):
                    self.server.heard.append(line)
                    if not self.answer(re.split("[ :]", line)[0].upper()):
                        return

    def answer(self, command: str) -> bool:
        """Answer one command; False where the conversation is over."""
        if command == "QUIT":
            self.say(command, "221 bye")
            return False
        if command != "DATA":
            return self.say(command, "250 ok")
        if not self.say("DATA", "354 go on"):
            return False
        if "DATA" in self.server.manners.answers:
            return True
        body = b""
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return False
            body += line
        fault = self.server.weather.fault()
        answer = _TROUBLE.get(fault) or self.server.manners.answers.get("BODY", "250 queued")
        time.sleep(self.server.weather.takes if fault == Fault.SLOW else 0)
        if answer.startswith("2"):
            self.server.accepted.append(body)
        self.note(body, answer)
        return fault != Fault.LOST and self.say("BODY", answer)

    def note(self, body: bytes, answer: str) -> None:
        """Keep what came."""
        mail = email.message_from_bytes(body, EmailMessage, policy=default)
        part = mail.get_body(("plain",))
        said = f"{mail['Subject']}\n{part.get_content() if part else ''}"
        key = str(mail["Message-ID"]).strip("<>").partition("@")[0]
        self.server.log.note(key=key, to=str(mail["To"]), said=said, taken=answer.startswith("2"), answer=answer)

    def say(self, command: str, usual: str) -> bool:
        """Say what the manners have for the command; False where they hang up instead."""
        manners = self.server.manners
        if manners.drop_after == command:
            return False
        words = f"{manners.answers.get(command, usual)}\r\n".encode()
        if not manners.slow:
            self.wfile.write(words)
            return True
        for byte in words:
            self.wfile.write(bytes([byte]))
            time.sleep(manners.slow)
        return True


@contextmanager
def serving() -> Iterator[FakeMailServer]:
    """A mail server that listens until the block ends."""
    with listening(FakeMailServer()) as server:
        yield server


def main() -> None:
    """Serve until killed."""
    given = options("smtp", __doc__).parse_args()
    with FakeMailServer(given.port) as server:
        server.log, server.weather = Log(given.log), weather_of(given)
        stand(server, f"smtp://127.0.0.1:{server.port}")


if __name__ == "__main__":
    main()
