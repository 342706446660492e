import json
import logging
import sys

import pytest
from django.db import IntegrityError, transaction

from community.models import Organisation, ServiceContract
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
        raise ValueError("13812345678 is taken")
    except ValueError:
        written = line("%s called", "13912345678", error=sys.exc_info())
    assert written["message"] == "139******78 called"
    assert "138******78" in written["traceback"]
    assert "13812345678" not in json.dumps(written)


def test_longer_numbers_and_ids_stay_whole():
    assert line("ticket 2113812345678901")["message"] == "ticket 2113812345678901"


REFUSED = """duplicate key value violates unique constraint "person_phone"
DETAIL:  Key (name, phone)=(王小明 (三单元), 13812345678) already exists.
HINT:  Try another."""


def test_what_postgresql_quotes_of_a_refused_row_stays_out():
    try:
        try:
            raise LookupError(REFUSED)
        except LookupError as error:
            raise ValueError(str(error)) from error
    except ValueError:
        written = line(REFUSED.replace("%", ""), error=sys.exc_info())
    for text in (written["message"], written["traceback"]):
        assert "王小明" not in text
        assert "三单元" not in text
        assert "DETAIL:  Key (name, phone) ***\nHINT:  Try another." in text
    assert "The above exception was the direct cause" in written["traceback"]
    assert written["traceback"].count("***") == 2


@pytest.mark.django_db
def test_a_row_that_postgresql_refuses_is_not_quoted(street):
    words = "我叫王小明\n住在三单元\n电话 13812345678"
    with pytest.raises(IntegrityError, match="三单元") as refused, transaction.atomic():
        ServiceContract.objects.create(
            street=street, code="X", provider=Organisation.objects.first(), kind="nothing", cost_note=words,
            starts_on="2021-01-01",
        )  # fmt: skip
    written = line("%s", refused.value, error=(refused.type, refused.value, refused.tb))
    for text in (written["message"], written["traceback"]):
        assert "servicecontract_kind" in text
        assert "三单元" not in text
        assert "王小明" not in text
