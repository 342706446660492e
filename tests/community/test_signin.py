import contextlib
import hashlib
import time
from datetime import timedelta
from functools import partial

import pytest
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from community import housekeeping, known, signin
from community.models import HomeMove, KnownAddress, Person, SignInCode, SignInToken, WechatAccount
from notifications import sms
from notifications.codes import WrongCode
from tests.connections import together

PHONE = "13900000001"
HOME, AWAY = "192.0.2.1", "198.51.100.1"


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
    except WrongCode:
        return True
    return False


def asked_too_often(phone=PHONE, address=HOME, key="") -> float:
    """The seconds to wait for another code."""
    with pytest.raises(signin.TooManyCodes) as caught:
        signin.send_code(phone, address, key)
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
@pytest.mark.parametrize("stranger", [HOME, AWAY])
def test_nobodys_guesses_kill_the_code_of_who_holds_its_request(log, stranger):
    request = signin.send_code(PHONE, HOME)
    wrong = other_than(last_code(log))
    assert all(refused(PHONE, wrong, stranger) for _ in range(12))
    assert refused(PHONE, last_code(log), stranger)
    for _ in range(4):
        with pytest.raises(WrongCode):
            signin.sign_in_device(PHONE, wrong, AWAY, "", request)
    assert signin.sign_in_device(PHONE, last_code(log), AWAY, "", request)


@pytest.mark.django_db
def test_who_holds_the_request_has_five_guesses_as_well(log):
    request = signin.send_code(PHONE, HOME)
    for _ in range(5):
        with pytest.raises(WrongCode):
            signin.sign_in_device(PHONE, other_than(last_code(log)), HOME, "", request)
    with pytest.raises(WrongCode):
        signin.sign_in_device(PHONE, last_code(log), HOME, "", request)
    assert SignInCode.objects.get().wrong_by_request == 5


@pytest.mark.django_db
def test_the_request_of_another_code_helps_nobody(log):
    theirs = signin.send_code("13900000002", AWAY)
    signin.send_code(PHONE, HOME)
    wrong = other_than(last_code(log))
    for request in (theirs, "x", theirs[:-1]):
        for _ in range(3):
            with pytest.raises(WrongCode):
                signin.sign_in_device(PHONE, wrong, AWAY, "", request)
    code = SignInCode.objects.get(phone=PHONE)
    assert (code.wrong_by_request, code.wrong_here, code.wrong_elsewhere) == (0, 0, 5)


@pytest.mark.django_db
def test_an_earlier_code_works_with_a_later_request(log):
    signin.send_code(PHONE, HOME)
    mine = last_code(log)
    age(minutes=1)
    request = signin.send_code(PHONE, HOME)
    assert signin.sign_in_device(PHONE, mine, HOME, "", request)


@pytest.mark.django_db
def test_strangers_have_ten_guesses_a_day_at_all_codes_of_a_phone_together(log, cast, key):
    phone = cast["resident"].phone
    for _ in range(3):
        signin.send_code(phone, HOME, key)
        for n in range(6):
            refused(phone, other_than(last_code(log)), f"198.51.100.{n}")
        age(minutes=6)
    assert sum(SignInCode.objects.values_list("wrong_elsewhere", flat=True)) == 10
    signin.send_code(phone, HOME, key)
    assert refused(phone, last_code(log), AWAY)
    assert not refused(phone, last_code(log), HOME)


@pytest.mark.django_db
def test_a_disabled_person_stays_out(log, cast):
    Person.objects.filter(id=cast["resident"].id).update(is_active=False)
    signin.send_code(cast["resident"].phone, HOME)
    with pytest.raises(signin.Disabled):
        signin.sign_in_device(cast["resident"].phone, last_code(log), HOME, "")
    assert not SignInToken.objects.filter(person=cast["resident"].id).exists()


@pytest.fixture
def key(cast):
    """What the resident's device keeps, so that it is known at the resident's phone."""
    return known.device_key(cast["resident"])


@pytest.mark.django_db
def test_a_known_device_gets_one_code_a_minute_five_an_hour_ten_a_day(log, cast, key):
    phone = cast["resident"].phone
    signin.send_code(phone, HOME, key)
    assert 55 < asked_too_often(phone, HOME, key) <= 60
    for _ in range(4):
        age(minutes=1)
        signin.send_code(phone, AWAY, key)
    age(minutes=1)
    assert 50 * 60 < asked_too_often(phone, HOME, key) < 56 * 60
    for _ in range(5):
        age(minutes=59)
        signin.send_code(phone, HOME, key)
    age(minutes=61)
    assert 17 * 3600 < asked_too_often(phone, HOME, key) < 19 * 3600
    age(hours=19)
    signin.send_code(phone, HOME, key)
    assert len(log.read_text().splitlines()) == 11


