import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from community import housekeeping, signin
from community.models import Person, SignInCode, SignInToken, WechatAccount
from notifications import sms

PHONE = "13900000001"
HOME, AWAY = "192.0.2.1", "198.51.100.1"


@pytest.fixture(autouse=True)
def log(settings, tmp_path):
    """Where the codes are sent in tests."""
    settings.SMS_LOG = tmp_path / "log" / "sms.log"
    return settings.SMS_LOG


def last_code(log) -> str:
    """The code that was sent last."""
    return log.read_text().splitlines()[-1].split()[-1]


def other_than(code: str) -> str:
    """A code that is not this one."""
    return f"{(int(code) + 1) % 1_000_000:06d}"


def age(**how_old) -> None:
    """Make every code sent so far older."""
    SignInCode.objects.update(created_at=F("created_at") - timedelta(**how_old))


def refused(phone, code, address=HOME) -> bool:
    """Whether the code does not sign in."""
    try:
        signin.sign_in_device(phone, code, address, "")
    except signin.WrongCode:
        return True
    return False


def asked_too_often(phone=PHONE, address=HOME) -> float:
    """The seconds to wait for another code."""
    with pytest.raises(signin.TooManyCodes) as caught:
        signin.send_code(phone, address)
    return caught.value.wait


@pytest.mark.django_db
def test_a_code_signs_a_new_phone_in_as_a_resident_without_a_home(log):
    signin.send_code(PHONE, HOME)
    issued = signin.sign_in_device(PHONE, last_code(log), HOME, "小米 14")
    person = Person.objects.get(phone=PHONE)
    assert issued.token.person_id == person.id
    assert issued.token.device == "小米 14"
    assert not person.is_staff
    assert not person.has_usable_password()
    assert not person.residencies.exists()
    assert not person.memberships.exists()


@pytest.mark.django_db
def test_neither_codes_nor_tokens_are_kept_as_they_are(log):
    signin.send_code(PHONE, HOME)
    code = last_code(log)
    assert bytes(SignInCode.objects.get().code_hash) != code.encode()
    assert bytes(SignInCode.objects.get().code_hash) != hashlib.sha256(code.encode()).digest()
    issued = signin.sign_in_device(PHONE, code, HOME, "")
    assert len(issued.secret) > 43
    assert bytes(issued.token.token_hash) == hashlib.sha256(issued.secret.encode()).digest()


@pytest.mark.django_db
def test_a_code_works_once(log):
    signin.send_code(PHONE, HOME)
    assert not refused(PHONE, last_code(log))
    assert refused(PHONE, last_code(log))


@pytest.mark.django_db
def test_a_code_works_for_its_own_phone_only(log):
    signin.send_code(PHONE, HOME)
    assert refused("13900000002", last_code(log))
    assert not Person.objects.filter(phone="13900000002").exists()


@pytest.mark.django_db
def test_a_code_dies_after_five_minutes(log):
    signin.send_code(PHONE, HOME)
    age(minutes=5)
    assert refused(PHONE, last_code(log))


@pytest.mark.django_db
def test_an_earlier_code_still_works_when_somebody_asks_for_another(log):
    signin.send_code(PHONE, HOME)
    mine = last_code(log)
    age(minutes=1)
    signin.send_code(PHONE, AWAY)
    assert not refused(PHONE, mine)


@pytest.mark.django_db
def test_the_owner_may_use_a_code_that_a_stranger_asked_for(log):
    signin.send_code(PHONE, AWAY)
    assert not refused(PHONE, last_code(log), HOME)


@pytest.mark.django_db
def test_after_five_wrong_guesses_the_right_one_fails_too(log):
    signin.send_code(PHONE, HOME)
    wrong = other_than(last_code(log))
    assert all(refused(PHONE, wrong) for _ in range(5))
    assert refused(PHONE, last_code(log))


