"""The admin's front door."""

import re
from collections import Counter
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth import get_user
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db.models import F
from django.db.models.functions import Now
from django.test import Client, RequestFactory
from django.utils.translation import override

from community import passwords
from community.cookies import NAME as COOKIE
from community.models import PasswordAttempt, Person, SignInCode
from community.passwords import TooManyAttempts, WrongPassword, sign_in_by_password
from tests.connections import together

DOOR = "/admin/login/"
PASSWORD = "a password of twenty-four"
OFFICE, AWAY = "192.0.2.1", "198.51.100.1"


@pytest.fixture
def officer(cast):
    """A member of staff with a password."""
    person = cast["desk_officer"]
    person.is_staff = True
    person.set_password(PASSWORD)
    person.save()
    return person


def words(answer) -> str:
    """What is to be read on the page."""
    return re.sub(r"<[^>]+>", " ", answer.content.decode())


def signed_in(client) -> bool:
    """Whether the browser's session is somebody's."""
    request = RequestFactory().get("/")
    request.session = client.session
    return get_user(request).is_authenticated


def enter(client, person, **given):
    """Press the button that signs in."""
    return client.post(DOOR, {"phone": person.phone, **given})


def by_code(client, person, log):
    """Ask for a code, and sign in with it."""
    page = client.post(DOOR, {"phone": person.phone, "send": "1"})
    sent = re.search(r'name="sent" value="([^"]+)"', page.content.decode())[1]
    return enter(client, person, code=log.read_text().split()[-1], sent=sent)


@pytest.mark.django_db
def test_the_page_reads_in_chinese_and_in_english(client):
    chinese, english = client.get(DOOR), client.get(DOOR, headers={"Accept-Language": "en"})
    for word in ("手机号", "短信验证码", "或密码", "获取验证码", "登录"):
        assert word in chinese.content.decode()
    for word in ("Mobile number", "Code sent by SMS", "Or password", "Send a code", "Log in"):
        assert word in english.content.decode()


@pytest.mark.django_db
def test_the_page_keeps_the_strict_policy_and_runs_nothing_inline(client):
    answer = client.get(DOOR)
    assert "unsafe" not in answer["Content-Security-Policy"]
    html = answer.content.decode()
    assert all(not body.strip() for body in re.findall(r"<script[^>]*>(.*?)</script>", html, re.DOTALL))
    assert not re.search(r"<style|\sstyle=|\son\w+=", html)


@pytest.mark.django_db
def test_staff_sign_in_by_a_code_and_come_where_they_wanted_to_go(client, officer, log):
    assert client.get("/admin/community/area/")["Location"] == f"{DOOR}?next=/admin/community/area/"
    page = client.post(DOOR, {"phone": officer.phone, "send": "1", "next": "/admin/community/area/"})
    assert "验证码已发送，5 分钟内有效。" in words(page)
    assert 'name="next" value="/admin/community/area/"' in page.content.decode()
    answer = enter(client, officer, code=log.read_text().split()[-1], next="/admin/community/area/")
    assert (answer.status_code, answer["Location"]) == (302, "/admin/community/area/")
    assert signed_in(client)
    assert client.cookies[COOKIE]["httponly"]
    assert client.get(DOOR)["Location"] == "/admin/"


@pytest.mark.django_db
def test_nobody_is_led_off_to_another_site(client, officer):
    assert enter(client, officer, password=PASSWORD, next="https://elsewhere.example/")["Location"] == "/admin/"


@pytest.mark.django_db
def test_staff_sign_in_by_password(client, officer):
    answer = enter(client, officer, password=PASSWORD)
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    assert signed_in(client)
    assert not PasswordAttempt.objects.exists()


@pytest.mark.django_db
def test_djangos_own_form_opens_nothing_any_more(client, officer):
    assert client.post(DOOR, {"username": officer.phone, "password": PASSWORD}).status_code == 200
    assert not signed_in(client)


@pytest.mark.django_db
def test_a_wrong_code_is_refused_and_counted(client, officer, log):
    client.post(DOOR, {"phone": officer.phone, "send": "1"})
    answer = enter(client, officer, code="000000")
    assert "验证码不正确或已失效。" in words(answer)
    assert not signed_in(client)
    assert SignInCode.objects.get().wrong_here == 1


