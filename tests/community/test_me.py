import uuid
from datetime import date, timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from community import homes
from community.models import Compound, Household, Person, Residency

pytestmark = pytest.mark.django_db


@pytest.fixture
def resident(sign_in, cast):
    """The resident at the API."""
    return sign_in(cast["resident"])


@pytest.fixture
def newcomer(sign_in):
    """Somebody without a home yet, at the API."""
    return sign_in(Person.objects.create(phone="13900000001", name="居民"))


@pytest.fixture
def home():
    """A household with its building and compound."""
    return Household.objects.select_related("building__compound").first()


@pytest.fixture
def no_hurry(monkeypatch):
    """Ten homes are claimed in as many months, which a test has not."""
    monkeypatch.setattr(homes, "MOST_MOVES", 100)


def test_i_see_my_seats_and_homes(resident, sign_in, cast):
    me = resident.get("/api/v1/me").json()
    assert me["phone"] == cast["resident"].phone
    assert me["seats"] == []
    assert [home["compound"]["id"] for home in me["homes"]] == [
        str(id) for id in cast["resident"].residencies.values_list("compound_id", flat=True)
    ]
    chair = sign_in(cast["chair"]).get("/api/v1/me").json()
    assert "chair" in {seat["role"] for seat in chair["seats"]}
    assert all(seat["organisation"]["name"] for seat in chair["seats"])


def test_i_change_my_name_and_language(resident, cast):
    answer = resident.patch("/api/v1/me", {"name": "李梅", "language": "en"})
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["language"]) == ("李梅", "en")
    person = Person.objects.get(id=cast["resident"].id)
    assert (person.name, person.language) == ("李梅", "en")


@pytest.mark.parametrize("field", ["phone", "is_staff", "nane"])
def test_what_i_may_not_change_or_misspell_is_named_and_changes_nothing(resident, cast, field):
    answer = resident.patch("/api/v1/me", {"name": "李梅", field: "13900000009"})
    assert answer.status_code == 400
    assert [(fault["field"], fault["code"]) for fault in answer.json()["errors"]] == [(field, "unknown_field")]
    person = Person.objects.get(id=cast["resident"].id)
    assert (person.name, person.phone, person.is_staff) == (cast["resident"].name, cast["resident"].phone, False)


@pytest.mark.parametrize(
    "asked", [{"name": ""}, {"name": "x" * 41}, {"name": None}, {"language": "fr"}, {"name": "a\0"}]
)
def test_a_name_or_language_that_cannot_be_changes_nothing(resident, cast, asked):
    assert resident.patch("/api/v1/me", asked).status_code == 400
    assert Person.objects.get(id=cast["resident"].id).name == cast["resident"].name


def test_a_home_is_stated_from_today_and_once(newcomer, home):
    compound = home.building.compound
    asked = {"compound": str(compound.id), "household": str(home.id), "relation": "owner"}
    first, again = newcomer.post("/api/v1/me/homes", asked), newcomer.post("/api/v1/me/homes", asked)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert newcomer.get("/api/v1/me").json()["homes"] == [first.json()]
    person = Person.objects.get(phone="13900000001")
    assert [home.compound_id for home in homes.homes(person.id, timezone.now())] == [compound.id]


def test_a_home_may_be_a_compound_alone(newcomer, home):
    asked = {"compound": str(home.building.compound_id), "relation": "tenant"}
    answer = newcomer.post("/api/v1/me/homes", asked)
    assert answer.status_code == 201
    assert answer.json()["household"] is None


def test_another_relation_to_the_same_home_counts_from_that_day_on(newcomer, home):
    asked = {"compound": str(home.building.compound_id), "household": str(home.id)}
    first = newcomer.post("/api/v1/me/homes", asked | {"relation": "tenant"}).json()
    today = Residency.objects.get(id=first["id"]).starts_on
    # Stated and corrected on one day: the first is forgotten.
    corrected = newcomer.post("/api/v1/me/homes", asked | {"relation": "occupant"})
    assert (corrected.status_code, corrected.json()["relation"]) == (201, "occupant")
    assert [row["relation"] for row in newcomer.get("/api/v1/me").json()["homes"]] == ["occupant"]
    # Stated long ago: it was so until yesterday.
    Residency.objects.filter(id=corrected.json()["id"]).update(starts_on=date(2020, 1, 1))
    bought = newcomer.post("/api/v1/me/homes", asked | {"relation": "owner"})
    assert (bought.status_code, bought.json()["relation"], bought.json()["starts_on"]) == (201, "owner", str(today))
    assert [row["relation"] for row in newcomer.get("/api/v1/me").json()["homes"]] == ["owner"]
    assert Residency.objects.get(id=corrected.json()["id"]).ends_on == today - timedelta(days=1)
    again = newcomer.post("/api/v1/me/homes", asked | {"relation": "owner"})
    assert (again.status_code, again.json()) == (200, bought.json())


def test_a_full_list_of_homes_does_not_stop_another_relation(newcomer, no_hurry):
    for compound in Compound.objects.all()[:10]:
        newcomer.post("/api/v1/me/homes", {"compound": str(compound.id), "relation": "tenant"})
    answer = newcomer.post("/api/v1/me/homes", {"compound": str(Compound.objects.first().id), "relation": "owner"})
    assert answer.status_code == 201
    assert len(newcomer.get("/api/v1/me").json()["homes"]) == 10


