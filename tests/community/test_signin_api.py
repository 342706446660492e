import re
import uuid
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db.models import F
from django.db.models.functions import Now
from rest_framework.test import APIClient

from community import signin, wechat
from community.models import KnownAddress, Person, SignInCode, SignInToken, WechatAccount
from tests.fakes.wechat import APP_ID, APP_SECRET, SESSION_KEY, serving
from web.problems import MEDIA_TYPE

pytestmark = pytest.mark.django_db


@pytest.fixture
def api():
    """Somebody at the API."""
    return APIClient()


@pytest.fixture
def resident(cast):
    """A resident of the demo street."""
    return cast["resident"]


@pytest.fixture
def device(resident):
    """The resident's device, with a token."""
    return with_token(signin.issue(resident, "小米 14").secret)


def with_token(secret, **extra) -> APIClient:
    """A client that shows this token."""
    client = APIClient(**extra)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


def proof(api, log, phone) -> dict[str, str]:
    """The phone, and a code just sent to it."""
    assert api.post("/api/v1/auth/codes", {"phone": phone}).status_code == 202
    return {"phone": phone, "code": log.read_text().split()[-1]}


def test_known_and_unknown_phones_get_the_same_answer_to_asking_for_a_code(api, resident):
    known = api.post("/api/v1/auth/codes", {"phone": resident.phone})
    unknown = api.post("/api/v1/auth/codes", {"phone": "13900000001"})
    assert known.status_code == unknown.status_code == 202
    assert known.json().keys() == unknown.json().keys() == {"expires_in", "request"}
    assert len(known.json()["request"]) == len(unknown.json()["request"])
    refused = [api.post("/api/v1/auth/codes", {"phone": phone}) for phone in (resident.phone, "13900000001")]
    assert [answer.status_code for answer in refused] == [429, 429]
    # But for the seconds, which pass between the two.
    assert len({re.sub(rb"\d+", b"", answer.content) for answer in refused}) == 1
    assert 0 < int(refused[0]["Retry-After"]) <= 60
    assert re.fullmatch(r"获取验证码过于频繁。请在(5\d|60)秒后重试。", refused[0].json()["detail"])
    english = api.post("/api/v1/auth/codes", {"phone": resident.phone}, headers={"Accept-Language": "en"}).json()
    assert re.fullmatch(r"Too many codes were asked for\. Try again in (5\d|60) seconds\.", english["detail"])


def test_the_phones_of_invented_people_get_as_many_codes_as_they_ask_for_where_that_is_set(api, resident, settings):
    settings.UNLIMITED_PHONES = re.compile(r"199000\d{5}")
    asked = [api.post("/api/v1/auth/codes", {"phone": resident.phone}).status_code for _ in range(12)]
    assert asked == [202] * 12
    others = [api.post("/api/v1/auth/codes", {"phone": "13900000001"}).status_code for _ in range(2)]
    assert others == [202, 429]


def test_known_and_unknown_phones_get_the_same_answer_to_a_wrong_code(api, resident):
    answers = [
        api.post("/api/v1/auth/tokens", {"phone": phone, "code": "000000"}) for phone in (resident.phone, "13900000001")
    ]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].content == answers[1].content
    assert answers[0].json()["code"] == "wrong_code"


@pytest.mark.parametrize(
    "phone", ["", "123", "12900000001", "+8612900000001", "139000000011", "１２９００００００01", None, 13900000001]
)
def test_only_mainland_mobiles_get_codes(api, phone):
    answer = api.post("/api/v1/auth/codes", {"phone": phone})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "phone"
    assert not SignInCode.objects.exists()


def test_a_server_without_a_gateway_answers_503(api, settings):
    settings.SMS_LOG = None
    answer = api.post("/api/v1/auth/codes", {"phone": "13900000001"})
    assert (answer.status_code, answer.json()["code"]) == (503, "sms_not_configured")


def test_a_device_signs_in_and_out(api, log, resident):
    answer = api.post("/api/v1/auth/tokens", proof(api, log, resident.phone) | {"device": "小米 14"})
    assert answer.status_code == 201
    device = with_token(answer.json()["token"])
    assert device.get("/api/v1/me").json()["id"] == str(resident.id)
    assert device.delete("/api/v1/auth/tokens/current").status_code == 204
    refused = device.get("/api/v1/me")
    assert (refused.status_code, refused.json()["code"]) == (401, "authentication_failed")
    assert refused["WWW-Authenticate"].startswith("Bearer")


def test_an_old_token_in_the_header_does_not_keep_a_device_from_signing_in(api, log, resident):
    given = proof(api, log, resident.phone)
    assert with_token("linli_dead").post("/api/v1/auth/tokens", given).status_code == 201


@pytest.mark.parametrize("token", ["", "x", "linli_", "é" * 10, "a" * 9000])
def test_any_other_token_is_401(token):
    assert with_token(token.encode("utf-8").decode("latin-1")).get("/api/v1/me").status_code == 401