@pytest.mark.django_db
def test_whoever_is_no_staff_stays_out_and_becomes_nobody(client, cast, log):
    assert "该账号不能进入管理后台。" in words(by_code(client, cast["resident"], log))
    stranger = Person(phone="13900000001")
    assert "该账号不能进入管理后台。" in words(by_code(client, stranger, log))
    assert not Person.objects.filter(phone=stranger.phone).exists()
    assert not signed_in(client)


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["unknown", "without a password", "no staff", "disabled"])
def test_all_whose_password_is_refused_read_the_same(client, cast, officer, who):
    person = officer
    if who == "unknown":
        person = Person(phone="13900000001")
    elif who == "without a password":
        person = cast["street_lead"]
    else:
        Person.objects.filter(pk=officer.pk).update(
            **({"is_staff": False} if who == "no staff" else {"is_active": False})
        )
    assert "手机号或密码不正确。" in words(enter(client, person, password=PASSWORD))
    assert not signed_in(client)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"phone": "123", "send": "1"}, "请填写11位大陆手机号，如 13800138000。"),
        ({"phone": "", "send": "1"}, "必填项。"),
        ({"phone": "13900000001"}, "请填写验证码或密码。"),
        ({"phone": "123", "code": "123456"}, "请填写11位大陆手机号，如 13800138000。"),
    ],
)
def test_what_is_missing_is_asked_for_and_nothing_is_sent(client, log, given, said):
    assert said in words(client.post(DOOR, given))
    assert not log.exists()


@pytest.mark.django_db
def test_codes_are_under_the_limits_of_the_api(client, officer):
    client.post(DOOR, {"phone": officer.phone, "send": "1"})
    answer = client.post(DOOR, {"phone": officer.phone, "send": "1"}, headers={"Accept-Language": "en"})
    assert "Too many codes were asked for" in words(answer)
    assert re.search(r"Try again in (5\d|60) seconds\.", words(answer))
    assert (
        client.post("/api/v1/auth/codes", {"phone": officer.phone}, content_type="application/json").status_code == 429
    )


@pytest.mark.django_db
def test_a_server_without_a_gateway_says_so(client, officer, settings):
    settings.SMS_LOG = None
    assert "本系统尚未配置短信通道" in words(client.post(DOOR, {"phone": officer.phone, "send": "1"}))


@pytest.mark.django_db
def test_the_form_needs_its_csrf_token(officer):
    browser = Client(enforce_csrf_checks=True)
    assert browser.post(DOOR, {"phone": officer.phone, "password": PASSWORD}).status_code == 403
    assert browser.post(DOOR, {"phone": officer.phone, "send": "1"}).status_code == 403
    assert not SignInCode.objects.exists()


def attempt(phone, address, key="") -> str:
    """What becomes of a password."""
    try:
        sign_in_by_password(RequestFactory().post(DOOR), phone, "wrong", address, key)
    except WrongPassword:
        return "wrong"
    except TooManyAttempts:
        return "too many"
    return "in"


@pytest.mark.django_db
def test_after_five_wrong_passwords_not_even_the_right_one_is_looked_at_for_a_quarter_of_an_hour(client, officer):
    for _ in range(5):
        enter(client, officer, password="wrong")
    answer = enter(client, officer, password=PASSWORD)
    assert "密码错误次数过多。请在15分钟后重试。" in words(answer)
    assert not signed_in(client)
    PasswordAttempt.objects.update(created_at=Now() - timedelta(minutes=15))
    assert enter(client, officer, password=PASSWORD).status_code == 302


@pytest.mark.django_db
def test_a_stranger_locks_nobody_out(client, officer):
    for n in range(100):
        attempt(officer.phone, f"198.51.100.{n}")
        attempt(officer.phone, AWAY)
    assert enter(client, officer, password=PASSWORD).status_code == 302


@pytest.mark.django_db
def test_not_even_at_the_same_address_where_the_device_is_known(client, officer, log):
    by_code(client, officer, log)
    client.post("/admin/logout/")
    for _ in range(60):
        attempt(officer.phone, "127.0.0.1")
    assert "密码错误次数过多" in words(enter(Client(), officer, password=PASSWORD))
    assert enter(client, officer, password=PASSWORD).status_code == 302


