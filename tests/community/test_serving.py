"""Who serves a place on a day."""

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction
from django.db.models import F

from community.models import (
    Area,
    Community,
    Compound,
    Membership,
    Organisation,
    Person,
    ServiceContract,
    ServingVersion,
    Street,
)
from community.serving import UnknownPlace, forget, who_serves

pytestmark = pytest.mark.django_db
NOBODY = uuid.UUID(int=0)
AUTUMN_2020 = datetime(2020, 11, 15, 12, tzinfo=UTC)


def compound(name):
    return Compound.objects.get(name=name)


def serving(name, at=None):
    return who_serves(compound_id=compound(name).id, at=at)


def property_services(found):
    return [
        (service.mode, service.reach, service.provider.name) for service in found.services if service.kind == "property"
    ]


@pytest.mark.parametrize("place", ["compound", "street"])
def test_one_statement_says_who_serves_a_place(street, place, django_assert_num_queries):
    home = compound("学院路14号院")
    forget()
    for _ in ("for the first time", "again"):
        with django_assert_num_queries(1):
            found = who_serves(compound_id=home.id) if place == "compound" else who_serves(street_id=street.id)
    assert found.street_id == street.id
    assert found.timezone == "Asia/Shanghai"
    assert found.new_id.version == 7


def test_a_compound_names_its_committees_and_its_project_office(street):
    home = compound("学院路14号院")
    found = who_serves(compound_id=home.id)
    assert (found.compound_id, found.compound_name) == (home.id, "学院路14号院")
    assert (found.area_id, found.community_id) == (home.area_id, home.community_id)
    assert (found.committee.kind, found.committee.name) == ("pmc", "学院路14号院物业管理委员会")
    assert found.residents_committee.name == "学知社区居委会"
    assert property_services(found) == [("contracted", "area", "天岳恒学院路14号院项目部")]


def test_a_public_place_has_the_streets_services_and_no_committee(street):
    found = who_serves(street_id=street.id)
    assert (found.compound_id, found.compound_name, found.area_id, found.community_id) == (None, "", None, None)
    assert found.committee is None
    assert found.residents_committee is None
    assert {service.reach for service in found.services} == {"street"}
    assert {service.provider.function for service in found.services} == {
        "water", "power", "gas", "heat", "telecom", "lift",
    }  # fmt: skip
    assert found.parties["desk"].kind == "section"


def test_parties_are_the_streets_own_bodies_the_departments_and_the_emergency_line(street):
    parties = who_serves(street_id=street.id).parties
    assert set(parties) == {
        "office", "desk", "property", "safety", "city", "enforcement", "welfare", "community", "party", "general",
        "traffic_police", "police", "housing", "city_management", "planning", "water_authority", "fire", "health",
        "transport", "parks", "disabled_federation", "environment", "emergency_119",
    }  # fmt: skip
    assert {function for function, party in parties.items() if not party.staffed} == {"emergency_119"}


def test_the_streets_own_section_beats_a_shared_department_of_the_same_function(street):
    Organisation.objects.create(code="z-parks", kind="section", function="parks", name="绿化办", street=street)
    assert who_serves(street_id=street.id).parties["parks"].name == "绿化办"


def test_another_streets_sections_and_contracts_are_not_seen(street):
    other = Street.objects.create(code="other", name="另一街道")
    desk = Organisation.objects.create(code="desk", kind="section", function="desk", name="另一处置中心", street=other)
    ServiceContract.objects.create(
        street=other, code="U", provider=desk, kind="utility", starts_on=date(2020, 1, 1), scope=["UT01"]
    )
    assert who_serves(street_id=street.id).parties["desk"].name == "市民诉求处置中心"
    assert "另一处置中心" not in {service.provider.name for service in serving("学院路14号院").services}
    found = who_serves(street_id=other.id)
    assert found.parties["desk"].id == desk.id
    assert [service.provider.id for service in found.services] == [desk.id]


def test_scope_is_what_a_quasi_service_covers():
    (service,) = [service for service in serving("芸香里").services if service.kind == "property"]
    assert (service.mode, service.scope) == ("quasi", ("SV04", "PK05"))


def test_an_empty_scope_covers_everything():
    (service,) = [service for service in serving("逸成社区小区").services if service.kind == "property"]
    assert service.scope == ()