@pytest.mark.django_db
def test_a_strangers_guesses_leave_the_owner_his_own(log):
    signin.send_code(PHONE, HOME)
    wrong = other_than(last_code(log))
    assert all(refused(PHONE, wrong, f"198.51.100.{n}") for n in range(20))
    assert SignInCode.objects.get().wrong_elsewhere == 5
    assert not refused(PHONE, last_code(log), HOME)


@pytest.mark.django_db
def test_all_strangers_together_have_five_guesses(log):
    signin.send_code(PHONE, HOME)
    wrong = other_than(last_code(log))
    for n in range(5):
        refused(PHONE, wrong, f"198.51.100.{n}")
    assert refused(PHONE, last_code(log), "203.0.113.9")


@pytest.mark.django_db
def test_a_disabled_person_stays_out(log, cast):
    Person.objects.filter(id=cast["resident"].id).update(is_active=False)
    signin.send_code(cast["resident"].phone, HOME)
    with pytest.raises(signin.Disabled):
        signin.sign_in_device(cast["resident"].phone, last_code(log), HOME, "")
    assert not SignInToken.objects.filter(person=cast["resident"].id).exists()


@pytest.mark.django_db
def test_a_phone_gets_one_code_a_minute_five_an_hour_ten_a_day(log):
    signin.send_code(PHONE, HOME)
    assert 55 < asked_too_often() <= 60
    for _ in range(4):
        age(minutes=1)
        signin.send_code(PHONE, AWAY)
    age(minutes=1)
    assert 50 * 60 < asked_too_often() < 56 * 60
    for _ in range(5):
        age(minutes=59)
        signin.send_code(PHONE, HOME)
    age(minutes=61)
    assert 17 * 3600 < asked_too_often() < 19 * 3600
    age(hours=19)
    signin.send_code(PHONE, HOME)
    assert len(log.read_text().splitlines()) == 11


@pytest.mark.django_db
def test_an_address_asks_for_a_number_of_codes_an_hour(log, settings):
    settings.CODES_PER_ADDRESS = 3
    for n in range(3):
        signin.send_code(f"1390000010{n}", HOME)
    assert asked_too_often("13900000109", HOME) > 3500
    signin.send_code("13900000109", AWAY)
    age(hours=1)
    signin.send_code("13900000108", HOME)


@pytest.mark.django_db
def test_unknown_addresses_do_not_share_a_limit(settings):
    settings.CODES_PER_ADDRESS = 1
    signin.send_code("13900000101", "")
    signin.send_code("13900000102", "")
    assert SignInCode.objects.count() == 2


@pytest.mark.django_db
def test_a_server_without_a_gateway_says_so_and_counts_nothing(settings):
    settings.SMS_LOG = None
    with pytest.raises(sms.NoGateway):
        signin.send_code(PHONE, HOME)
    assert not SignInCode.objects.exists()


@pytest.fixture
def racers(transactional_db):
    """Runs something in fifty threads at once on committed data; gives what each returned, and cleans up."""

    def race(act):
        start = threading.Barrier(50)

        def run(n):
            try:
                start.wait()
                return act(n)
            finally:
                connection.close()

        with ThreadPoolExecutor(50) as pool:
            return list(pool.map(run, range(50)))

    yield race
    SignInCode.objects.filter(phone__startswith="139000").delete()
    Person.objects.filter(phone__startswith="139000").delete()


def try_to_send(phone, address) -> bool:
    """Whether a code was sent."""
    try:
        signin.send_code(phone, address)
    except signin.TooManyCodes:
        return False
    return True


def test_of_fifty_who_ask_at_once_for_a_phone_one_gets_a_code(racers, log):
    sent = racers(lambda n: try_to_send(PHONE, f"192.0.2.{n}"))
    assert sum(sent) == 1
    assert len(log.read_text().splitlines()) == 1


def test_of_fifty_who_ask_at_once_the_hours_limit_lets_one_more_through(racers):
    SignInCode.objects.bulk_create(
        SignInCode(phone=PHONE, code_hash=b"x", created_at=timezone.now() - timedelta(minutes=10 * n))
        for n in range(1, 5)
    )
    assert sum(racers(lambda n: try_to_send(PHONE, f"192.0.2.{n}"))) == 1


