"""Codes for signing in go to a file of the test's own."""

import pytest


@pytest.fixture(autouse=True)
def log(settings, tmp_path):
    """The file to which the codes are sent; its directory is not there yet."""
    settings.SMS_LOG = tmp_path / "log" / "sms.log"
    return settings.SMS_LOG
