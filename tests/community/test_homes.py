"""Homes are claimed by whoever says so, and confirmed by who can know."""

from datetime import timedelta

import pytest
from django.utils import timezone

from community.actors import by_person
from community.confirming import CODE_LIFE, CODE_USES, WRONG_GUESSES, WRONG_GUESSES_OF_ONE
from community.homes import MOST_MOVES, MOVES_WITHIN, homes, is_confirmed
from community.models import Compound, HomeMove, Household, HouseholdCode, Person, Residency, Street

HOMES = "/api/v1/homes"
MINE = "/api/v1/me/homes"


@pytest.fixture
def compound():
    return Compound.objects.get(name="学院路14号院")


@pytest.fixture
def door(compound):
    return Household.objects.filter(building__compound=compound).first()


@pytest.fixture
def claimant(db):
    return Person.objects.create(phone="13900000001", name="居民甲")


@pytest.fixture
def claim(sign_in, claimant, compound, door):
    """The claimant's home, claimed through the API today."""
    asked = {"compound": str(compound.id), "household": str(door.id), "relation": "owner"}
    answer = sign_in(claimant).post(MINE, asked)
    assert answer.status_code == 201
    assert (answer.json()["confirmed"], answer.json()["confirmed_through"]) == (False, "")
    return Residency.objects.get(id=answer.json()["id"])


def compounds(person):
    return by_person(person.id).actor.compounds


def test_a_claimed_home_is_no_neighbour_yet(claim, claimant):
    assert compounds(claimant) == frozenset()


@pytest.mark.parametrize(
    ("who", "through"),
    [("chair", "committee"), ("residents_committee_worker", "community"), ("general_officer", "street")],
)
def test_the_committees_and_the_street_confirm(at_api, cast, claim, claimant, compound, who, through):
    api = at_api(who)
    waiting = {one["id"]: one for one in api.get(HOMES).json()["results"]}
    assert waiting[str(claim.id)]["person"] == {"name": "居民甲", "phone": "139****0001"}
    answer = api.post(f"{HOMES}/{claim.id}/confirm")
    assert answer.status_code == 200
    assert (answer.json()["confirmed"], answer.json()["confirmed_through"]) == (True, through)
    assert compounds(claimant) == {compound.id}
    claim.refresh_from_db()
    assert claim.judged_by_id == cast[who].id
    assert str(claim.id) not in {one["id"] for one in api.get(HOMES).json()["results"]}
    assert str(claim.id) in {
        one["id"] for one in api.get(HOMES, {"status": "confirmed", "limit": 100}).json()["results"]
    }


@pytest.mark.parametrize("query", [{"status": ""}, {"status": "x"}, {"compound": "x"}, {"cursor": "x"}, {"limit": "0"}])
def test_junk_in_the_address_is_named(at_api, query):
    assert at_api("chair").get(HOMES, query).status_code == 400


def test_an_objection_takes_a_confirmation_back(at_api, claim, claimant, compound):
    chair = at_api("chair")
    assert chair.post(f"{HOMES}/{claim.id}/confirm").status_code == 200
    assert chair.post(f"{HOMES}/{claim.id}/object").json()["confirmed"] is False
    assert compounds(claimant) == frozenset()
    assert [one["id"] for one in chair.get(HOMES, {"status": "objected"}).json()["results"]] == [str(claim.id)]


@pytest.mark.parametrize(("who", "status"), [("neighbour", 403), ("dispatcher", 403), ("outsider", 403)])
def test_neighbours_and_companies_neither_see_claims_nor_judge_them(at_api, claim, claimant, door, who, status):
    api = at_api(who)
    assert api.get(HOMES).status_code == status
    for address in (f"{HOMES}/{claim.id}/confirm", f"{HOMES}/{claim.id}/object", f"/api/v1/households/{door.id}/code"):
        assert api.post(address).status_code == status
    claim.refresh_from_db()
    assert (claim.confirmed_at, claim.objected_at) == (None, None)
    assert not HouseholdCode.objects.exists()


def test_a_committee_confirms_nothing_elsewhere(at_api, claim, door):
    chair = at_api("other_chair")
    assert str(claim.id) not in {one["id"] for one in chair.get(HOMES, {"limit": 100}).json()["results"]}
    for address in (f"{HOMES}/{claim.id}/confirm", f"{HOMES}/{claim.id}/object", f"/api/v1/households/{door.id}/code"):
        assert chair.post(address).status_code == 404
    claim.refresh_from_db()
    assert (claim.confirmed_at, claim.objected_at) == (None, None)
    assert not HouseholdCode.objects.exists()


def test_nobody_confirms_their_own_home(at_api, cast, compound, door):
    chair = cast["chair"]
    Residency.objects.filter(person=chair).delete()
    api = at_api("chair")
    mine = api.post(MINE, {"compound": str(compound.id), "household": str(door.id), "relation": "owner"}).json()["id"]
    assert mine not in {one["id"] for one in api.get(HOMES, {"limit": 100}).json()["results"]}
    assert api.post(f"{HOMES}/{mine}/confirm").status_code == 404
    code = api.post(f"/api/v1/households/{door.id}/code").json()["code"]
    assert api.post(f"{MINE}/{mine}/confirm", {"code": code}).status_code == 400
    assert compounds(chair) == frozenset()
    assert HouseholdCode.objects.get().uses == 0


