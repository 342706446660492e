"""Nothing that is answered to somebody signed in may be stored on the way."""

import re
import uuid

import pytest

from tests.addresses import routes
from web.stored import PRIVATE

ADDRESSES = sorted({
    re.sub(r"<[^>]+>", str(uuid.UUID(int=7)), route) for route, _ in routes() if route.startswith("/api/v1")
})  # fmt: skip


def may_be_stored_by_nobody(response) -> bool:
    """Whether the answer says so, and on what it depends."""
    varies = {one.strip() for one in response["Vary"].split(",")}
    return response["Cache-Control"] == "private, no-store" and {"Authorization", "Cookie"} <= varies


def test_every_address_is_there():
    assert len(ADDRESSES) > 100


@pytest.mark.django_db
@pytest.mark.parametrize("address", ADDRESSES)
def test_no_cache_stores_an_answer_of_the_api(api, address):
    for answer in (api("resident").client.get(address), api("resident").client.post(address, {}, format="json")):
        assert may_be_stored_by_nobody(answer), (address, answer.status_code)


def test_a_ticket_and_its_photo_are_stored_by_nobody(api):
    resident = api("resident")
    photo = resident.photo("report")
    ticket = resident.file("CL03", photos=[photo])
    for path in ("me", "tickets", f"tickets/{ticket['id']}"):
        answer = resident.client.get(f"/api/v1/{path}")
        assert answer.status_code == 200
        assert may_be_stored_by_nobody(answer)
    picture = resident.client.get(f"/api/v1/photos/{photo}")
    picture.getvalue()
    assert picture["Cache-Control"] == PRIVATE["Cache-Control"] == "private, no-store"
