import re
import time
import uuid

import pytest

from community.api.views import REFUSALS
from web import limits, quick_redis
from web.addresses import UNKNOWN_SHARE, client_address
from web.problems import Problem, problem_of
from web.words import bilingual, en, with_wait, zh


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """A scope of its own for each test, and no memory of a Redis that was away."""
    monkeypatch.setattr("tests.web.views.Two.scope", str(uuid.uuid4()))
    monkeypatch.setattr(limits.Limit, "_away_until", 0.0)
    quick_redis.client.cache_clear()
    yield
    quick_redis.client.cache_clear()


def test_one_more_than_the_limit_is_429_with_time_to_wait(web):
    assert [web.get("/api/limited").status_code for _ in range(2)] == [200, 200]
    refused = web.get("/api/limited")
    assert (refused.status_code, refused.json()["code"]) == (429, "limit_reached")
    assert 0 <= int(refused["Retry-After"]) <= 3600
    assert re.fullmatch(r"操作次数已达上限。请在\d+(秒|分钟)后重试。", refused.json()["detail"])
    english = web.get("/api/limited", headers={"Accept-Language": "en"}).json()["detail"]
    assert re.fullmatch(r"You have done this too often\. Try again in \d+ (second|minute)s?\.", english)


@pytest.mark.parametrize(
    ("seconds", "chinese", "english"),
    [
        (0.2, "1秒", "1 second"), (48, "48秒", "48 seconds"), (90, "90秒", "90 seconds"), (91, "2分钟", "2 minutes"),
        (3600, "60分钟", "60 minutes"), (5401, "2小时", "2 hours"), (86_400, "24小时", "24 hours"), (300_000, "4天", "4 days"),
    ],
)  # fmt: skip
def test_how_long_to_wait_is_said_in_words(seconds, chinese, english):
    said = with_wait(bilingual("过于频繁。", "Too often."), seconds)
    assert (zh(said), en(said)) == (f"过于频繁。请在{chinese}后重试。", f"Too often. Try again in {english}.")


def test_whoever_raises_a_429_the_body_says_how_long():
    problem = Problem("limit_reached", 429, detail=bilingual("太多了。", "Too many."), headers={"Retry-After": "7"})
    assert (zh(problem.detail), en(problem.detail)) == ("太多了。请在7秒后重试。", "Too many. Try again in 7 seconds.")


def test_every_refusal_that_is_a_429_says_how_long():
    """The community's refusals; those of e-mail codes and of floods have tests of their own."""
    kinds = [kind for kind, status in REFUSALS.items() if status == 429]
    assert len(kinds) > 1
    for kind in kinds:
        # Whatever it is made with: what is asked of it is its reason and its wait.
        refusal = kind.__new__(kind)
        refusal.wait, refusal.reason = 48.0, getattr(kind, "reason", bilingual("太多了。", "Too many."))
        problem = problem_of(refusal, REFUSALS)
        said = (zh(problem.detail), en(problem.detail))
        assert re.search(r"请在\d+(秒|分钟)后重试。$", said[0]), kind
        assert re.search(r"Try again in \d+ (second|minute)s?\.$", said[1]), kind


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


@pytest.mark.parametrize("spelling", ["X-Forwarded-For", "X_Forwarded_For"])
def test_a_name_without_hyphens_has_no_second_spelling(rf, settings, spelling):
    settings.TRUSTED_PROXIES, settings.CLIENT_ADDRESS_HEADER = 1, "ClientAddress"
    forged = {f"HTTP_{spelling.upper().replace('-', '_')}": "198.51.100.7", "HTTP_CLIENT_ADDRESS": "198.51.100.8"}
    request = rf.get("/", REMOTE_ADDR="10.0.0.1", headers={"ClientAddress": "203.0.113.1"}, **forged)
    assert client_address(request) == "203.0.113.1"