def test_an_unknown_place_is_named_by_field(newcomer, home):
    elsewhere = Compound.objects.exclude(id=home.building.compound_id).first()
    for asked, field in [
        ({"compound": str(uuid.uuid4()), "relation": "owner"}, "compound"),
        ({"compound": str(elsewhere.id), "household": str(home.id), "relation": "owner"}, "household"),
    ]:
        answer = newcomer.post("/api/v1/me/homes", asked)
        assert answer.status_code == 400
        assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, "does_not_exist")]
    assert not Residency.objects.filter(person__phone="13900000001").exists()


def test_nobody_states_more_than_ten_homes(newcomer, no_hurry):
    for compound in Compound.objects.all()[:10]:
        asked = {"compound": str(compound.id), "relation": "owner"}
        assert newcomer.post("/api/v1/me/homes", asked).status_code == 201
    asked = {"compound": str(Compound.objects.all()[10].id), "relation": "owner"}
    answer = newcomer.post("/api/v1/me/homes", asked)
    assert (answer.status_code, answer.json()["code"]) == (409, "homes_full")
    assert Residency.objects.filter(person__phone="13900000001").count() == 10


def test_a_home_of_today_is_forgotten_and_an_older_one_is_ended(newcomer, home):
    asked = {"compound": str(home.building.compound_id), "relation": "owner"}
    for days, left in [(0, 0), (30, 1)]:
        stated = newcomer.post("/api/v1/me/homes", asked).json()["id"]
        residency = Residency.objects.get(id=stated)
        Residency.objects.filter(id=stated).update(starts_on=residency.starts_on - timedelta(days=days))
        assert newcomer.delete(f"/api/v1/me/homes/{stated}").status_code == 204
        assert newcomer.get("/api/v1/me").json()["homes"] == []
        assert Residency.objects.filter(id=stated).count() == left
    assert Residency.objects.get(id=stated).ends_on == residency.starts_on - timedelta(days=1)
    assert newcomer.delete(f"/api/v1/me/homes/{stated}").status_code == 404


def test_anothers_home_is_as_absent_as_none(newcomer, cast):
    theirs = cast["resident"].residencies.first()
    foreign = newcomer.delete(f"/api/v1/me/homes/{theirs.id}")
    absent = newcomer.delete(f"/api/v1/me/homes/{uuid.uuid4()}")
    assert (foreign.status_code, foreign.content) == (404, absent.content)
    assert Residency.objects.get(id=theirs.id).ends_on == theirs.ends_on


def test_stating_a_home_twice_with_one_key_is_one_request(newcomer, home):
    asked = {"compound": str(home.building.compound_id), "relation": "owner"}
    first = newcomer.post("/api/v1/me/homes", asked, headers={"Idempotency-Key": "k"})
    again = newcomer.post("/api/v1/me/homes", asked, headers={"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("text", ["学院路１４号院", "学院路 14 号院", " 路14号"])
def test_places_are_found_whatever_the_width_and_spaces(newcomer, text):
    compound = Compound.objects.get(name="学院路14号院")
    for name in ("学院路14号院", "学院路 １４ 号院"):
        Compound.objects.filter(id=compound.id).update(name=name)
        found = newcomer.get("/api/v1/places", {"q": text}).json()["results"]
        assert str(compound.id) in [place["id"] for place in found], name


def test_places_are_found_by_part_of_a_name_or_another_name(newcomer):
    compound = Compound.objects.exclude(aliases=[]).first() or Compound.objects.first()
    Compound.objects.filter(id=compound.id).update(aliases=["老三号院", "50% off_x"])
    for text in (compound.name[1:], "三号", "50% off_"):
        found = newcomer.get("/api/v1/places", {"q": text}).json()["results"]
        assert str(compound.id) in [place["id"] for place in found]
    assert newcomer.get("/api/v1/places", {"q": "50_ off"}).json()["results"] == []


def test_places_page_through_the_street_in_one_statement_each(newcomer, street, django_assert_num_queries):
    seen, cursor = [], None
    while True:
        query = {"limit": 40, "street": str(street.id)} | ({"cursor": cursor} if cursor else {})
        with django_assert_num_queries(2):  # the caller; the page
            document = newcomer.get("/api/v1/places", query).json()
        seen, cursor = seen + [place["id"] for place in document["results"]], document["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == Compound.objects.filter(street=street).count()


def test_a_place_tells_what_it_lies_in(newcomer):
    compound = Compound.objects.first()
    place = newcomer.get(f"/api/v1/places/{compound.id}").json()
    assert place["area"] == {"id": str(compound.area_id), "name": compound.area.name}
    assert place["community"]["name"] == compound.community.name
    assert newcomer.get(f"/api/v1/places/{uuid.uuid4()}").status_code == 404


@pytest.mark.parametrize("query", [{"q": "a\0b"}, {"q": "x" * 61}, {"street": "x"}, {"cursor": "x"}, {"limit": 0}])
def test_a_query_that_cannot_be_is_400(newcomer, query):
    assert newcomer.get("/api/v1/places", query).status_code == 400


@pytest.mark.parametrize("address", ["/api/v1/me", "/api/v1/places", "/api/v1/auth/tokens"])
def test_strangers_are_401(address):
    assert APIClient().get(address).status_code == 401
