"""How much one person files in an hour, and one counter."""

import secrets

import pytest

from community.models import Compound
from tickets.api.tickets import CounterLimit, FilingLimit

# As it is, before a suite's own flood is let through.
THIRTY = FilingLimit.requests
REPORT = {"category": "CL03", "text": "垃圾桶满了。"}


@pytest.fixture
def limits(monkeypatch):
    """The limits as they are, counted for this test alone."""
    monkeypatch.setattr(FilingLimit, "requests", THIRTY)
    assert (FilingLimit.seconds, CounterLimit.seconds, CounterLimit.requests) == (3600, 3600, 600)
    monkeypatch.setattr(FilingLimit, "scope", secrets.token_hex(8))
    monkeypatch.setattr(CounterLimit, "scope", secrets.token_hex(8))


def test_a_resident_files_thirty_reports_an_hour_and_the_street_s_staff_more(limits, api):
    resident, officer = api("resident"), api("desk_officer")
    body = REPORT | {"compound": str(Compound.objects.get(name="学院路14号院").pk)}
    answers = [resident.client.post("/api/v1/tickets", body, format="json").status_code for _ in range(31)]
    assert answers == [201] * 30 + [429]
    for _ in range(31):
        officer.post("tickets", body, 201)
    assert resident.get("tickets", limit=100)["results"]