def test_a_service_says_its_level_and_its_own_terms():
    ServiceContract.objects.filter(code="P-A01").update(standard=2, terms=" handle:LIGHT-I=8h\r\n contact:R2H=1h\n")
    services = {service.kind: service for service in serving("学院路14号院").services}
    assert (services["property"].standard, services["property"].terms) == (2, "handle:LIGHT-I=8h contact:R2H=1h")
    assert (services["lift"].standard, services["lift"].terms) == (0, "")


def test_a_contract_on_the_compound_comes_before_its_areas():
    assert property_services(serving("地质大院北院")) == [
        ("backstop", "compound", "物业专班"),
        ("contracted", "area", "科苑后勤地质大院项目部"),
    ]
    assert property_services(serving("双泉堡甲4号院"))[0][:2] == ("emergency", "compound")


def test_a_contract_on_the_area_comes_before_the_streets():
    lifts = [service for service in serving("逸成社区小区").services if service.kind == "lift"]
    assert [(service.reach, service.provider.name) for service in lifts] == [
        ("area", "北京云梯电梯工程有限公司"),
        ("street", "北京升安电梯维保有限公司"),
    ]


def test_history_says_who_served_then():
    assert property_services(serving("学院路14号院", AUTUMN_2020)) == [
        ("emergency", "compound", "天岳恒学院路14号院项目部"),
        ("contracted", "compound", "北京通达驿停车管理有限公司"),
    ]


def test_a_contract_lives_to_the_end_of_its_last_day_in_the_streets_zone():
    last_minute = datetime(2020, 12, 31, 15, 59, tzinfo=UTC)
    operator = "北京通达驿停车管理有限公司"
    assert operator in [name for _, _, name in property_services(serving("学院路14号院", last_minute))]
    midnight = last_minute + timedelta(minutes=1)
    assert operator not in [name for _, _, name in property_services(serving("学院路14号院", midnight))]
    Street.objects.update(timezone="America/New_York")
    assert operator in [name for _, _, name in property_services(serving("学院路14号院", midnight))]


def test_a_contract_lives_from_the_start_of_its_first_day_in_the_streets_zone():
    midnight = datetime(2021, 3, 31, 16, 0, tzinfo=UTC)
    assert ("contracted", "area", "天岳恒学院路14号院项目部") in property_services(serving("学院路14号院", midnight))
    before = property_services(serving("学院路14号院", midnight - timedelta(minutes=1)))
    assert [mode for mode, _, _ in before] == ["emergency"]


def test_at_is_told_and_passed_on():
    assert serving("学院路14号院", AUTUMN_2020).at == AUTUMN_2020
    assert abs(serving("学院路14号院").at - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "change", [{"active": False}, {"dissolved_on": date(2021, 1, 1)}, {"founded_on": date(2999, 1, 1)}]
)
def test_a_committee_that_does_not_live_counts_as_none(change):
    assert serving("学院路14号院").committee is not None
    Organisation.objects.filter(code="pmc-a01").update(**change)
    assert serving("学院路14号院").committee is None


def test_a_committee_lives_to_the_day_before_it_is_dissolved():
    Organisation.objects.filter(code="pmc-a01").update(dissolved_on=date(2021, 6, 2))
    assert serving("学院路14号院", datetime(2021, 6, 1, 15, 59, tzinfo=UTC)).committee is not None
    assert serving("学院路14号院", datetime(2021, 6, 1, 16, 0, tzinfo=UTC)).committee is None


def test_an_inactive_provider_serves_nobody():
    Organisation.objects.filter(code="po-a01").update(active=False)
    assert property_services(serving("学院路14号院")) == []


def test_an_area_without_a_committee_has_none():
    assert serving("清华东路15号院").committee is None


def test_an_office_without_a_member_is_not_staffed_but_its_head_office_is():
    found = serving("月泉家园")
    (service,) = [service for service in found.services if service.kind == "property"]
    assert not service.provider.staffed
    head = found.parents[service.provider.parent_id]
    assert (head.kind, head.staffed) == ("company", True)


@pytest.mark.parametrize("reason", ["ended", "not begun", "person inactive"])
def test_only_a_live_membership_of_an_active_person_staffs_an_organisation(cast, reason):
    assert serving("学院路14号院").parties["desk"].staffed
    seat = Membership.objects.filter(person=cast["desk_officer"])
    if reason == "ended":
        seat.update(ends_on=date(2021, 1, 1))
    elif reason == "not begun":
        seat.update(starts_on=date(2999, 1, 1))
    else:
        cast["desk_officer"].is_active = False
        cast["desk_officer"].save(update_fields=["is_active"])
    assert not serving("学院路14号院").parties["desk"].staffed