def test_fifty_phones_at_one_address_get_exactly_its_share(racers, settings):
    settings.CODES_PER_ADDRESS = 20
    assert sum(racers(lambda n: try_to_send(f"139000001{n:02d}", HOME))) == 20


def test_of_fifty_who_use_a_code_at_once_one_is_signed_in(racers, log):
    signin.send_code(PHONE, HOME)
    code = last_code(log)
    assert racers(lambda n: refused(PHONE, code)).count(False) == 1
    assert SignInToken.objects.filter(person__phone=PHONE).count() == 1


def test_fifty_wrong_guesses_at_once_are_five(racers, log):
    signin.send_code(PHONE, HOME)
    wrong = other_than(last_code(log))
    assert all(racers(lambda n: refused(PHONE, wrong)))
    assert SignInCode.objects.get(phone=PHONE).wrong_here == 5
    assert refused(PHONE, last_code(log))


@pytest.mark.django_db
def test_a_wechat_account_is_bound_by_ticket_and_phone_and_then_signs_in(log, cast):
    resident = cast["resident"]
    assert signin.sign_in_wechat("openid-1", "") is None
    ticket = signin.binding_ticket("openid-1")
    signin.send_code(resident.phone, HOME)
    bound = signin.bind_wechat(ticket, resident.phone, last_code(log), HOME, "微信")
    assert bound.token.person_id == resident.id
    assert signin.sign_in_wechat("openid-1", "").token.person_id == resident.id


@pytest.mark.django_db
def test_a_wrong_code_binds_nothing(log, cast):
    signin.send_code(cast["resident"].phone, HOME)
    with pytest.raises(signin.WrongCode):
        signin.bind_wechat(
            signin.binding_ticket("openid-1"), cast["resident"].phone, other_than(last_code(log)), HOME, ""
        )
    assert not WechatAccount.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("ticket", ["", "x", "openid-1", "a:b:c"])
def test_a_forged_ticket_binds_nothing_and_leaves_the_code(log, ticket):
    signin.send_code(PHONE, HOME)
    with pytest.raises(signin.BadTicket):
        signin.bind_wechat(ticket, PHONE, last_code(log), HOME, "")
    assert not WechatAccount.objects.exists()
    assert not refused(PHONE, last_code(log))


@pytest.mark.django_db
def test_a_wechat_account_moves_to_who_proves_both(log, cast):
    WechatAccount.objects.create(openid="openid-1", person=cast["resident"])
    signin.send_code(PHONE, HOME)
    signin.bind_wechat(signin.binding_ticket("openid-1"), PHONE, last_code(log), HOME, "")
    assert WechatAccount.objects.get(openid="openid-1").person.phone == PHONE


@pytest.mark.django_db
def test_a_disabled_person_cannot_come_in_by_wechat(cast):
    WechatAccount.objects.create(openid="openid-1", person=cast["resident"])
    Person.objects.filter(id=cast["resident"].id).update(is_active=False)
    with pytest.raises(signin.Disabled):
        signin.sign_in_wechat("openid-1", "")


@pytest.mark.django_db
def test_housekeeping_deletes_what_has_expired_and_nothing_else(cast, monkeypatch):
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    for n in range(5):
        SignInCode.objects.create(phone=PHONE, code_hash=b"x", created_at=Now() - timedelta(days=1, hours=n, minutes=6))
        SignInToken.objects.create(
            person=cast["resident"], token_hash=bytes([n]), last_used_at=Now() - timedelta(days=91)
        )
    SignInCode.objects.create(phone=PHONE, code_hash=b"x", created_at=Now() - timedelta(hours=23))
    live = signin.issue(cast["resident"], "")
    assert housekeeping.purge() == {"codes": 5, "tokens": 5, "sessions": 0, "idempotency_keys": 0}
    assert SignInCode.objects.count() == 1
    assert SignInToken.objects.get() == live.token
    assert set(housekeeping.purge().values()) == {0}
