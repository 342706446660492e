"""How a log line looks: one JSON object, without what PostgreSQL quotes of a refused row, and with mobile numbers masked."""

import json
import logging
import re
from datetime import UTC, datetime

# An IntegrityError quotes the row it refused, and a traceback quotes the error:
# a resident's words, name and phone must not get into a file.
MOBILE = re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)")
# What is quoted may have lines of its own, so it ends where the error or the traceback goes on.
DETAIL = re.compile(
    r"DETAIL:(?P<key>\s*Key \([^)]*\))?.*?"
    r"(?=\n(?:HINT|CONTEXT|QUERY|LOCATION):|\n\n(?:The above exception|During handling)|\nTraceback |\Z)",
    re.DOTALL,
)


class Line(logging.Formatter):
    """One JSON object a line: at (UTC), level, logger, message, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Render `record`; mobile numbers keep three digits in front and two behind."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": mask(record.getMessage()),
        }
        if record.exc_info:
            line["traceback"] = mask(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def mask(text: str) -> str:
    """`text` without the values of a refused row, and with every mainland mobile number masked."""
    text = DETAIL.sub(lambda found: f"DETAIL:{found['key'] or ''} ***", text)
    return MOBILE.sub(lambda found: f"{found[1]}******{found[2][-2:]}", text)
