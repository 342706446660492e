"""What OPTIONS and a page of another origin are told."""

import pytest
from corsheaders.conf import conf
from django.test import Client

from tests.addresses import routes

ORIGIN = "https://h5.linli.example"
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}


def addresses():
    """Every address of the API, with something in the place of each parameter."""
    for route, pattern in routes():
        if hasattr(pattern.callback, "cls"):
            yield "".join(
                part if number % 2 == 0 else "1" if part.startswith("int:") else "0198c0de-0000-7000-8000-000000000000"
                for number, part in enumerate(route.replace("<", ">").split(">"))
            )


def test_options_is_answered_everywhere_as_allow_says_on_a_refusal(db):
    found = set(addresses())
    assert len(found) > 60
    for address in found:
        answer = Client().options(address)
        assert (answer.status_code, answer.content) == (204, b""), address
        refused = Client().generic("TRACE", address)
        if refused.status_code == 405:
            assert answer["Allow"] == refused["Allow"]
        assert "OPTIONS" in answer["Allow"]


def test_options_of_what_is_not_there_is_404(client, db):
    assert client.options("/api/v1/nothing").status_code == 404


@pytest.mark.parametrize("named", [[], ["https://other.example"], ["http://h5.linli.example"]])
def test_a_page_of_an_origin_that_is_not_named_is_allowed_nothing(client, db, settings, named):
    settings.CORS_ALLOWED_ORIGINS = named
    for answer in (
        client.options("/api/v1/tickets", headers=PREFLIGHT),
        client.get("/api/v1/categories", headers={"Origin": ORIGIN}),
    ):
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_a_page_of_a_named_origin_may_call_the_api_with_a_token(client, at_api, db, settings):
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    wanted = {"Access-Control-Request-Headers": "authorization,content-type,idempotency-key,if-match,accept-language"}
    answer = client.options("/api/v1/tickets", headers={**PREFLIGHT, **wanted})
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, ORIGIN)
    assert set(wanted["Access-Control-Request-Headers"].split(",")) <= set(
        answer["Access-Control-Allow-Headers"].split(", ")
    )
    assert {"GET", "POST", "PATCH", "DELETE"} <= set(answer["Access-Control-Allow-Methods"].split(", "))
    read = at_api("resident").get("/api/v1/me", headers={"Origin": ORIGIN})
    assert (read.status_code, read["Access-Control-Allow-Origin"]) == (200, ORIGIN)
    assert "ETag" in read["Access-Control-Expose-Headers"]
    # A cookie of the browser's own never counts for another origin.
    assert "Access-Control-Allow-Credentials" not in {**answer.headers, **read.headers}
    assert not conf.CORS_ALLOW_CREDENTIALS


def test_pages_are_for_no_other_origin(client, db, settings):
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    answer = client.get("/console/signin/", headers={"Origin": ORIGIN})
    assert "Access-Control-Allow-Origin" not in answer.headers
