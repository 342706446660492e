"""What the database refuses of people and places, whoever writes."""

from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import translation

from community.models import (
    Area,
    Building,
    Community,
    Compound,
    Household,
    Membership,
    Organisation,
    Person,
    Residency,
    ServiceContract,
    Street,
)

pytestmark = pytest.mark.django_db
DAY = date(2021, 1, 1)


@pytest.fixture
def office(street):
    return Organisation.objects.get(code="po-a01")


@pytest.fixture
def contract(street, office):
    """A contract that is right, not yet saved."""
    return ServiceContract(
        street=street, code="T", provider=office, kind="property", starts_on=DAY, area=Area.objects.get(code="A02")
    )


def refused(row, constraint):
    """`row` is refused by the database under the name of `constraint`, and by the form."""
    before = type(row).objects.count()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        row.save()
    assert type(row).objects.count() == before
    with pytest.raises(ValidationError):
        row.full_clean()
    return True


def test_a_right_contract_is_saved(contract):
    contract.full_clean()
    contract.save()
    assert contract.id.version == 7


@pytest.mark.parametrize("ends_on", [None, date(2021, 7, 2)])
def test_an_emergency_service_lasts_six_months_at_most(contract, ends_on):
    contract.mode, contract.ends_on = "emergency", ends_on
    assert refused(contract, "servicecontract_emergency_six_months")


@pytest.mark.parametrize(
    ("starts_on", "ends_on"),
    [(DAY, date(2021, 7, 1)), (date(2020, 8, 31), date(2021, 2, 28)), (date(2020, 10, 31), date(2021, 4, 30))],
)
def test_an_emergency_service_may_last_to_the_same_day_of_the_sixth_month(contract, starts_on, ends_on):
    contract.mode, contract.starts_on, contract.ends_on = "emergency", starts_on, ends_on
    contract.full_clean()
    contract.save()


@pytest.mark.parametrize(
    ("party", "notice_on", "ends_on", "short"),
    [
        ("provider", date(2021, 1, 1), date(2021, 4, 1), 0),
        ("provider", date(2021, 1, 2), date(2021, 4, 1), 1),
        # The article's: announced in early October, gone at the end of December.
        ("provider", date(2021, 10, 8), date(2021, 12, 31), 6),
        ("owners", date(2021, 1, 31), date(2021, 4, 1), 0),
        ("owners", date(2021, 2, 1), date(2021, 4, 1), 1),
        ("provider", date(2021, 1, 31), None, 0),
    ],
)
def test_a_notice_that_is_too_short_is_kept_with_its_shortfall(contract, party, notice_on, ends_on, short):
    contract.notice_by, contract.notice_on, contract.ends_on = party, notice_on, ends_on
    contract.full_clean()
    contract.save()
    assert contract.notice_shortfall == short
    contract.kind = "lift"
    assert contract.notice_shortfall == 0


@pytest.mark.parametrize(
    "notice", [{"notice_by": "provider"}, {"notice_on": DAY}, {"notice_on": DAY, "notice_by": "x"}]
)
def test_a_notice_has_a_day_and_a_party(contract, notice):
    for name, value in notice.items():
        setattr(contract, name, value)
    assert refused(contract, "servicecontract_notice_has_a_party")


@pytest.mark.parametrize(
    "dates",
    [
        {"ends_on": None, "handed_over_on": date(2021, 9, 1)},
        {"ends_on": date(2021, 8, 1), "handed_over_on": date(2020, 12, 31)},
        {"ends_on": date(2021, 8, 1), "handed_over_on": date(2021, 2, 28), "notice_on": date(2021, 3, 1)},
    ],
)
def test_what_is_handed_over_has_an_end_and_is_not_handed_over_before_the_notice(contract, dates):
    for name, value in dates.items():
        setattr(contract, name, value)
    contract.notice_by = "owners" if contract.notice_on else ""
    assert refused(contract, "servicecontract_handed_over_after_notice")


@pytest.mark.parametrize(
    "terms",
    [
        "handle:LIGHT-I",
        "handle:LIGHT-I=",
        "handle:LIGHT-I=8",
        "handle:LIGHT-I=8wh",
        "handle:D7=7d,no_roll",
        "handle:D7=0d",
        "handle:D7=99999d",
        "handle=8h",
        "confirm:D7=8h",
        "handle:light=8h",
        "handle:D7=8h,contact:R2H=1h",
        "8h",
    ],
)
def test_terms_are_limits_of_the_provider_s_own_clocks(contract, terms):
    contract.terms = terms
    assert refused(contract, "servicecontract_terms_are_limits")


