import time
import uuid

import pytest

from web import limits
from web.addresses import UNKNOWN_SHARE, client_address


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """A scope of its own for each test, and no memory of a Redis that was away."""
    monkeypatch.setattr("tests.web.views.Two.scope", str(uuid.uuid4()))
    monkeypatch.setattr(limits.Limit, "_away_until", 0.0)
    limits._redis.cache_clear()
    yield
    limits._redis.cache_clear()


def test_one_more_than_the_limit_is_429_with_time_to_wait(web):
    assert [web.get("/api/limited").status_code for _ in range(2)] == [200, 200]
    refused = web.get("/api/limited")
    assert (refused.status_code, refused.json()["code"]) == (429, "limit_reached")
    assert 0 <= int(refused["Retry-After"]) <= 3600


def test_another_address_has_a_limit_of_its_own(web):
    for _ in range(3):
        web.get("/api/limited")
    assert web.get("/api/limited", REMOTE_ADDR="192.0.2.9").status_code == 200


def test_all_unknown_addresses_share_one_limit_that_is_more_generous(web):
    answers = [web.get("/api/limited", REMOTE_ADDR="").status_code for _ in range(2 * UNKNOWN_SHARE + 1)]
    assert answers == [200] * 2 * UNKNOWN_SHARE + [429]


def test_limits_are_open_and_quick_while_redis_is_away(web, settings):
    settings.REDIS_URL = "unix:///nonexistent/redis.sock"
    started = time.monotonic()
    assert [web.get("/api/limited").status_code for _ in range(5)] == [200] * 5
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("proxies", "forwarded", "remote", "address"),
    [
        (0, "203.0.113.1", "192.0.2.1", "192.0.2.1"),
        (1, "203.0.113.1, 198.51.100.7", "10.0.0.1", "198.51.100.7"),
        (2, "203.0.113.1, 198.51.100.7", "10.0.0.1", "203.0.113.1"),
        (2, "203.0.113.1", "10.0.0.1", "203.0.113.1"),
        (1, "", "10.0.0.1", "10.0.0.1"),
        (0, "", "", ""),
        (0, "", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (0, "", "::ffff:192.0.2.1", "192.0.2.1"),
        (0, "", "2001:db8::1%eth0", "2001:db8::/64"),
        (0, "", "192.0.2.1:4711", "192.0.2.1"),
        (1, "198.51.100.7:4711", "10.0.0.1", "198.51.100.7"),
        (1, '"198.51.100.7:4711"', "10.0.0.1", "198.51.100.7"),
        (1, "[2001:db8:1:2::9]", "10.0.0.1", "2001:db8:1:2::/64"),
        (1, "[2001:db8:1:2::9]:443", "10.0.0.1", "2001:db8:1:2::/64"),
        (1, "[::ffff:192.0.2.1]:443", "10.0.0.1", "192.0.2.1"),
        (2, "203.0.113.1:1, [2001:db8::9]:2", "10.0.0.1", "203.0.113.1"),
        (1, "junk", "10.0.0.1", "10.0.0.1"),
        (1, "unknown", "10.0.0.1", "10.0.0.1"),
        (1, "203.0.113.1, ", "10.0.0.1", "10.0.0.1"),
        (1, "[", "10.0.0.1", "10.0.0.1"),
        (1, "[]:1", "10.0.0.1", "10.0.0.1"),
        (1, "999.1.1.1:1", "10.0.0.1", "10.0.0.1"),
        (1, "junk", "", ""),
        (1, "junk", "junk", ""),
    ],
)
def test_an_address_is_believed_as_far_as_our_own_proxies(rf, settings, proxies, forwarded, remote, address):
    settings.TRUSTED_PROXIES = proxies
    request = rf.get("/", REMOTE_ADDR=remote, headers={"X-Forwarded-For": forwarded})
    assert client_address(request) == address
