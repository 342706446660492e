import json
import logging
import sys

from config.logs import Line


def line(message, *arguments, error=None):
    record = logging.LogRecord("tickets", logging.WARNING, __file__, 1, message, arguments, error)
    return json.loads(Line().format(record))


def test_a_line_is_one_json_object():
    written = line("办结 %s", "A-1")
    assert (written["level"], written["logger"], written["message"]) == ("warning", "tickets", "办结 A-1")
    assert written["at"].endswith("+00:00")


def test_mobile_numbers_are_masked_in_message_and_traceback():
    try:
        raise ValueError("Key (phone)=(13812345678) already exists.")
    except ValueError:
        written = line("%s called", "13912345678", error=sys.exc_info())
    assert written["message"] == "139******78 called"
    assert "(138******78)" in written["traceback"]
    assert "13812345678" not in json.dumps(written)


def test_longer_numbers_and_ids_stay_whole():
    assert line("ticket 2113812345678901")["message"] == "ticket 2113812345678901"