@pytest.fixture
def code(at_api, door):
    answer = at_api("chair").post(f"/api/v1/households/{door.id}/code")
    assert answer.status_code == 201
    assert answer.json()["uses"] == CODE_USES
    return answer.json()["code"]


def full_width(text):
    return "".join(chr(ord(one) + 0xFEE0) for one in text)


@pytest.mark.parametrize("spelt", [str, str.lower, full_width, lambda text: f" {text.replace('-', ' ')} "])
def test_a_household_code_confirms(sign_in, claim, claimant, compound, code, spelt):
    answer = sign_in(claimant).post(f"{MINE}/{claim.id}/confirm", {"code": spelt(code)})
    assert (answer.status_code, answer.json()["confirmed_through"]) == (200, "code")
    assert compounds(claimant) == {compound.id}
    assert HouseholdCode.objects.get().uses == 1


def test_a_code_is_stored_as_a_hash_alone(code):
    row = HouseholdCode.objects.get()
    assert len(bytes(row.code_hash)) == 32
    assert code.replace("-", "") not in str(row.__dict__)


def test_wrong_guesses_use_up_a_home_and_then_the_code(sign_in, claim, claimant, code):
    api = sign_in(claimant)
    for _ in range(WRONG_GUESSES_OF_ONE):
        assert api.post(f"{MINE}/{claim.id}/confirm", {"code": "AAAA-AAAA"}).json()["code"] == "wrong_code"
    assert api.post(f"{MINE}/{claim.id}/confirm", {"code": code}).status_code == 400
    assert HouseholdCode.objects.get().wrong_guesses == WRONG_GUESSES_OF_ONE
    Residency.objects.filter(id=claim.id).update(wrong_codes=0)
    HouseholdCode.objects.update(wrong_guesses=WRONG_GUESSES)
    assert api.post(f"{MINE}/{claim.id}/confirm", {"code": code}).status_code == 400
    assert compounds(claimant) == frozenset()


@pytest.mark.parametrize("ended", [{"uses": CODE_USES}, {"created_at": timezone.now() - CODE_LIFE}])
def test_a_code_ends_with_its_uses_and_its_time(sign_in, claim, claimant, code, ended):
    HouseholdCode.objects.update(**ended)
    assert sign_in(claimant).post(f"{MINE}/{claim.id}/confirm", {"code": code}).status_code == 400
    assert compounds(claimant) == frozenset()


def test_a_new_code_ends_the_old_one(at_api, sign_in, claim, claimant, door, code):
    newer = at_api("chair").post(f"/api/v1/households/{door.id}/code").json()["code"]
    api = sign_in(claimant)
    assert api.post(f"{MINE}/{claim.id}/confirm", {"code": code}).status_code == 400
    assert api.post(f"{MINE}/{claim.id}/confirm", {"code": newer}).status_code == 200


def test_a_code_is_for_its_household_and_not_for_a_home_that_was_objected_to(
    at_api, sign_in, claim, claimant, compound, code
):
    other = Household.objects.filter(building__compound=compound).last()
    elsewhere = sign_in(claimant).post(
        MINE, {"compound": str(compound.id), "household": str(other.id), "relation": "tenant"}
    )
    assert sign_in(claimant).post(f"{MINE}/{elsewhere.json()['id']}/confirm", {"code": code}).status_code == 400
    at_api("chair").post(f"{HOMES}/{claim.id}/object")
    assert sign_in(claimant).post(f"{MINE}/{claim.id}/confirm", {"code": code}).status_code == 400
    assert compounds(claimant) == frozenset()


def test_moving_out_and_in_shakes_off_neither_objection_nor_guesses(
    at_api, sign_in, claim, claimant, compound, door, code
):
    home = {"compound": str(compound.id), "household": str(door.id), "relation": "owner"}
    Residency.objects.filter(id=claim.id).update(starts_on=timezone.localdate() - timedelta(days=2), wrong_codes=3)
    at_api("chair").post(f"{HOMES}/{claim.id}/object")
    api = sign_in(claimant)
    assert api.delete(f"{MINE}/{claim.id}").status_code == 204
    again = Residency.objects.get(id=api.post(MINE, home).json()["id"])
    assert again.id != claim.id
    assert (again.objected_at is not None, again.wrong_codes) == (True, 3)
    assert api.post(f"{MINE}/{again.id}/confirm", {"code": code}).status_code == 400


def test_anothers_home_is_confirmed_by_nobody_with_a_code(at_api, claim, code):
    assert at_api("outsider").post(f"{MINE}/{claim.id}/confirm", {"code": code}).status_code == 404