@pytest.mark.django_db
def test_one_address_of_strangers_gets_two_codes_an_hour_and_four_a_day():
    for _ in range(2):
        signin.send_code(PHONE, AWAY)
        age(minutes=1)
    assert 50 * 60 < asked_too_often(PHONE, AWAY) < 60 * 60
    for _ in range(2):
        age(hours=1)
        signin.send_code(PHONE, AWAY)
    age(hours=1)
    assert 20 * 3600 < asked_too_often(PHONE, AWAY) < 23 * 3600
    signin.send_code(PHONE, HOME)


@pytest.mark.django_db
def test_all_strangers_together_get_three_codes_an_hour_and_six_a_day():
    for n in range(3):
        signin.send_code(PHONE, f"198.51.100.{n}")
        age(minutes=1)
    assert 50 * 60 < asked_too_often(PHONE, HOME) < 60 * 60
    for n in range(3):
        age(hours=1)
        signin.send_code(PHONE, f"203.0.113.{n}")
    age(hours=1)
    assert 19 * 3600 < asked_too_often(PHONE, HOME) < 23 * 3600


def spend_all(phone) -> None:
    """A stranger with many addresses asks for as many codes as are to be had that day, and guesses at each."""
    for n in range(12 * 4):
        try:
            signin.send_code(phone, f"198.51.100.{n % 200}")
        except signin.TooManyCodes:
            pass
        else:
            for guess in range(12):
                refused(phone, "000000", f"198.51.100.{guess}")
        age(minutes=5)


def sign_in(phone, log, address, key="") -> signin.Issued:
    """Ask for a code and use it."""
    request = signin.send_code(phone, address, key)
    return signin.sign_in_device(phone, last_code(log), address, "", request)


@pytest.mark.django_db
def test_a_stranger_spends_all_they_may_and_the_owner_still_signs_in_from_home(log, cast):
    phone = cast["resident"].phone
    sign_in(phone, log, HOME)
    age(days=2)
    spend_all(phone)
    with pytest.raises(signin.TooManyCodes):
        signin.send_code(phone, AWAY)
    assert sign_in(phone, log, HOME).token.person_id == cast["resident"].id


@pytest.mark.django_db
def test_not_even_a_stranger_who_shares_the_owners_address_keeps_the_owners_device_out(log, cast, key):
    phone = cast["resident"].phone
    sign_in(phone, log, HOME)
    age(days=2)
    spend_all(phone)
    for _ in range(24):
        with contextlib.suppress(signin.TooManyCodes):
            signin.send_code(phone, HOME)
        age(minutes=10)
    assert asked_too_often(phone, HOME)
    request = signin.send_code(phone, HOME, key)
    code = last_code(log)
    for _ in range(6):
        refused(phone, other_than(code), HOME)
        refused(phone, other_than(code), AWAY)
    assert signin.sign_in_device(phone, code, HOME, "", request).token.person_id == cast["resident"].id


@pytest.mark.django_db
@pytest.mark.parametrize("why", ["another phone", "another person's", "signed out everywhere", "forged", "too old"])
def test_a_key_makes_known_at_its_own_phone_while_it_is_good(cast, key, why):
    phone = cast["resident"].phone
    assert known.is_device(phone, key)
    if why == "another phone":
        phone = cast["neighbour"].phone
    elif why == "another person's":
        key = known.device_key(cast["neighbour"])
    elif why == "signed out everywhere":
        signin.revoke(cast["resident"])
    elif why == "forged":
        key = key[:-1] + ("A" if key[-1] != "A" else "B")
    with time_machine_after(why == "too old"):
        assert not known.is_device(phone, key)


@contextlib.contextmanager
def time_machine_after(late):
    """Half a year later, where asked for; only what is signed reads the process's own clock."""
    with pytest.MonkeyPatch.context() as patch:
        if late:
            now = time.time()
            patch.setattr(time, "time", lambda: now + 181 * 24 * 3600)
        yield


