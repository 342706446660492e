"""How staff sign in: by a code, a password, a second factor; what each opens, and what is counted."""

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user
from django.contrib.sessions.models import Session
from django.test import Client, RequestFactory
from redis.exceptions import ConnectionError as RedisAway

from community import housekeeping, signin
from community.credentials import has_second_factor
from community.models import Membership, Person
from tests.statements import cost, statements
from tests.totp import digits

pytestmark = pytest.mark.django_db
DOOR, CODE, CONFIRM, ACCOUNT = (
    "/console/signin/",
    "/console/signin/code/",
    "/console/signin/code/confirm/",
    "/console/signin/account/",
)
NOW = time.time
PASSWORD = "a password of twenty-four"


@pytest.fixture(autouse=True)
def log(settings, tmp_path):
    """The file to which codes are sent."""
    settings.SMS_LOG = tmp_path / "sms.log"
    return settings.SMS_LOG


@pytest.fixture
def street_only(settings):
    """The seats of the street's offices need a second factor."""
    settings.SECOND_FACTOR_FOR = "street"


@pytest.fixture
def officer(cast):
    """An officer of the street with a password."""
    person = cast["desk_officer"]
    person.set_password(PASSWORD)
    person.save()
    return person


def words(answer) -> str:
    """What is to be read on the page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def who(browser):
    """Who is signed in."""
    request = RequestFactory().get("/")
    request.session = browser.session
    person = get_user(request)
    return person if person.is_authenticated else None


def by_code(browser, person, log, **given):
    """Ask for a code, and type it."""
    asked = browser.post(CODE, {"phone": person.phone, **given})
    return browser.post(asked["Location"], {"code": log.read_text().split()[-1]})


def by_password(browser, person, password=PASSWORD, **given):
    """Sign in by password."""
    return browser.post(DOOR, {"login": person.phone, "password": password, **given})


def set_up_app(browser) -> tuple[str, list[str]]:
    """Set up an authenticator app; its secret and the recovery codes."""
    page = browser.get(f"{ACCOUNT}app/add/")
    secret = re.search(r"<code>([A-Z2-7]+)</code>", page.content.decode())[1]
    done = browser.post(f"{ACCOUNT}app/add/", {"code": digits(secret)}, follow=True)
    return secret, re.findall(r"<code>(\w+)</code>", done.content.decode())


def test_the_language_is_the_cookie_s_else_chinese_whatever_the_browser_prefers(client):
    page = client.get(DOOR, headers={"Accept-Language": "en"})
    assert 'lang="zh-Hans"' in page.content.decode()
    assert "获取短信验证码" in words(page)
    assert client.post(f"{DOOR}language/", {"language": "en", "next": DOOR})["Location"] == DOOR
    page = client.get(DOOR, headers={"Accept-Language": "zh"})
    assert 'html lang="en"' in page.content.decode()
    assert "Send me a code" in words(page)
    assert client.post(f"{DOOR}language/", {"language": "fr"}).status_code == 404
    assert client.post(f"{DOOR}language/", {"language": "en", "next": "https://else.example/"})["Location"] == DOOR


def test_the_page_keeps_the_strict_policy_and_runs_nothing_inline(client):
    page = client.get(DOOR)
    assert "unsafe" not in page["Content-Security-Policy"]
    html = page.content.decode()
    for attributes, body in re.findall(r"<script([^>]*)>(.*?)</script>", html, re.DOTALL):
        assert not body.strip() or 'type="application/json"' in attributes
    assert not re.search(r"<style|\sstyle=|\son\w+=", html)
    assert "no-store" in page["Cache-Control"]


def test_staff_sign_in_by_a_code_and_come_where_they_wanted_to_go(client, cast, log):
    asked = client.post(f"{CODE}?next=/console/queue?tab=all", {"phone": cast["dispatcher"].phone})
    assert asked["Location"] == f"{CONFIRM}?next=%2Fconsole%2Fqueue%3Ftab%3Dall"
    answer = client.post(asked["Location"], {"code": log.read_text().split()[-1]})
    assert (answer.status_code, answer["Location"]) == (302, "/console/queue?tab=all")
    assert who(client) == cast["dispatcher"]
    assert client.get(DOOR)["Location"] == "/console/"


def test_staff_sign_in_by_password(client, officer):
    assert by_password(client, officer)["Location"] == "/console/"
    assert who(client) == officer


def test_nobody_is_led_off_to_another_site(client, officer):
    answer = client.post(f"{DOOR}?next=https://elsewhere.example/", {"login": officer.phone, "password": PASSWORD})
    assert answer["Location"] == "/console/"


def test_those_who_may_enter_the_admin_alone_come_there(client, cast, log):
    assert by_code(client, cast["administrator"], log)["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_the_admin_sends_to_the_same_page(client, cast, log):
    assert client.get("/admin/community/area/", follow=True).redirect_chain == [
        ("/admin/login/?next=/admin/community/area/", 302), (f"{DOOR}?next=/admin/community/area/", 302),
    ]  # fmt: skip
    assert client.get("/admin/login/?next=https://else.example/")["Location"] == f"{DOOR}?next=/admin/"
    assert client.post("/admin/login/", {"username": cast["administrator"].phone})["Location"] == f"{DOOR}?next=/admin/"


def test_whoever_may_not_enter_the_admin_reads_so(client, cast, log):
    by_code(client, cast["dispatcher"], log)
    answer = client.get("/admin/", follow=True)
    assert (answer.status_code, "该账号不能进入管理后台" in words(answer)) == (403, True)


@pytest.mark.parametrize("kind", ["resident", "stranger", "disabled", "former"])
def test_no_code_is_sent_to_whoever_is_no_staff_and_all_read_the_same(client, cast, log, kind):
    dispatcher = cast["dispatcher"]
    known = client.post(CODE, {"phone": dispatcher.phone}, follow=True)
    log.unlink()
    phone = {"resident": cast["resident"].phone, "stranger": "13900000001"}.get(kind, dispatcher.phone)
    if kind == "disabled":
        Person.objects.filter(pk=dispatcher.pk).update(is_active=False)
    if kind == "former":
        Membership.objects.filter(person=dispatcher).delete()
    people = Person.objects.count()
    other = Client(REMOTE_ADDR="192.0.2.9")
    answer = other.post(CODE, {"phone": phone}, follow=True)
    if kind in ("resident", "stranger"):
        assert (answer.status_code, answer.redirect_chain) == (known.status_code, known.redirect_chain)
        assert words(answer) == words(known)
    assert not log.exists()
    other.post(CONFIRM, {"code": "000000"})
    assert who(other) is None
    assert Person.objects.count() == people


@pytest.mark.parametrize("kind", ["unknown", "without a password", "a resident", "disabled"])
def test_all_whose_password_is_refused_read_the_same(client, cast, officer, kind):
    wrong = words(by_password(Client(), officer, "wrong"))
    person = {"unknown": Person(phone="13900000001"), "without a password": cast["street_lead"]}.get(kind, officer)
    if kind == "a resident":
        Membership.objects.filter(person=officer).delete()
    if kind == "disabled":
        Person.objects.filter(pk=officer.pk).update(is_active=False)
    answer = by_password(client, person)
    assert words(answer) == wrong
    assert who(client) is None


def test_a_code_stands_three_wrong_guesses(client, cast, log):
    client.post(CODE, {"phone": cast["dispatcher"].phone})
    right = log.read_text().split()[-1]
    for _ in range(3):
        client.post(CONFIRM, {"code": "000000" if right != "000000" else "111111"})
    client.post(CONFIRM, {"code": right})
    assert who(client) is None


def test_five_wrong_passwords_stop_one_phone_and_no_other(client, cast, officer):
    for number in range(5):
        by_password(Client(REMOTE_ADDR=f"192.0.2.{number}"), officer, "wrong")
    refused = by_password(client, officer)
    assert (refused.status_code, who(client)) == (200, None)
    other = cast["street_lead"]
    other.set_password(PASSWORD)
    other.save()
    assert by_password(client, other).status_code == 302


def test_a_phone_gets_one_code_a_minute(client, cast, log):
    client.post(CODE, {"phone": cast["dispatcher"].phone})
    log.unlink()
    assert Client(REMOTE_ADDR="192.0.2.9").post(CODE, {"phone": cast["dispatcher"].phone}).status_code == 200
    assert not log.exists()


def test_an_office_of_fifty_behind_one_address_signs_in_within_a_minute(cast):
    people = Person.objects.filter(memberships__ends_on=None, memberships__isnull=False).distinct()[:50]
    asked = [Client().post(CODE, {"phone": one.phone}).status_code for one in people]
    assert asked == [302] * 50


def test_a_server_without_a_gateway_offers_no_code_and_says_so_for_every_phone(client, cast, settings):
    settings.SMS_LOG = None
    assert "获取短信验证码" not in words(client.get(DOOR))
    for phone in (cast["dispatcher"].phone, "13900000001"):
        assert "本系统尚未配置短信通道" in words(client.post(CODE, {"phone": phone}, follow=True))


def test_the_forms_need_their_csrf_token(officer, log):
    browser = Client(enforce_csrf_checks=True)
    assert browser.post(DOOR, {"login": officer.phone, "password": PASSWORD}).status_code == 403
    assert browser.post(CODE, {"phone": officer.phone}).status_code == 403
    assert not log.exists()


def test_nobody_signs_in_where_attempts_cannot_be_counted_and_a_page_says_so(client, officer, monkeypatch):
    def away(*args, **kwargs):
        raise RedisAway

    monkeypatch.setattr("redis.client.Redis.execute_command", away)
    answer = by_password(client, officer)
    assert (answer.status_code, "暂时无法登录" in words(answer)) == (503, True)
    assert client.get(DOOR).status_code == 200


@pytest.mark.parametrize(
    "address", ["signup/", "account/email/", "password/reset/", "account/phone/", "signup/passkey/"]
)
def test_nobody_signs_up(client, address):
    assert client.get(f"{DOOR}{address}").status_code == 404


# The second factor.


@pytest.mark.usefixtures("street_only")
def test_an_officer_without_a_second_factor_is_led_to_set_one_up_and_then_works(client, officer):
    assert by_password(client, officer)["Location"] == "/console/"
    page = client.get("/console/", follow=True)
    assert page.redirect_chain[-1] == (f"{ACCOUNT}?next=%2Fconsole%2F", 302)
    assert "您的席位须经二次验证才能使用" in words(page)
    assert not has_second_factor(client.session)
    _, codes = set_up_app(client)
    assert len(codes) == 10
    assert has_second_factor(client.session)
    assert "您的席位须经二次验证才能使用" not in words(client.get(ACCOUNT))
    assert client.get("/console/queue").status_code == 200
    assert client.get("/api/v1/callbacks").status_code == 200
    assert not any(code in client.get(f"{ACCOUNT}recovery-codes/").content.decode() for code in codes)


@pytest.mark.usefixtures("street_only")
def test_from_then_on_the_second_factor_is_asked_for_and_counts(client, officer, log):
    by_password(client, officer)
    secret, codes = set_up_app(client)
    for sign_in in (lambda one: by_password(one, officer), lambda one: by_code(one, officer, log)):
        browser = Client()
        assert sign_in(browser)["Location"] == f"{DOOR}second-factor/"
        assert who(browser) is None
        assert browser.get("/console/queue").status_code == 302
        wrong = browser.post(f"{DOOR}second-factor/", {"code": "000000"})
        assert (wrong.status_code, who(browser)) == (200, None)
        assert browser.post(f"{DOOR}second-factor/", {"code": codes.pop()})["Location"] == "/console/"
        assert browser.get("/console/queue").status_code == 200
    browser = Client()
    by_password(browser, officer)
    browser.post(f"{DOOR}second-factor/", {"code": digits(secret, 1)})
    assert who(browser) == officer
    used = Client()
    by_password(used, officer)
    assert used.post(f"{DOOR}second-factor/", {"code": digits(secret, 1)}).status_code == 200
    assert who(used) is None


@pytest.mark.usefixtures("street_only")
def test_a_recovery_code_works_once(client, officer):
    by_password(client, officer)
    _, codes = set_up_app(client)
    for number in range(2):
        browser = Client()
        by_password(browser, officer)
        browser.post(f"{DOOR}second-factor/", {"code": codes[0]})
        assert (who(browser) == officer) is (number == 0)


@pytest.mark.usefixtures("street_only")
def test_a_session_of_the_api_reaches_the_console_only_through_the_second_factor(client, officer, log):
    by_password(client, officer)
    secret, _ = set_up_app(client)
    browser = Client()
    browser.post("/api/v1/auth/codes", {"phone": officer.phone}, "application/json")
    given = {"phone": officer.phone, "code": log.read_text().split()[-1]}
    assert browser.post("/api/v1/auth/sessions", given, "application/json").status_code == 201
    page = browser.get("/console/queue", follow=True)
    assert page.redirect_chain[-1][0] == f"{DOOR}again/second-factor/?next=%2Fconsole%2Fqueue"
    before = Authenticator.objects.count()
    for address in ("app/remove/", "recovery-codes/new/", "passkeys/add/", "password/"):
        answer = browser.post(f"{ACCOUNT}{address}", {"password1": "x", "password2": "x"})
        assert answer["Location"].startswith(f"{DOOR}again/second-factor/")
    assert Authenticator.objects.count() == before
    assert browser.get("/api/v1/callbacks").json()["code"] == "second_factor_required"
    answer = browser.post(page.redirect_chain[-1][0], {"code": digits(secret, 1), "next": "/console/queue"})
    assert answer["Location"] == "/console/queue"
    assert browser.get("/console/queue").status_code == 200
    assert browser.get("/api/v1/callbacks").status_code == 200


@pytest.mark.usefixtures("street_only")
def test_the_admin_asks_for_the_second_factor_and_comes_back(client, cast, log):
    administrator = cast["administrator"]
    by_code(client, administrator, log)
    page = client.get("/admin/community/area/", follow=True)
    assert page.redirect_chain[-1][0] == f"{ACCOUNT}?next=%2Fadmin%2Fcommunity%2Farea%2F"
    set_up_app(client)
    assert client.get("/admin/community/area/").status_code == 200


def test_secrets_are_stored_encrypted(client, officer):
    by_password(client, officer)
    secret, codes = set_up_app(client)
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in stored
    assert not any(code in stored for code in codes)


def test_no_code_fits_a_secret_whose_key_is_gone(client, officer, settings):
    by_password(client, officer)
    secret, codes = set_up_app(client)
    settings.SECRET_KEY = "another-key-of-a-machine-without-secrets"
    browser = Client()
    by_password(browser, officer)
    for code in (digits(secret, 1), codes[0], "000000"):
        assert browser.post(f"{DOOR}second-factor/", {"code": code}).status_code == 200
    assert who(browser) is None


def test_the_second_factor_is_removed_only_with_it(client, officer):
    by_password(client, officer)
    set_up_app(client)
    client.post(f"{ACCOUNT}app/remove/")
    assert not Authenticator.objects.exists()


def test_a_member_whose_seat_ended_is_out_at_the_next_request_and_cannot_come_back(client, officer):
    by_password(client, officer)
    assert client.get("/console/queue").status_code == 200
    Membership.objects.filter(person=officer).update(ends_on="2020-01-01")
    assert client.get("/console/queue").status_code == 404
    assert client.get(ACCOUNT).status_code == 302
    assert "该账号没有工作席位" in words(client.get(DOOR))
    browser = Client()
    by_password(browser, officer)
    assert who(browser) is None


def test_a_clerk_whose_seat_ended_sees_nothing_in_the_admin_and_cannot_come_back(staff, cast, log):
    browser, clerk = staff("general_officer", "community.view_person"), cast["general_officer"]
    found = f"/admin/community/person/?q={cast['desk_officer'].phone}"
    assert cast["desk_officer"].name in words(browser.get(found))
    Membership.objects.filter(person=clerk).delete()
    assert cast["desk_officer"].name not in words(browser.get(found))
    assert Client().post(CODE, {"phone": clerk.phone}).status_code == 302
    assert not log.exists()


def test_a_password_is_set_and_changed(client, cast, log):
    person = cast["dispatcher"]
    by_code(client, person, log)
    assert client.post(f"{ACCOUNT}password/set/", {"password1": "short", "password2": "short"}).status_code == 200
    assert client.post(f"{ACCOUNT}password/set/", {"password1": PASSWORD, "password2": PASSWORD}).status_code == 302
    assert by_password(Client(), person).status_code == 302


def test_an_administrator_resets_the_second_factor_of_whoever_lost_it(cast, officer, staff):
    by_password(browser := Client(), officer)
    set_up_app(browser)
    address, given = "/admin/community/person/", {"action": "reset_second_factors", "_selected_action": [officer.pk]}
    clerk = staff("general_officer", "community.view_person", "community.change_person")
    clerk.post(address, given)
    assert Authenticator.objects.filter(user=officer).exists()
    clerk.force_login(cast["administrator"])
    clerk.post(address, given)
    assert not Authenticator.objects.filter(user=officer).exists()
    assert who(browser) is None
    assert by_password(Client(), officer)["Location"] == "/console/"


# The demo's people.


@pytest.fixture
def development(settings):
    """A development machine."""
    settings.DEMO_SIGN_IN = True


@pytest.mark.usefixtures("development")
@pytest.mark.parametrize(
    ("key", "where"), [("dispatcher", "/console/"), ("street_lead", "/console/"), ("administrator", "/admin/")]
)
def test_one_click_makes_a_newcomer_one_of_the_demo_s_people(client, cast, settings, key, where):
    settings.SECOND_FACTOR_FOR = "staff"
    page = client.get(DOOR)
    assert f'name="person" value="{key}"' in page.content.decode()
    assert cast[key].name in words(page)
    answer = client.post(f"{DOOR}demo/", {"person": key})
    assert (answer.status_code, answer["Location"]) == (302, where)
    assert who(client) == cast[key]
    assert client.get(where, follow=True).status_code == 200


@pytest.mark.usefixtures("development")
@pytest.mark.parametrize("key", ["resident", "former_member", "nobody", ""])
def test_residents_former_members_and_nobody_are_not_offered(client, cast, key):
    assert f'value="{key}"' not in client.get(DOOR).content.decode() or not key
    assert client.post(f"{DOOR}demo/", {"person": key}).status_code == 404
    assert who(client) is None


@pytest.mark.parametrize("where", [{"DEMO_SIGN_IN": False}, {"DEMO_SIGN_IN": True, "PRODUCTION": True}])
def test_nowhere_else_is_it_possible(client, cast, settings, where):
    for name, value in where.items():
        setattr(settings, name, value)
    assert "演示街道" not in words(client.get(DOOR))
    assert client.post(f"{DOOR}demo/", {"person": "dispatcher"}).status_code == 404
    assert who(client) is None


# Sessions.


def later(monkeypatch, minutes):
    """So many minutes from now, in whole."""
    monkeypatch.setattr("community.credentials.time.time", lambda: NOW() + minutes * 60)


def test_whoever_does_nothing_is_signed_out_on_every_route(client, officer, monkeypatch):
    by_password(client, officer)
    assert client.get("/console/queue").status_code == 200
    later(monkeypatch, 239)
    assert client.get("/api/v1/me").status_code == 200
    later(monkeypatch, 2 * 239)
    assert client.get("/api/v1/me").status_code == 401
    assert client.get("/console/queue")["Location"] == f"{DOOR}?next=%2Fconsole%2Fqueue"
    assert who(client) is None


def test_a_page_that_asks_for_news_does_nothing_and_a_click_does(client, officer, monkeypatch):
    by_password(client, officer)
    client.get("/console/queue")
    for minutes, headers, status in (
        (200, {"HX-PTag": "x"}, {200, 304}),
        (200, {}, {200}),
        (430, {}, {200}),
        (900, {}, {302}),
    ):
        later(monkeypatch, minutes)
        assert client.get("/console/queue", headers=headers).status_code in status, minutes
    other = Client()
    monkeypatch.undo()
    by_password(other, officer)
    other.get("/console/queue")
    later(monkeypatch, 200)
    other.get("/console/queue", headers={"HX-PTag": "x"})
    later(monkeypatch, 241)
    assert other.get("/console/queue").status_code == 302


def test_what_is_done_within_a_minute_writes_nothing(client, officer):
    by_password(client, officer)
    client.get("/console/queue")
    with statements() as made:
        client.get("/console/queue")
    assert not [one for one in made if one.startswith(("UPDATE", "INSERT"))]


def test_a_session_of_the_api_that_never_saw_the_console_does_not_idle(client, cast, monkeypatch):
    client.force_login(cast["resident"])
    later(monkeypatch, 10_000)
    assert client.get("/api/v1/me").status_code == 200


def test_browsers_and_devices_are_listed_and_signed_out(client, officer, cast):
    other, stranger = Client(HTTP_USER_AGENT="Firefox"), Client()
    by_password(client, officer)
    by_password(other, officer)
    token = signin.issue(officer, "小米 14").token
    page = client.get(f"{ACCOUNT}sessions/")
    assert "Firefox" in words(page)
    assert "小米 14" in words(page)
    (session,) = re.findall(r'name="session" value="(\d+)"', page.content.decode())
    by_code_of_another = cast["street_lead"]
    by_code_of_another.set_password(PASSWORD)
    by_code_of_another.save()
    by_password(stranger, by_code_of_another)
    stranger.post(f"{ACCOUNT}sessions/", {"session": session})
    stranger.post(f"{ACCOUNT}sessions/", {"device": str(token.pk)})
    assert other.get("/console/queue").status_code == 200
    assert officer.tokens.exists()
    client.post(f"{ACCOUNT}sessions/", {"session": session})
    client.post(f"{ACCOUNT}sessions/", {"device": str(token.pk)})
    client.post(f"{ACCOUNT}sessions/", {"session": "x", "device": "x"})
    assert other.get("/console/queue").status_code == 302
    assert not officer.tokens.exists()
    assert client.get("/console/queue").status_code == 200


def test_signing_out_everywhere_ends_this_session_too(client, officer):
    other = Client()
    by_password(client, officer)
    by_password(other, officer)
    assert client.post(f"{ACCOUNT}sessions/", {"everywhere": "1"})["Location"] == DOOR
    assert (who(client), who(other)) == (None, None)


def test_the_list_costs_as_much_for_ten_browsers_as_for_one(client, officer):
    by_password(client, officer)
    one = cost(client, f"{ACCOUNT}sessions/")
    for number in range(9):
        by_password(Client(REMOTE_ADDR=f"192.0.2.{number}"), officer)
    assert cost(client, f"{ACCOUNT}sessions/") == one


def test_changing_the_password_signs_the_other_browsers_out(client, officer):
    other = Client()
    by_password(client, officer)
    by_password(other, officer)
    new = "another password of thirty"
    given = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert client.post(f"{ACCOUNT}password/", given).status_code == 302
    assert client.get("/console/queue").status_code == 200
    assert other.get("/console/queue").status_code == 302


def test_an_expired_browser_leaves_the_list(client, officer):
    by_password(client, officer)
    assert housekeeping.purge()["listed_sessions"] == 0
    Session.objects.all().delete()
    assert housekeeping.purge()["listed_sessions"] == 1
