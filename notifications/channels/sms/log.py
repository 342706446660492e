"""The SMS vendor of a development machine: a file with a line for each text."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from notifications.channels.sms.gateway import Gateway, SmsRecord, SmsText


@dataclass(frozen=True, slots=True)
class Log(Gateway):
    """Writes a line `time phone words` for each text to the file at `path`."""

    path: Path

    def send(self, text: SmsText) -> str:
        """Write the line."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        words = " ".join(" ".join(text.fields.values()).split())
        with self.path.open("a") as log:
            log.write(f"{now} {text.phone} {words}\n")
        return ""

    def find(self, key: uuid.UUID, phone: str, since: datetime) -> SmsRecord | None:
        """None: the lines hold no keys."""
        return None