def test_a_caller_is_loaded_in_one_statement(device, django_assert_num_queries, resident):
    with django_assert_num_queries(2):  # the caller; the list
        answer = device.get("/api/v1/auth/tokens")
    assert [row["current"] for row in answer.json()["results"]] == [True]


def test_a_disabled_person_is_refused_at_the_next_request(device, resident):
    assert device.get("/api/v1/me").status_code == 200
    Person.objects.filter(id=resident.id).update(is_active=False)
    assert device.get("/api/v1/me").status_code == 401


def test_a_token_dies_after_ninety_days_without_use(device, resident):
    SignInToken.objects.update(last_used_at=Now() - timedelta(days=89))
    assert device.get("/api/v1/me").status_code == 200
    SignInToken.objects.update(last_used_at=Now() - timedelta(days=90, seconds=1))
    assert device.get("/api/v1/me").status_code == 401


def test_the_last_use_is_written_once_an_hour(device, django_assert_num_queries):
    SignInToken.objects.update(last_used_at=Now() - timedelta(hours=2))
    with django_assert_num_queries(3):  # the caller; the last use; the list
        device.get("/api/v1/auth/tokens")
    with django_assert_num_queries(2):
        device.get("/api/v1/auth/tokens")


def test_i_see_and_sign_out_my_own_devices_only(device, resident, cast):
    mine, theirs = signin.issue(resident, "平板").token, signin.issue(cast["neighbour"], "手机").token
    listed = device.get("/api/v1/auth/tokens").json()["results"]
    assert {row["device"] for row in listed} == {"平板", "小米 14"}
    absent = device.delete(f"/api/v1/auth/tokens/{uuid.uuid4()}")
    foreign = device.delete(f"/api/v1/auth/tokens/{theirs.id}")
    assert absent.status_code == foreign.status_code == 404
    assert absent.content == foreign.content
    assert SignInToken.objects.filter(id=theirs.id).exists()
    assert device.delete(f"/api/v1/auth/tokens/{mine.id}").status_code == 204
    assert not SignInToken.objects.filter(id=mine.id).exists()


@pytest.fixture
def browser(log, resident):
    """The resident's browser, signed in, with CSRF checks on."""
    client = APIClient(enforce_csrf_checks=True)
    assert client.post("/api/v1/auth/sessions", proof(client, log, resident.phone)).status_code == 201
    return client


def test_a_browser_signs_in_and_out(browser, resident):
    assert browser.get("/api/v1/me").json()["id"] == str(resident.id)
    csrf = {"X-CSRFToken": browser.cookies["csrftoken"].value}
    assert browser.delete("/api/v1/auth/sessions/current", headers=csrf).status_code == 204
    assert browser.get("/api/v1/me").status_code == 401
    assert not Session.objects.exists()


def test_a_session_costs_its_row_and_the_caller(browser, django_assert_num_queries):
    with django_assert_num_queries(3):  # the session; the caller; the list
        browser.get("/api/v1/auth/tokens")


def test_a_session_without_the_csrf_token_changes_nothing(browser, resident):
    answer = browser.patch("/api/v1/me", {"name": "别人"})
    assert (answer.status_code, answer.json()["code"], answer["Content-Type"]) == (403, "csrf_failed", MEDIA_TYPE)
    assert Person.objects.get(id=resident.id).name == resident.name
    csrf = {"X-CSRFToken": browser.cookies["csrftoken"].value}
    assert browser.patch("/api/v1/me", {"name": "本人"}, headers=csrf).status_code == 200


def test_a_session_ends_with_the_person_or_the_password(browser, resident):
    person = Person.objects.get(id=resident.id)
    person.set_password("another")
    person.save(update_fields=["password"])
    assert browser.get("/api/v1/me").status_code == 401


def test_a_disabled_persons_session_is_refused(browser, resident):
    Person.objects.filter(id=resident.id).update(is_active=False)
    assert browser.get("/api/v1/me").status_code == 401


def test_a_session_has_no_token_to_sign_out(browser):
    csrf = {"X-CSRFToken": browser.cookies["csrftoken"].value}
    assert browser.delete("/api/v1/auth/tokens/current", headers=csrf).status_code == 404


def test_a_cookie_of_nobody_is_nobody(api):
    api.cookies["sessionid"] = "x" * 32
    assert api.get("/api/v1/me").status_code == 401


@pytest.fixture
def mini(settings):
    """The mini-program, with a WeChat of ours behind it."""
    with serving() as server:
        settings.WECHAT_BASE_URL, settings.WECHAT_APP_ID, settings.WECHAT_APP_SECRET = server.url, APP_ID, APP_SECRET
        yield APIClient()
        wechat._client().close()
        wechat._client.cache_clear()