def test_terms_may_stand_in_lines_and_not_twice(contract):
    contract.terms = "handle:LIGHT-I=8h\r\ncontact:R2H=30m sign:R2H=15m\n\narrive:R15M=10m handle:W5=3wd"
    contract.full_clean()
    contract.save()
    contract.terms = "handle:D7=3d handle:D7=5d"
    with pytest.raises(ValidationError, match="handle:D7"):
        contract.full_clean()


def test_a_service_level_is_one_of_three(contract):
    contract.standard = 4
    assert refused(contract, "servicecontract_standard_known")


def test_a_contract_does_not_end_before_it_begins(contract):
    contract.ends_on = date(2020, 12, 31)
    assert refused(contract, "servicecontract_dates_in_order")


def test_a_contract_is_on_an_area_or_a_compound_not_on_both(contract):
    contract.compound = Compound.objects.get(code="X02")
    assert refused(contract, "servicecontract_one_place")


def test_a_quasi_property_service_needs_a_scope(contract):
    contract.mode = "quasi"
    assert refused(contract, "servicecontract_quasi_has_scope")
    contract.scope = ["CL*"]
    contract.full_clean()


@pytest.mark.parametrize("code", ["CL", "cl01", "CL1*", "*", "CL001"])
def test_a_scope_holds_category_codes_and_groups(contract, code):
    contract.scope = [code]
    with pytest.raises(ValidationError, match="CL03"):
        contract.full_clean()


@pytest.mark.parametrize(
    ("model", "field", "constraint"),
    [
        (ServiceContract, "kind", "servicecontract_kind"),
        (ServiceContract, "mode", "servicecontract_mode"),
        (Organisation, "kind", "organisation_kind"),
        (Organisation, "party_coverage", "organisation_party_coverage"),
        (Membership, "role", "membership_role"),
        (Residency, "relation", "residency_relation"),
        (Area, "residential_type", "area_residential_type"),
        (Person, "language", "person_language"),
    ],
)
def test_only_known_words_are_kept(street, model, field, constraint):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        model.objects.update(**{field: "other"})


@pytest.mark.parametrize("phone", ["1990000000", "199000000011", "12900000001", "29900000001", "1990000000a", ""])
def test_a_phone_is_a_mainland_mobile_number(phone):
    assert (
        refused(Person(phone=phone, name="王小明", password="!"), "person_mobile_number|value too long")
        if len(phone) <= 11
        else True
    )
    with pytest.raises(ValidationError):
        Person.objects.create_user(phone, name="王小明")


def test_a_resident_has_no_password_and_an_administrator_has():
    person = Person.objects.create_user("19900008001", name="王小明")
    assert not person.has_usable_password()
    assert (person.is_staff, person.is_superuser) == (False, False)
    administrator = Person.objects.create_superuser("19900008002", name="李小红", password="a password of length")
    administrator.refresh_from_db()
    assert administrator.check_password("a password of length")
    assert (administrator.is_staff, administrator.is_superuser) == (True, True)


def test_a_phone_belongs_to_one_person(cast):
    with pytest.raises(ValidationError):
        Person.objects.create_user(cast["resident"].phone, name="王小明")


def test_a_membership_is_written_once(cast):
    seat = Membership.objects.get(person=cast["traffic_liaison"])
    assert seat.street_id is None
    seat.pk = None
    seat._state.adding = True
    assert refused(Membership(
        person=seat.person, organisation=seat.organisation, role=seat.role, starts_on=seat.starts_on
    ), "membership_once")  # fmt: skip


def test_a_code_is_unique_within_a_street_and_among_shared_bodies(street):
    assert refused(
        Organisation(street=street, code="section-desk", kind="company", name="某"), "organisation_code_in_street"
    )
    assert refused(Organisation(code="hotline-119", kind="hotline", name="某"), "organisation_code_in_street")
    other = Street.objects.create(code="other", name="另一街道")
    Organisation.objects.create(street=other, code="section-desk", kind="section", function="desk", name="某")


