"""How a log line looks: one JSON object, with every mobile number masked."""

import json
import logging
import re
from datetime import UTC, datetime

# An IntegrityError quotes the row it refused, and a traceback quotes the error:
# a resident's phone must not get into a file.
MOBILE = re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)")


class Line(logging.Formatter):
    """One JSON object a line: at (UTC), level, logger, message, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Render `record`; mobile numbers keep three digits in front and two behind."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return mask(json.dumps(line, ensure_ascii=False))


def mask(text: str) -> str:
    """`text` with every mainland mobile number masked."""
    return MOBILE.sub(lambda found: f"{found[1]}******{found[2][-2:]}", text)