def test_a_new_wechat_account_binds_a_phone_and_then_signs_in_by_itself(mini, log, resident):
    unbound = mini.post("/api/v1/auth/wechat", {"code": "openid-1#a"})
    assert unbound.status_code == 200
    assert set(unbound.json()) == {"bound", "ticket"}
    given = proof(mini, log, resident.phone) | {"ticket": unbound.json()["ticket"]}
    bound = mini.post("/api/v1/auth/wechat/bind", given)
    assert bound.status_code == 201
    assert bound.json()["person_id"] == str(resident.id)
    again = mini.post("/api/v1/auth/wechat", {"code": "openid-1#b"}).json()
    assert again["bound"] is True
    assert with_token(again["token"]["token"]).get("/api/v1/me").json()["id"] == str(resident.id)
    for answer in (unbound, bound):
        assert SESSION_KEY not in answer.content.decode()


@pytest.mark.parametrize(
    ("code", "status", "problem"),
    [
        ("never-given", 400, "bad_wechat_code"),
        ("limited", 429, "wechat_limited"),
        ("blocked", 403, "wechat_blocked"),
        ("busy", 503, "wechat_busy"),
        ("strange", 503, "wechat_unavailable"),
    ],
)
def test_every_error_of_wechat_is_a_problem(mini, code, status, problem):
    answer = mini.post("/api/v1/auth/wechat", {"code": code})
    assert (answer.status_code, answer.json()["code"], answer["Content-Type"]) == (status, problem, MEDIA_TYPE)
    assert ("Retry-After" in answer) == (problem in {"wechat_limited", "wechat_busy"})


def test_wechat_that_is_not_set_up_is_503(api):
    answer = api.post("/api/v1/auth/wechat", {"code": "openid-1"})
    assert (answer.status_code, answer.json()["code"]) == (503, "wechat_misconfigured")


def test_unknown_addresses_under_api_are_documents(api):
    answer = api.get("/api/v1/nothing")
    assert (answer.status_code, answer["Content-Type"]) == (404, MEDIA_TYPE)


def test_signing_out_everywhere_ends_devices_browsers_and_wechat(device, browser, mini, resident, cast):
    other = with_token(signin.issue(resident, "平板").secret)
    theirs = with_token(signin.issue(cast["neighbour"], "手机").secret)
    WechatAccount.objects.create(openid="openid-1", person=resident)
    assert device.delete("/api/v1/auth/tokens").status_code == 204
    assert [client.get("/api/v1/me").status_code for client in (device, other, browser, theirs)] == [401, 401, 401, 200]
    assert mini.post("/api/v1/auth/wechat", {"code": "openid-1#a"}).json()["bound"] is False


def test_a_browser_signs_out_everywhere_too(browser, device):
    assert browser.delete("/api/v1/auth/tokens").status_code == 403
    csrf = {"X-CSRFToken": browser.cookies["csrftoken"].value}
    assert browser.delete("/api/v1/auth/tokens", headers=csrf).status_code == 204
    assert [client.get("/api/v1/me").status_code for client in (device, browser)] == [401, 401]


def spent_by_strangers(phone) -> None:
    """Strangers have had their share of the hour."""
    for n in range(3):
        answer = APIClient(REMOTE_ADDR=f"198.51.100.{n}").post("/api/v1/auth/codes", {"phone": phone})
        assert answer.status_code == 202
        SignInCode.objects.update(created_at=F("created_at") - timedelta(minutes=1))


def test_a_device_key_or_a_browsers_cookie_gets_the_owner_a_code(api, log, resident, browser):
    SignInCode.objects.all().delete()
    KnownAddress.objects.all().delete()
    key = api.post("/api/v1/auth/wechat/bind", {
        "ticket": signin.binding_ticket("openid-1"), **proof(browser, log, resident.phone),
    }).json()["device_key"]  # fmt: skip
    SignInCode.objects.all().delete()
    KnownAddress.objects.all().delete()
    spent_by_strangers(resident.phone)
    asked = {"phone": resident.phone}
    assert api.post("/api/v1/auth/codes", asked).status_code == 429
    assert api.post("/api/v1/auth/codes", asked | {"device_key": "x"}).status_code == 429
    assert api.post("/api/v1/auth/codes", asked | {"device_key": key}).status_code == 202
    SignInCode.objects.update(created_at=F("created_at") - timedelta(minutes=1))
    assert browser.cookies["linli_device"]["httponly"]
    assert browser.post("/api/v1/auth/codes", asked).status_code == 202


def test_the_request_of_a_code_goes_along_with_it(api, log, resident):
    sent = api.post("/api/v1/auth/codes", {"phone": resident.phone}).json()
    right = {"phone": resident.phone, "code": log.read_text().split()[-1], "request": sent["request"]}
    for n in range(6):
        stranger = APIClient(REMOTE_ADDR=f"198.51.100.{n}")
        assert stranger.post("/api/v1/auth/tokens", right | {"code": "000000", "request": ""}).status_code == 400
        assert api.post("/api/v1/auth/tokens", right | {"code": "000000", "request": ""}).status_code == 400
    assert APIClient(REMOTE_ADDR="203.0.113.1").post("/api/v1/auth/sessions", right).status_code == 201
