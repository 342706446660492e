"""E-mail addresses over HTTP: only a code that was mailed there makes one a person's."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.db.models import F
from django.utils import timezone

from community.models import Person
from config.mail import mailers
from notifications import email_addresses, housekeeping
from notifications.models import EmailCode, Profile
from tests.connections import together
from tests.fakes.smtp import serving

EMAIL = "resident@mail.example"
SETTINGS = "/api/v1/notifications/settings"
MINUTE = timedelta(minutes=1)


def ask(client, email=EMAIL, status=202):
    answer = client.post("/api/v1/notifications/email", {"email": email}, format="json")
    assert answer.status_code == status, answer.content
    return answer


def confirm(client, code, status=200):
    answer = client.post("/api/v1/notifications/email/confirm", {"code": code}, format="json")
    assert answer.status_code == status, answer.content
    return answer.json()


def code():
    """The code in the newest mail."""
    return re.search(r"\b[0-9]{6}\b", mail.outbox[-1].body)[0]


def wrong(right):
    return f"{(int(right) + 1) % 1_000_000:06d}"


def age(by):
    """Let all codes be older."""
    EmailCode.objects.update(created_at=F("created_at") - by)


def address(person):
    return (
        Profile.objects.filter(person=person, email_confirmed_at__isnull=False).values_list("email", flat=True).first()
    )


@pytest.mark.django_db
def test_an_address_is_mine_once_i_bring_back_its_code(at_api, cast):
    resident = at_api("resident")
    assert ask(resident, "Resident@Mail.example").json() == {"expires_in": 900}
    assert [one.to for one in mail.outbox] == [[EMAIL]]
    assert address(cast["resident"]) is None
    assert confirm(resident, code())["email"] == EMAIL
    assert resident.get(SETTINGS).json()["email"] == EMAIL
    confirm(resident, code(), 400)


@pytest.mark.django_db
def test_the_mail_is_in_the_readers_language(at_api):
    at_api("resident").post("/api/v1/notifications/email", {"email": EMAIL}, headers={"Accept-Language": "en"})
    assert mail.outbox[0].subject == "Your e-mail code for Linli"
    ask(at_api("neighbour"))
    assert mail.outbox[1].subject == "邻里办邮箱验证码"


@pytest.mark.django_db
def test_the_old_address_stays_until_the_new_one_is_confirmed(at_api, cast):
    resident = at_api("resident")
    Profile.objects.create(person=cast["resident"], email="old@mail.example", email_confirmed_at=timezone.now())
    ask(resident)
    problem = confirm(resident, wrong(code()), 400)
    assert problem["code"] == "wrong_code"
    assert address(cast["resident"]) == "old@mail.example"
    confirm(resident, code())
    assert address(cast["resident"]) == EMAIL


@pytest.mark.django_db
def test_a_code_is_good_for_its_own_person_alone(at_api, cast):
    ask(at_api("resident"))
    confirm(at_api("neighbour"), code(), 400)
    assert address(cast["neighbour"]) is None
    confirm(at_api("resident"), code())


@pytest.mark.django_db
def test_a_code_bears_five_wrong_guesses(at_api, cast):
    resident = at_api("resident")
    ask(resident)
    for _ in range(5):
        confirm(resident, wrong(code()), 400)
    confirm(resident, code(), 400)
    assert address(cast["resident"]) is None


@pytest.mark.django_db
@pytest.mark.parametrize(("minutes", "status"), [(14, 200), (16, 400)])
def test_a_code_lives_fifteen_minutes(at_api, minutes, status):
    resident = at_api("resident")
    ask(resident)
    age(minutes * MINUTE)
    confirm(resident, code(), status)


@pytest.mark.django_db
def test_a_person_is_mailed_one_code_a_minute_five_an_hour_and_ten_a_day(at_api):
    resident = at_api("resident")
    ask(resident, "a0@mail.example")
    refused = ask(resident, "b@mail.example", 429)
    assert 55 < int(refused["Retry-After"]) <= 60
    assert refused.json()["detail"] == f"获取邮箱验证码过于频繁。请在{refused['Retry-After']}秒后重试。"
    for number in range(1, 5):
        age(MINUTE)
        ask(resident, f"a{number}@mail.example")
    age(MINUTE)
    assert int(ask(resident, status=429)["Retry-After"]) > 3000
    age(60 * MINUTE)
    for number in range(5, 10):
        age(MINUTE)
        ask(resident, f"a{number}@mail.example")
    age(61 * MINUTE)
    assert ask(resident, status=429).json()["code"] == "too_many_mails"
    assert len(mail.outbox) == EmailCode.objects.count() == 10


@pytest.mark.django_db
def test_an_address_is_mailed_three_codes_an_hour_whoever_asks(at_api):
    for who in ("resident", "neighbour", "chair"):
        ask(at_api(who))
    ask(at_api("dispatcher"), EMAIL.upper(), status=429)
    ask(at_api("dispatcher"), "another@mail.example")
    assert len(mail.outbox) == 4


@pytest.mark.django_db
@pytest.mark.parametrize(
    "email", ["", "nobody", "a@b", "a@mail.example\nBcc: b@mail.example", None, f"{'a' * 250}@b.example"]
)
def test_what_is_no_address_is_mailed_nothing(at_api, email):
    assert ask(at_api("resident"), email, 400).json()["errors"][0]["field"] == "email"
    assert (len(mail.outbox), EmailCode.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_without_a_mail_server_nobody_is_asked_to_wait_for_a_code(at_api, settings):
    settings.EMAIL_URL = ""
    assert ask(at_api("resident"), status=503).json()["code"] == "email_not_configured"
    assert not EmailCode.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("said", ["550 5.7.1 relaying denied", "451 4.3.0 later"])
def test_a_code_that_could_not_be_sent_does_not_count(at_api, settings, said):
    with serving() as server:
        server.manners.answers["RCPT"] = said
        settings.MAILERS = mailers(f"smtp://127.0.0.1:{server.port}")
        assert ask(at_api("resident"), status=503).json()["code"] == "email_not_sent"
    assert not EmailCode.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("said", ["550 5.1.1 no such user", "550 unknown", "553 5.1.3 bad address", "552 5.2.2 full"])
def test_an_address_that_the_mail_server_refuses_is_the_callers_fault_and_does_not_count(at_api, settings, said):
    with serving() as server:
        server.manners.answers["RCPT"] = said
        settings.MAILERS = mailers(f"smtp://127.0.0.1:{server.port}")
        (fault,) = ask(at_api("resident"), status=400).json()["errors"]
    assert (fault["field"], fault["code"]) == ("email", "no_such_address")
    assert fault["reason"] == "邮件服务器拒收该地址，请检查是否有误。"
    assert not EmailCode.objects.exists()


@pytest.mark.django_db
def test_an_address_is_forgotten_with_the_codes_under_way(at_api, cast):
    resident = at_api("resident")
    ask(resident)
    confirm(resident, code())
    age(MINUTE)
    ask(resident)
    assert resident.delete("/api/v1/notifications/email").status_code == 204
    assert resident.get(SETTINGS).json()["email"] == ""
    confirm(resident, code(), 400)
    assert address(cast["resident"]) is None


@pytest.mark.django_db
def test_old_codes_are_deleted_when_no_limit_counts_them(at_api):
    ask(at_api("resident"))
    housekeeping.purge(timezone.now() + timedelta(hours=24))
    assert EmailCode.objects.count() == 1
    housekeeping.purge(timezone.now() + timedelta(hours=49))
    assert EmailCode.objects.count() == 0


def test_of_many_who_ask_at_once_one_is_mailed(transactional_db, django_db_blocker):
    with django_db_blocker.unblock():
        person = Person.objects.create(phone="13800019999", name="居民", password="!")
        refused = []

        def ask_at_once(_):
            try:
                email_addresses.ask(person.pk, EMAIL, "zh-hans")
            except email_addresses.TooManyMails as error:
                refused.append(error)

        try:
            together(4, ask_at_once)
            assert (len(mail.outbox), len(refused)) == (1, 3)
        finally:
            person.delete()