def test_every_party_with_a_live_parent_finds_it():
    found = serving("学院路14号院")
    named = [service.provider for service in found.services] + [found.residents_committee, *found.parties.values()]
    parents = {party.parent_id for party in named if party.parent_id}
    assert len(parents) > 1
    assert set(found.parents) == parents


def test_an_unknown_place_is_refused(street):
    with pytest.raises(UnknownPlace):
        who_serves(compound_id=uuid.uuid4())
    with pytest.raises(UnknownPlace):
        who_serves(street_id=uuid.uuid4())
    with pytest.raises(UnknownPlace):
        who_serves()


def test_a_compound_is_held_to_the_street_that_is_named(street):
    home = compound("学院路14号院")
    assert who_serves(street_id=street.id, compound_id=home.id).compound_id == home.id
    with pytest.raises(UnknownPlace):
        who_serves(street_id=Street.objects.create(code="other", name="另一街道").id, compound_id=home.id)


def test_every_compound_of_the_demo_street_is_served_or_falls_to_the_street(street):
    areas = dict(Area.objects.values_list("id", "name"))
    for home in Compound.objects.filter(street=street):
        assert property_services(who_serves(compound_id=home.id)), areas[home.area_id]


def answer(**place):
    """Who serves there, but for the ids and the moment, which are new each time."""
    return replace(who_serves(**place), at=AUTUMN_2020, new_id=NOBODY, spare_id=NOBODY)


def test_ids_and_moment_are_new_each_time():
    home = compound("学院路14号院")
    first, second = (who_serves(compound_id=home.id) for _ in range(2))
    assert len({first.new_id, first.spare_id, second.new_id, second.spare_id}) == 4
    noon = datetime.now(UTC).replace(hour=4)
    assert who_serves(compound_id=home.id, at=noon).at == noon


CHANGES = {
    "a contract ends": lambda: ServiceContract.objects.filter(kind="property").update(ends_on=F("starts_on")),
    "a contract begins": lambda: ServiceContract.objects.create(
        street=Street.objects.first(), code="U", kind="utility", starts_on=date(2020, 1, 1), scope=["UT01"],
        provider=Organisation.objects.filter(kind="utility").first(),
    ),
    "a contract is removed": lambda: ServiceContract.objects.filter(kind="lift").delete(),
    "an organisation is inactive": lambda: Organisation.objects.filter(kind="pmc").update(active=False),
    "a section is new": lambda: Organisation.objects.create(
        code="z", kind="section", function="parks", name="绿化办", street=Street.objects.first()
    ),
    "members leave": lambda: Membership.objects.filter(organisation__kind="section").update(ends_on=date(2021, 1, 1)),
    "members are disabled": lambda: Person.objects.filter(memberships__organisation__kind="section").update(is_active=False),
    "an area has another committee": lambda: Area.objects.update(committee=None),
    "a community has another committee": lambda: Community.objects.update(
        residents_committee=Organisation.objects.filter(kind="residents_committee").last()
    ),
    "a compound is named anew": lambda: Compound.objects.update(name=F("code")),
    "a street lies elsewhere": lambda: Street.objects.update(timezone="America/New_York"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_has_changed_counts_at_once_and_what_was_taken_back_does_not(change):
    home = compound("学院路14号院")
    before = answer(compound_id=home.id)
    with transaction.atomic():
        CHANGES[change]()
        after = answer(compound_id=home.id)
        forget()
        assert after == answer(compound_id=home.id)
        assert after != before
        transaction.set_rollback(True)
    assert answer(compound_id=home.id) == before


def test_the_answer_of_a_day_does_not_count_the_next_day():
    home, midnight = compound("学院路14号院"), datetime(2020, 12, 31, 16, tzinfo=UTC)
    names = [property_services(who_serves(compound_id=home.id, at=midnight - timedelta(minutes=m))) for m in (1, 0, 1)]
    assert names[0] == names[2] != names[1]


def test_where_no_change_would_be_told_nothing_is_kept(street):
    home = compound("学院路14号院")
    ServingVersion.objects.all().delete()
    forget()
    before = answer(compound_id=home.id)
    ServiceContract.objects.filter(kind="property").update(ends_on=F("starts_on"))
    assert answer(compound_id=home.id) != before