@pytest.mark.django_db
def test_an_address_is_forgotten_after_half_a_year_and_when_everything_is_signed_out(log, cast):
    phone = cast["resident"].phone
    sign_in(phone, log, HOME)
    assert known.is_address(phone, HOME)
    assert not known.is_address(phone, AWAY)
    assert not known.is_address(cast["neighbour"].phone, HOME)
    KnownAddress.objects.update(last_used_at=Now() - timedelta(days=181))
    assert not known.is_address(phone, HOME)
    KnownAddress.objects.update(last_used_at=Now())
    signin.revoke(cast["resident"])
    assert not known.is_address(phone, HOME)


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
def test_who_is_known_at_the_phone_neither_meets_nor_uses_up_the_addresses_limit(log, settings, cast, key):
    settings.CODES_PER_ADDRESS = 1
    sign_in(cast["neighbour"].phone, log, HOME)
    signin.send_code(cast["resident"].phone, HOME, key)
    age(minutes=1)
    signin.send_code(cast["neighbour"].phone, HOME)
    assert asked_too_often(PHONE, HOME)
    age(minutes=59)
    signin.send_code(PHONE, HOME)


@pytest.mark.django_db
def test_unknown_addresses_share_one_generous_limit(settings):
    settings.CODES_PER_ADDRESS = 1
    for n in range(10):
        signin.send_code(f"1390000010{n}", "")
    assert asked_too_often("13900000119", "") > 3500
    signin.send_code("13900000119", HOME)


@pytest.mark.django_db
def test_a_server_without_a_gateway_says_so_and_counts_nothing(settings):
    settings.SMS_LOG = None
    with pytest.raises(sms.NoGateway):
        signin.send_code(PHONE, HOME)
    assert not SignInCode.objects.exists()


@pytest.fixture
def racers(transactional_db):
    """Runs something in fifty threads at once on committed data; gives what each returned, and cleans up."""
    yield partial(together, 50)
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


def test_of_fifty_strangers_who_ask_at_once_their_hours_limit_lets_one_more_through(racers):
    SignInCode.objects.bulk_create(
        SignInCode(phone=PHONE, code_hash=b"x", created_at=timezone.now() - timedelta(minutes=10 * n))
        for n in range(1, 3)
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


def test_fifty_wrong_guesses_from_fifty_addresses_at_once_are_five(racers, log):
    signin.send_code(PHONE, HOME)
    wrong = other_than(last_code(log))
    assert all(racers(lambda n: refused(PHONE, wrong, f"198.51.100.{n}")))
    assert SignInCode.objects.get(phone=PHONE).wrong_elsewhere == 5


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
    with pytest.raises(WrongCode):
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
    former, other = signin.sign_in_wechat("openid-1", "微信"), signin.issue(cast["resident"], "平板")
    bound = signin.bind_wechat(signin.binding_ticket("openid-1"), PHONE, last_code(log), HOME, "")
    assert WechatAccount.objects.get(openid="openid-1").person.phone == PHONE
    # What the account signed in for the former person is signed out; their other devices stay.
    assert set(SignInToken.objects.all()) == {bound.token, other.token}
    assert former.token.person_id == cast["resident"].id


@pytest.mark.django_db
def test_everything_of_a_person_is_signed_out_and_nothing_of_another(log, cast):
    resident, neighbour = cast["resident"], cast["neighbour"]
    for person, openid in ((resident, "openid-1"), (neighbour, "openid-2")):
        WechatAccount.objects.create(openid=openid, person=person)
        signin.sign_in_wechat(openid, "微信")
        sign_in(person.phone, log, HOME)
    before = resident.get_session_auth_hash(), neighbour.get_session_auth_hash()
    signin.revoke(resident)
    after = [Person.objects.get(pk=person.pk).get_session_auth_hash() for person in (resident, neighbour)]
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True]
    for rows in (SignInToken, WechatAccount, KnownAddress):
        assert {row.person_id for row in rows.objects.all()} == {neighbour.id}


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
    for days in (1, 2):
        KnownAddress.objects.create(
            person=cast["resident"], digest=bytes([days]), last_used_at=Now() - timedelta(days=90 * days, hours=1)
        )
        HomeMove.objects.create(person=cast["resident"], at=Now() - timedelta(days=20 * days, hours=1))
    live = signin.issue(cast["resident"], "")
    assert housekeeping.purge() == {
        "codes": 5, "addresses": 1, "tokens": 5, "moves": 1, "sessions": 0, "listed_sessions": 0, "idempotency_keys": 0,
    }  # fmt: skip
    assert SignInCode.objects.count() == KnownAddress.objects.count() == 1
    assert SignInToken.objects.get() == live.token
    assert set(housekeeping.purge().values()) == {0}
