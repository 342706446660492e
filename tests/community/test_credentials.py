"""Where a second factor is required, a resident's sign-in carries no seat, whatever route it takes."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from community import signin
from community.actors import by_person, by_token
from community.authentication import token_hash
from community.credentials import record_second_factor
from community.models import SignInToken, WechatAccount
from tests.statements import statements
from tests.tickets.paths import Scene
from tickets.models import Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def street_only(settings):
    """The seats of the street's offices need a second factor."""
    settings.SECOND_FACTOR_FOR = "street"


@pytest.fixture
def proof(log):
    """`proof(person)` is the person's phone with a code just sent to it."""

    def ask(person) -> dict[str, str]:
        assert APIClient().post("/api/v1/auth/codes", {"phone": person.phone}).status_code == 202
        return {"phone": person.phone, "code": log.read_text().split()[-1]}

    return ask


def bearer(secret: str) -> APIClient:
    """A client that shows this token."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


def by_code(person, proof) -> APIClient:
    """Signed in as an app does, by a code sent to the phone."""
    return bearer(APIClient().post("/api/v1/auth/tokens", proof(person)).json()["token"])


def by_wechat(person, proof) -> APIClient:
    """Signed in by a WeChat account that is bound to the person."""
    WechatAccount.objects.create(person=person, openid="openid-1")
    return bearer(signin.sign_in_wechat("openid-1", "").secret)


def by_browser(person, proof) -> APIClient:
    """A browser's session that the API opened."""
    client = APIClient()
    assert client.post("/api/v1/auth/sessions", proof(person)).status_code == 201
    return client


RESIDENTS_WAYS = [by_code, by_wechat, by_browser]


@pytest.mark.usefixtures("street_only")
@pytest.mark.parametrize("way", RESIDENTS_WAYS)
def test_a_resident_s_sign_in_carries_no_seat_of_the_street(way, cast, proof):
    client = way(cast["desk_officer"], proof)
    assert client.get("/api/v1/me").json()["seats"] == []
    assert client.get("/api/v1/tickets").json()["results"] == []


@pytest.mark.parametrize("way", RESIDENTS_WAYS)
def test_it_carries_all_seats_where_nobody_needs_a_second_factor(way, cast, proof):
    assert [seat["role"] for seat in way(cast["desk_officer"], proof).get("/api/v1/me").json()["seats"]] == ["officer"]


@pytest.mark.usefixtures("street_only")
@pytest.mark.parametrize("way", RESIDENTS_WAYS)
def test_other_seats_are_carried_where_the_street_s_alone_need_one(way, cast, proof):
    assert [seat["role"] for seat in way(cast["dispatcher"], proof).get("/api/v1/me").json()["seats"]] == ["dispatcher"]


@pytest.mark.parametrize("way", RESIDENTS_WAYS)
def test_no_seat_is_carried_where_all_staff_need_one(way, cast, proof, settings):
    settings.SECOND_FACTOR_FOR = "staff"
    assert way(cast["dispatcher"], proof).get("/api/v1/me").json()["seats"] == []


@pytest.mark.usefixtures("street_only")
@pytest.mark.parametrize("way", RESIDENTS_WAYS)
@pytest.mark.parametrize(
    "address", ["callbacks", "overdue", "at-risk/counts", "contracts/timers", "organisations", "policies/routing"]
)
def test_an_address_for_the_seat_says_that_a_second_factor_is_needed(way, address, cast, proof):
    answer = way(cast["desk_officer"], proof).get(f"/api/v1/{address}")
    assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_required")
    assert "二次验证" in answer.json()["detail"]


@pytest.mark.usefixtures("street_only")
def test_residents_are_refused_as_ever(cast, proof):
    answer = by_code(cast["resident"], proof).get("/api/v1/callbacks")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


@pytest.mark.usefixtures("street_only")
@pytest.mark.parametrize("way", RESIDENTS_WAYS)
def test_a_move_of_the_street_is_not_there_and_changes_nothing(way, cast, proof):
    ticket = Ticket.objects.get(pk=Scene(cast).file("CL03"))
    client = way(cast["desk_officer"], proof)
    headers = {"If-Match": f'"{ticket.version}"'}
    answer = client.post(
        f"/api/v1/tickets/{ticket.pk}/moves/supervise", {"kind": "listed", "reason": "影响较大"}, headers=headers
    )
    resident = by_code(cast["resident_yicheng"], proof)
    theirs = resident.post(
        f"/api/v1/tickets/{ticket.pk}/moves/supervise", {"kind": "listed", "reason": "影响较大"}, headers=headers
    )
    assert (answer.status_code, answer.content) == (404, theirs.content)
    assert Ticket.objects.get(pk=ticket.pk).version == ticket.version


@pytest.mark.usefixtures("street_only")
def test_a_token_of_a_sign_in_with_a_second_factor_carries_the_seats(cast):
    client = bearer(signin.issue(cast["desk_officer"], "", second_factor=True).secret)
    assert [seat["role"] for seat in client.get("/api/v1/me").json()["seats"]] == ["officer"]
    assert client.get("/api/v1/callbacks").status_code == 200


@pytest.mark.usefixtures("street_only")
def test_a_session_with_a_second_factor_carries_the_seats_until_it_ends(cast, proof):
    client = by_browser(cast["desk_officer"], proof)
    session = client.session
    record_second_factor(session, cast["desk_officer"])
    session.save()
    assert client.get("/api/v1/callbacks").status_code == 200
    client.logout()
    assert client.get("/api/v1/callbacks").status_code == 401


@pytest.mark.usefixtures("street_only")
def test_tokens_from_before_prove_no_second_factor(cast):
    SignInToken.objects.create(person=cast["desk_officer"], token_hash=token_hash("old"))
    caller = by_token(token_hash("old"))
    assert (caller.actor.seats, caller.seats_withheld) == ((), True)
    assert not by_person(cast["desk_officer"].pk).seats_withheld


@pytest.mark.usefixtures("street_only")
def test_a_caller_is_still_loaded_by_one_statement(cast, proof):
    client = by_code(cast["desk_officer"], proof)
    with statements() as made:
        assert client.get("/api/v1/me").status_code == 200
    assert sum("community_membership" in one for one in made) == 1
    with statements() as refused:
        assert client.get("/api/v1/callbacks").status_code == 403
    assert len(refused) == 1


@pytest.mark.usefixtures("street_only")
@pytest.mark.parametrize("who", ["administrator", "desk_officer"])
def test_the_admin_is_closed_to_a_session_without_a_second_factor(who, cast):
    person = cast[who]
    person.is_staff = True
    person.save(update_fields=["is_staff"])
    client = Client()
    client.force_login(person)
    for address in ("/admin/", "/admin/community/person/", f"/admin/community/person/{person.pk}/change/"):
        answer = client.get(address)
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/admin/login/")
    before = person.name
    assert client.post(f"/admin/community/person/{person.pk}/change/", {"name": "别人"}).status_code == 302
    person.refresh_from_db()
    assert person.name == before
    session = client.session
    record_second_factor(session, person)
    session.save()
    assert client.get("/admin/").status_code == 200