@pytest.mark.django_db
def test_a_pair_has_twenty_wrong_passwords_a_day_and_an_address_fifty_an_hour():
    tried = Counter()
    for _ in range(8):
        tried.update(attempt("13900000001", OFFICE) for _ in range(5))
        PasswordAttempt.objects.update(created_at=F("created_at") - timedelta(minutes=61))
    assert tried == {"wrong": 20, "too many": 20}
    tried = Counter(attempt(f"139000001{n:02d}", OFFICE) for n in range(60))
    assert tried == {"wrong": 50, "too many": 10}
    assert attempt("13900000199", AWAY) == "wrong"


@pytest.mark.django_db
def test_unknown_addresses_share_one_generous_limit():
    tried = Counter(attempt(f"13900000{n:03d}", "") for n in range(510))
    assert tried == {"wrong": 500, "too many": 10}


@pytest.fixture
def racers(transactional_db):
    """Tries something in fifty threads at once on committed data, and cleans up."""
    yield lambda act: Counter(together(50, act))
    PasswordAttempt.objects.all().delete()


def test_of_fifty_passwords_at_once_for_a_phone_from_an_address_five_are_looked_at(racers):
    assert racers(lambda n: attempt("13900000001", OFFICE)) == {"wrong": 5, "too many": 45}


def test_of_fifty_passwords_at_once_for_fifty_phones_from_an_address_its_share_is_looked_at(racers, monkeypatch):
    monkeypatch.setattr(passwords, "PER_ADDRESS", 12)
    assert racers(lambda n: attempt(f"139000001{n:02d}", OFFICE)) == {"wrong": 12, "too many": 38}


@pytest.mark.parametrize("weak", ["short", "123456789012345", "password1234", "19900008001ab"])
def test_a_weak_password_is_refused(weak):
    with pytest.raises(ValidationError):
        validate_password(weak, Person(phone="19900008001", name="王小明"))


@pytest.mark.django_db
def test_the_first_administrator_is_made_on_the_command_line_and_signs_in(client, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", "--phone", "13900000001", "--name", "管理员", verbosity=0)
    assert enter(client, Person(phone="13900000001"), password=PASSWORD).status_code == 302
    assert client.get("/admin/community/person/").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    "written", ["+86 139-0000-0001", "１３９ ００００ ０００１", "(86) 13900000001", "139 0000 0001"]
)
def test_the_administrator_s_phone_is_read_as_the_api_reads_it(monkeypatch, written):
    call_command("createsuperuser", "--noinput", "--phone", written, "--name", "管理员", verbosity=0)
    made = Person.objects.get(phone="13900000001")
    assert made.is_superuser
    made.delete()
    monkeypatch.setenv("DJANGO_SUPERUSER_PHONE", written)
    call_command("createsuperuser", "--noinput", "--name", "管理员", verbosity=0)
    assert Person.objects.get(phone="13900000001").is_superuser
    before = Person.objects.count()
    with pytest.raises(CommandError):
        call_command("createsuperuser", "--noinput", "--name", "管理员", verbosity=0)
    assert Person.objects.count() == before


@pytest.mark.django_db
@pytest.mark.parametrize("written", ["123", "010-55509999", "+1 202 555 0100", "手机号"])
def test_what_is_no_mobile_number_makes_no_administrator(written):
    before = Person.objects.count()
    with pytest.raises(CommandError, match="11位大陆手机号"):
        call_command("createsuperuser", "--noinput", "--phone", written, "--name", "管理员", verbosity=0)
    with override("en"), pytest.raises(CommandError, match="mainland mobile number of 11 digits"):
        call_command("createsuperuser", "--noinput", "--phone", written, "--name", "管理员", verbosity=0)
    assert Person.objects.count() == before


@pytest.mark.django_db
def test_a_phone_that_is_typed_is_asked_for_until_it_is_one(monkeypatch):
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    typed = iter(["123", "+86 139 0000 0001", "管理员"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(typed))
    monkeypatch.setattr("getpass.getpass", lambda *prompt: PASSWORD)
    complained = StringIO()
    call_command("createsuperuser", stdin=Terminal(), stderr=complained, verbosity=0)
    assert "11位大陆手机号" in complained.getvalue()
    assert Person.objects.get(phone="13900000001").is_superuser
