"""Who is calling, with the seats and homes of the day."""

import hashlib
import uuid
from datetime import UTC, date, datetime, timedelta

import pytest

from community.actors import by_person, by_token
from community.models import Compound, Organisation, Residency, SignInToken, Street
from community.models.signin import TOKEN_LIFE
from tests.people import seat

pytestmark = pytest.mark.django_db


def home(name):
    return Compound.objects.get(name=name).id


@pytest.fixture
def token(cast):
    """The hash of a token on the resident's device."""
    digest = hashlib.sha256(b"device").digest()
    SignInToken.objects.create(person=cast["resident"], token_hash=digest)
    return digest


def test_one_statement_loads_a_caller(cast, token, django_assert_num_queries):
    with django_assert_num_queries(1):
        caller = by_person(cast["chair"].id)
    assert caller.person == cast["chair"]
    assert caller.actor.person_id == cast["chair"].id
    with django_assert_num_queries(1):
        caller = by_token(token)
    assert caller.person == cast["resident"]


def test_the_loaded_person_answers_without_another_statement(cast, django_assert_num_queries):
    person = by_person(cast["administrator"].id).person
    with django_assert_num_queries(0):
        assert (person.name, person.phone, person.language) == (
            cast["administrator"].name, cast["administrator"].phone, "zh-hans",
        )  # fmt: skip
        assert person.is_active
        assert person.is_staff
        assert person.is_superuser
        assert person.get_session_auth_hash() == cast["administrator"].get_session_auth_hash()


def test_a_resident_has_a_home_and_no_seat(cast):
    actor = by_person(cast["resident"].id).actor
    assert actor.compounds == {home("学院路14号院")}
    assert actor.seats == ()
    assert not actor.clock
    assert actor.on_behalf == ""
    assert abs(actor.at - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_dispatcher_has_the_seat_of_the_project_office(cast, street):
    (seat,) = by_person(cast["dispatcher"].id).actor.seats
    office = Organisation.objects.get(code="po-a01")
    assert (seat.organisation_id, seat.kind, seat.function, seat.role, seat.street_id) == (
        office.id, "project_office", "", "dispatcher", street.id,
    )  # fmt: skip


def test_a_seat_in_a_shared_department_has_no_street(cast):
    (seat,) = by_person(cast["traffic_liaison"].id).actor.seats
    assert (seat.function, seat.role, seat.street_id) == ("traffic_police", "liaison", None)


def test_an_outsider_has_neither_seat_nor_home(cast):
    actor = by_person(cast["outsider"].id).actor
    assert (actor.seats, actor.compounds) == ((), frozenset())


def test_several_seats_and_homes_are_all_there(cast, street):
    seat(cast["member"], "section-desk", "officer")
    Residency.objects.create(
        person=cast["member"],
        compound_id=home("逸成东苑"),
        street=street,
        relation="tenant",
        starts_on=date(2020, 1, 1),
        confirmed_through="street",
        confirmed_at=datetime(2020, 1, 1, tzinfo=UTC),
    )
    actor = by_person(cast["member"].id).actor
    assert {(seat.kind, seat.role) for seat in actor.seats} == {("pmc", "member"), ("section", "officer")}
    assert actor.compounds == {home("学院路14号院"), home("逸成东苑")}


def test_a_seat_lives_from_its_first_to_its_last_day_in_the_streets_zone(cast):
    former = cast["former_member"].id  # 2020-07-10 to 2021-03-31 in Beijing
    seats = {
        at: len(by_person(former, at).actor.seats)
        for at in (
            datetime(2020, 7, 9, 15, 59, tzinfo=UTC),
            datetime(2020, 7, 9, 16, 0, tzinfo=UTC),
            datetime(2021, 3, 31, 15, 59, tzinfo=UTC),
            datetime(2021, 3, 31, 16, 0, tzinfo=UTC),
        )
    }
    assert list(seats.values()) == [0, 1, 1, 0]
    Street.objects.update(timezone="America/New_York")
    assert len(by_person(former, datetime(2021, 3, 31, 16, 0, tzinfo=UTC)).actor.seats) == 1


def test_a_home_lives_from_its_first_to_its_last_day(cast):
    Residency.objects.filter(person=cast["resident"]).update(ends_on=date(2021, 5, 31))
    assert by_person(cast["resident"].id, datetime(2021, 5, 31, 15, 59, tzinfo=UTC)).actor.compounds
    assert not by_person(cast["resident"].id, datetime(2021, 5, 31, 16, 0, tzinfo=UTC)).actor.compounds


@pytest.mark.parametrize(
    "change", [{"active": False}, {"dissolved_on": date(2021, 1, 1)}, {"founded_on": date(2999, 1, 1)}]
)
def test_a_body_that_does_not_live_gives_no_seat(cast, change):
    assert by_person(cast["chair"].id).actor.seats
    Organisation.objects.filter(code="pmc-a01").update(**change)
    assert by_person(cast["chair"].id).actor.seats == ()


def test_a_disabled_person_calls_nobody(cast, token):
    cast["resident"].is_active = False
    cast["resident"].save(update_fields=["is_active"])
    assert by_person(cast["resident"].id) is None
    assert by_token(token) is None


def test_an_unknown_person_or_token_is_none(cast):
    assert by_person(uuid.uuid4()) is None
    assert by_token(b"\0" * 32) is None


def test_a_token_dies_when_it_is_not_used(token):
    used = SignInToken.objects.get().last_used_at
    assert by_token(token, used + TOKEN_LIFE - timedelta(seconds=1)) is not None
    assert by_token(token, used + TOKEN_LIFE) is None


def test_a_caller_by_token_knows_the_token(token, cast):
    kept = SignInToken.objects.get()
    caller = by_token(token)
    assert (caller.token_id, caller.token_used_at) == (kept.id, kept.last_used_at)
    assert by_person(cast["resident"].id).token_id is None
