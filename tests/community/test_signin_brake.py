"""The brake on signing in: nobody behind an address that many share holds up the others."""

import uuid

import pytest
from rest_framework.test import APIClient

from community import known
from community.api import views
from web.limits import Limit

CODES, TOKENS = "/api/v1/auth/codes", "/api/v1/auth/tokens"


@pytest.fixture(autouse=True)
def braked(monkeypatch, log, db):
    """Small limits in scopes of their own, and no memory of a Redis that was away."""
    monkeypatch.setattr(Limit, "_away_until", 0.0)
    for limit, most in ((views.NetLimit, 8), (views.PhoneLimit, 3), (views.OwnLimit, 3)):
        monkeypatch.setattr(limit, "scope", f"{limit.scope}-{uuid.uuid4()}")
        monkeypatch.setattr(limit, "requests", most)
    return log


@pytest.fixture
def api():
    return APIClient()


def guess(api, phone, **more):
    return api.post(TOKENS, {"phone": phone, "code": "000000", **more})


def flood(api):
    """Use the whole net up from this address, each request for another phone."""
    for number in range(views.NetLimit.requests):
        assert guess(api, f"1390000{number:04}").status_code == 400
    refused = guess(api, "13900009999")
    assert (refused.status_code, refused.json()["code"]) == (429, "limit_reached")
    return refused


def test_a_flood_at_one_phone_stops_no_other_behind_the_same_address(api):
    assert [guess(api, "13900000001").status_code for _ in range(4)] == [400, 400, 400, 429]
    assert guess(api, "13900000002").status_code == 400
    assert guess(api, "13900000001").json()["detail"].startswith("该手机号操作过于频繁")


def test_a_flood_at_a_phone_from_elsewhere_does_not_stop_its_owner(api):
    for _ in range(4):
        guess(api, "13900000001")
    owner = APIClient(REMOTE_ADDR="192.0.2.9")
    assert owner.post(CODES, {"phone": "13900000001"}).status_code == 202


def test_a_full_net_says_what_to_do_in_both_languages(api):
    refused = flood(api)
    assert "您所在的网络" in refused.json()["detail"]
    assert 0 < int(refused["Retry-After"]) <= 60
    assert "your network" in api.post(TOKENS, {}, headers={"accept-language": "en"}).json()["detail"]


def test_a_known_device_signs_in_through_a_full_net(api, braked, cast):
    resident = cast["resident"]
    flood(api)
    key = known.device_key(resident)
    answer = api.post(CODES, {"phone": resident.phone, "device_key": key})
    assert answer.status_code == 202
    code = braked.read_text().split()[-1]
    # Whoever was sent a code needs no key any more.
    assert guess(api, resident.phone, request=answer.json()["request"]).status_code == 400
    signed_in = api.post(TOKENS, {"phone": resident.phone, "code": code, "request": answer.json()["request"]})
    assert signed_in.status_code == 201


def test_a_browser_is_known_by_its_cookie(api, cast):
    flood(api)
    api.cookies["linli_device"] = known.device_key(cast["resident"])
    assert api.post(CODES, {"phone": cast["resident"].phone}).status_code == 202


def test_one_device_floods_for_itself_alone(api, cast):
    key = known.device_key(cast["neighbour"])
    asked = {"phone": cast["neighbour"].phone, "device_key": key}
    assert [api.post(CODES, asked).status_code for _ in range(4)][-1] == 429
    assert api.post(CODES, asked).json()["code"] == "limit_reached"
    mine = {"phone": cast["resident"].phone, "device_key": known.device_key(cast["resident"])}
    assert api.post(CODES, mine).status_code == 202


@pytest.mark.parametrize("key", ["x", "a:b:c", "0" * 200])
def test_a_made_up_key_is_no_way_around_the_net(api, key):
    flood(api)
    assert guess(api, "13900000001", request=key).status_code == 429
    assert api.post(CODES, {"phone": "13900000001", "device_key": key}).status_code == 429


def test_what_cannot_be_read_is_counted_too(api):
    for _ in range(views.NetLimit.requests):
        assert api.generic("POST", TOKENS, "{", content_type="application/json").status_code == 400
    assert guess(api, "13900000001").status_code == 429