def test_a_street_has_one_active_section_of_a_function(street):
    again = Organisation(street=street, code="desk-2", kind="section", function="desk", name="某", active=False)
    again.save()
    again.active = True
    assert refused(again, "organisation_one_section")


def test_a_section_belongs_to_a_street():
    assert refused(Organisation(code="nowhere", kind="section", function="desk", name="某"), "organisation_of_a_street")


def test_a_household_has_an_area(street):
    home = Household.objects.first()
    home.exclusive_area = 0
    assert refused(home, "household_has_area")


def test_a_time_zone_is_a_real_one():
    with pytest.raises(ValidationError, match="时区"):
        Street(code="x", name="某", timezone="Asia/Xueyuanlu").full_clean()


def test_no_row_points_into_another_street(street, office, cast):
    other = Street.objects.create(code="other", name="另一街道")
    area, compound = Area.objects.get(code="A01"), Compound.objects.get(code="X01")
    building = Building.objects.filter(compound=compound).first()
    household = Household.objects.first()
    strangers = [
        (Community(street=other, residents_committee=office), "residents_committee"),
        (Area(street=other, committee=office), "committee"),
        (Compound(street=other, area=area, community=compound.community), "area"),
        (Building(street=other, compound=compound), "compound"),
        (Household(street=other, building=building), "building"),
        (Organisation(street=other, parent=office), "parent"),
        (Membership(street=other, organisation=office), "organisation"),
        (Membership(street=None, organisation=office), "organisation"),
        (Residency(street=other, compound=compound, household=household), "household"),
        (ServiceContract(street=other, provider=office), "provider"),
        (ServiceContract(street=other, area=area), "area"),
        (ServiceContract(street=other, compound=compound), "compound"),
    ]
    for row, field in strangers:
        with pytest.raises(ValidationError) as refusal:
            row.clean()
        assert field in refusal.value.error_dict, row._meta.label
        row.street = street
        row.clean()


def test_a_home_is_behind_a_door_of_its_compound(street):
    household = Household.objects.select_related("building__compound").first()
    Residency(street=street, compound=household.building.compound, household=household).clean()
    Residency(street=street, compound=Compound.objects.get(code="X02")).clean()
    with pytest.raises(ValidationError) as refusal:
        Residency(street=street, compound=Compound.objects.get(code="X02"), household=household).clean()
    assert list(refusal.value.error_dict) == ["household"]


def test_shared_bodies_are_everybodys(street):
    shared = Organisation.objects.get(code="co-tianyueheng")
    assert shared.street_id is None
    Organisation(street=street, parent=shared).clean()
    ServiceContract(street=street, provider=shared).clean()


def test_a_seat_in_a_shared_body_has_no_street(street, cast):
    seat = Membership.objects.get(person=cast["traffic_liaison"])
    seat.clean()
    seat.street = street
    with pytest.raises(ValidationError, match="此处不填"):
        seat.clean()


def test_only_committees_coordinate_an_area(street):
    area = Area.objects.get(code="A02")
    area.committee = Organisation.objects.get(code="po-a02")
    with pytest.raises(ValidationError) as refusal:
        area.full_clean()
    assert set(refusal.value.error_dict) == {"committee"}


def test_labels_read_in_both_languages():
    assert str(Compound._meta.verbose_name) == "小区"
    with translation.override("en"):
        assert str(Compound._meta.verbose_name) == "compound"
        assert Membership(role="worker").get_role_display() == "Worker"


@pytest.mark.parametrize("model", [Compound, Building, Household, Residency, Area, Community])
def test_the_database_keeps_every_place_within_its_street(street, model):
    other = Street.objects.create(code="other", name="另一街道")
    with pytest.raises(IntegrityError, match="of_one_street"), transaction.atomic():
        model.objects.update(street=other)


def test_the_database_keeps_seats_and_contracts_within_their_street(street, cast):
    other = Street.objects.create(code="other", name="另一街道")
    with pytest.raises(IntegrityError, match="membership_organisation_of_one_street"), transaction.atomic():
        Membership.objects.filter(person=cast["traffic_liaison"]).update(street=other)
    with pytest.raises(IntegrityError, match="servicecontract_area_of_one_street"), transaction.atomic():
        ServiceContract.objects.filter(code="P-A01").update(street=other)
    ServiceContract.objects.filter(code="U-WATER").update(street=other)