def test_a_stay_counts_only_where_the_street_lets_it(claim, claimant, compound):
    long_ago = timezone.localdate() - timedelta(days=30)
    Residency.objects.filter(id=claim.id).update(starts_on=long_ago)
    assert compounds(claimant) == frozenset()
    for days, counts in ((30, True), (31, False)):
        Street.objects.update(stay_confirms_after=days)
        assert bool(compounds(claimant)) is counts
        assert is_confirmed(homes(claimant.id, timezone.now()).get(), timezone.now()) is counts
    Street.objects.update(stay_confirms_after=30)
    Residency.objects.filter(id=claim.id).update(objected_at=timezone.now())
    assert compounds(claimant) == frozenset()
    assert not is_confirmed(homes(claimant.id, timezone.now()).get(), timezone.now())


def test_another_relation_to_a_home_leaves_what_is_known_of_it(at_api, sign_in, claim, claimant, compound, door):
    asked = {"compound": str(compound.id), "household": str(door.id)}
    at_api("chair").post(f"{HOMES}/{claim.id}/confirm")
    changed = sign_in(claimant).post(MINE, asked | {"relation": "tenant"}).json()
    assert changed["confirmed"] is True
    at_api("chair").post(f"{HOMES}/{changed['id']}/object")
    again = sign_in(claimant).post(MINE, asked | {"relation": "owner"}).json()
    assert Residency.objects.get(id=again["id"]).objected_at is not None


def test_moves_are_limited_within_a_month_and_a_home_that_is_given_up_still_counts(sign_in, claimant):
    api = sign_in(claimant)
    places = list(Compound.objects.all()[: MOST_MOVES + 1])
    for place in places[:MOST_MOVES]:
        stated = api.post(MINE, {"compound": str(place.id), "relation": "tenant"})
        assert stated.status_code == 201
        assert api.delete(f"{MINE}/{stated.json()['id']}").status_code == 204
    asked = {"compound": str(places[-1].id), "relation": "tenant"}
    refused = api.post(MINE, asked)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_moves")
    assert int(refused["Retry-After"]) <= MOVES_WITHIN.total_seconds()
    assert not Residency.objects.filter(person=claimant).exists()
    assert HomeMove.objects.filter(person=claimant).count() == MOST_MOVES
    HomeMove.objects.filter(person=claimant).update(at=timezone.now() - MOVES_WITHIN - timedelta(hours=1))
    assert api.post(MINE, asked).status_code == 201


def test_buildings_and_doors_are_listed_for_whoever_states_a_home(sign_in, claimant, compound, door):
    api = sign_in(claimant)
    buildings = api.get(f"/api/v1/places/{compound.id}/buildings", {"limit": 100}).json()["results"]
    assert len(buildings) == compound.buildings.count() > 0
    doors, cursor = [], None
    while True:
        page = api.get(
            f"/api/v1/places/{compound.id}/households", {"limit": 2, **({"cursor": cursor} if cursor else {})}
        )
        assert page.status_code == 200
        doors += page.json()["results"]
        if (cursor := page.json()["next_cursor"]) is None:
            break
    assert {one["id"] for one in doors} == {
        str(one.id) for one in Household.objects.filter(building__compound=compound)
    }
    assert set(doors[0]) == {"id", "building", "unit", "door"}
    of_one = api.get(f"/api/v1/places/{compound.id}/households", {"building": str(door.building_id)}).json()["results"]
    assert {one["building"] for one in of_one} == {door.building.name}
    for address, query in (
        (f"/api/v1/places/{claimant.id}/buildings", {}),
        (f"/api/v1/places/{claimant.id}/households", {}),
    ):
        assert api.get(address, query).json()["results"] == []
    for junk in ("x", ""):
        assert api.get(f"/api/v1/places/{compound.id}/households", {"building": junk}).status_code == 400


def test_every_home_of_the_demo_is_confirmed(cast):
    assert not Residency.objects.filter(person__in=cast.values(), confirmed_at=None).exists()


def test_a_clerk_confirms_in_the_admin_and_another_door_is_not_confirmed(staff, claim, claimant, compound):
    clerk = staff("general_officer", "community.view_residency", "community.change_residency")
    address = "/admin/community/residency/"
    clerk.post(address, {"action": "confirm", "_selected_action": [str(claim.id)]})
    assert compounds(claimant) == {compound.id}
    other = Household.objects.filter(building__compound=compound).last()
    form = {
        "street": claim.street_id, "person": claimant.id, "compound": compound.id, "household": other.id,
        "relation": "owner", "starts_on": claim.starts_on, "ends_on": "",
    }  # fmt: skip
    assert clerk.post(f"{address}{claim.id}/change/", form).status_code == 302
    assert compounds(claimant) == frozenset()
    clerk.post(address, {"action": "confirm", "_selected_action": [str(claim.id)]})
    clerk.post(address, {"action": "object_to", "_selected_action": [str(claim.id)]})
    claim.refresh_from_db()
    assert (claim.confirmed_at, claim.objected_at is not None) == (None, True)
