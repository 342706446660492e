"""A mail server of our own on the loopback: it accepts, refuses, hangs and hangs up as mail servers do."""

import re
import socketserver
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.fakes.listening import listening


@dataclass
class Manners:
    """What the server answers to a command instead of 250; `drop_after` hangs up after it, without a word.

    At `slow`, every answer dribbles out by a byte each `slow` seconds.
    """

    answers: dict[str, str] = field(default_factory=dict)
    drop_after: str = ""
    slow: float = 0.0


class FakeMailServer(socketserver.ThreadingTCPServer):
    """The server; `accepted` has every mail that it took, `manners` how it behaves from now on."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
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
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            body += line
        refused = self.server.manners.answers.get("BODY", "250")
        if refused.startswith("2"):
            self.server.accepted.append(body)
        return self.say("BODY", "250 queued")

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
