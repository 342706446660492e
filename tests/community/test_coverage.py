"""The coverage rates of the demo street."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from community.coverage import CoverageRate, coverage
from community.models import Area, Compound, Organisation, ServiceContract, Street
from tests.commands import printed

pytestmark = pytest.mark.django_db
DAY = date(2021, 5, 11)


def test_the_rates_are_those_of_the_street(street, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = coverage(street, DAY)
    assert (found.service, found.service.percent) == (CoverageRate(53, 58), Decimal("91.38"))
    assert found.quasi == 5
    assert (found.committee, found.committee.percent) == (CoverageRate(54, 58), Decimal("93.10"))
    assert (found.party_committees, found.party_offices) == (CoverageRate(54, 54), CoverageRate(47, 47))
    assert found.party.percent == Decimal("100.00")


def test_a_contract_that_has_ended_leaves_the_service_rate(street):
    ServiceContract.objects.filter(code="P-A02").update(ends_on=date(2021, 5, 10))
    assert coverage(street, date(2021, 5, 10)).service == CoverageRate(53, 58)
    found = coverage(street, DAY)
    assert found.service.percent == Decimal("89.66")
    assert found.party_offices == CoverageRate(46, 46)


def test_a_narrow_contract_is_no_property_service(street):
    ServiceContract.objects.filter(code="P-A02").update(scope=["PK*"])
    assert coverage(street, DAY).service == CoverageRate(52, 58)


def test_an_area_is_served_when_each_of_its_compounds_is(street):
    ServiceContract.objects.filter(code="P-A13").update(area=None, compound=Compound.objects.get(name="六道口北里"))
    assert coverage(street, DAY).service == CoverageRate(52, 58)
    ServiceContract.objects.create(
        street=street,
        code="P-A13-2",
        kind="property",
        provider=Organisation.objects.get(code="po-a13"),
        compound=Compound.objects.get(name="六道口南里"),
        starts_on=date(2021, 1, 1),
    )
    assert coverage(street, DAY).service == CoverageRate(53, 58)


@pytest.mark.parametrize("mode", ["backstop", "emergency"])
def test_backstop_and_emergency_are_no_company_service(street, mode):
    ServiceContract.objects.filter(code="P-A02").update(mode=mode, starts_on=date(2021, 5, 1), ends_on=date(2021, 6, 1))
    found = coverage(street, DAY)
    assert (found.service, found.party_offices) == (CoverageRate(52, 58), CoverageRate(46, 46))


def test_a_dissolved_committee_leaves_the_committee_rate(street):
    Organisation.objects.filter(code="pmc-a01").update(dissolved_on=DAY)
    found = coverage(street, DAY)
    assert found.committee.percent == Decimal("91.38")
    assert found.party_committees == CoverageRate(53, 53)
    assert coverage(street, date(2021, 5, 10)).committee == CoverageRate(54, 58)


def test_a_committee_of_two_areas_is_reached_once(street):
    Area.objects.filter(code="A31").update(committee=Organisation.objects.get(code="pmc-a30"))
    found = coverage(street, DAY)
    assert found.committee == CoverageRate(55, 58)
    assert found.party_committees == CoverageRate(54, 54)


@pytest.mark.parametrize("code", ["pmc-a01", "po-a01"])
def test_a_body_that_the_party_does_not_reach_lowers_the_party_rate(street, code):
    Organisation.objects.filter(code=code).update(party_coverage="")
    assert coverage(street, DAY).party.percent == Decimal("99.01")


def test_another_streets_rows_are_not_counted(street):
    other = Street.objects.create(code="other", name="另一街道")
    committee = Organisation.objects.create(street=other, code="pmc", kind="pmc", name="另一物管会")
    area = Area.objects.create(street=other, code="A01", name="另一区域", residential_type="old", committee=committee)
    office = Organisation.objects.create(street=other, code="po", kind="project_office", name="另一项目部")
    ServiceContract.objects.create(
        street=other, code="P", kind="property", provider=office, area=area, starts_on=date(2021, 1, 1)
    )
    found = coverage(street, DAY)
    assert (found.service, found.committee, found.party) == (
        CoverageRate(53, 58),
        CoverageRate(54, 58),
        CoverageRate(101, 101),
    )
    found = coverage(other, DAY)
    assert (found.service, found.committee, found.party) == (CoverageRate(1, 1), CoverageRate(1, 1), CoverageRate(0, 2))


def test_half_a_hundredth_rounds_up():
    assert CoverageRate(1, 800).percent == Decimal("0.13")
    assert CoverageRate(1, 3).percent == Decimal("33.33")


def test_nothing_has_no_rate():
    found = coverage(Street.objects.create(code="new", name="新街道"), DAY)
    assert found.service == CoverageRate(0, 0)
    assert found.service.percent is None


def test_the_command_prints_the_rates():
    said = printed("coverage", "--street", "xueyuanlu", "--on", "2021-05-11")
    assert "学院路街道" in said
    for figures in ("53 / 58", "91.38 %", "54 / 58", "93.10 %", "47 / 47", "100.00 %"):
        assert figures in said


def test_the_command_knows_no_other_street():
    with pytest.raises(CommandError, match="没有这个街道"):
        call_command("coverage", "--street", "elsewhere")
