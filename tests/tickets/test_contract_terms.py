"""Contract first, standard level second: whose limits a ticket gets, at its filing and whenever it passes to another."""

from datetime import timedelta

import pytest

from community.models import Organisation, ServiceContract
from community.models.contracts import LIMITED
from tests.tickets.story import clocks, row
from tickets.clocks import LEADS
from tickets.models import TicketClock

HOUR = timedelta(hours=1)
LIGHT = "RP04"


@pytest.fixture
def contract(db):
    """`contract("P-A01", standard=3)` changes that contract."""

    def change(code: str, **columns: object) -> None:
        assert ServiceContract.objects.filter(code=code).update(**columns) == 1

    return change


def limits(ticket, *names):
    """How long the clocks of these names run for the ticket, from its filing on."""
    filed, due = row(ticket).submitted_at, clocks(ticket)
    return tuple(due[name] - filed for name in names)


def budget(ticket):
    """The budget of the clock of whoever works on it."""
    return TicketClock.objects.live().get(subject=ticket["id"], name="handle").budget


def measured_by(ticket):
    return row(ticket).standard, row(ticket).contract_terms


def test_indoor_lighting_takes_what_the_contract_s_level_allows(api, contract):
    resident = api("resident")
    for standard, hours in ((0, 12), (1, 12), (2, 8), (3, 4)):
        contract("P-A01", standard=standard)
        ticket = resident.file(LIGHT)
        assert limits(ticket, "handle") == (hours * HOUR,)
        assert measured_by(ticket) == (standard, "")


def test_the_contract_s_own_terms_go_before_its_level(api, contract):
    contract("P-A01", standard=1, terms="handle:LIGHT-I=8h\r\ncontact:R2H=1h")
    ticket = api("resident").file(LIGHT)
    assert limits(ticket, "handle", "contact") == (8 * HOUR, HOUR)
    assert measured_by(ticket) == (1, "handle:LIGHT-I=8h contact:R2H=1h")
    # What they do not name goes by the level, and what that does not name by everybody's.
    outside = api("resident").file("RP05")
    assert limits(outside, "handle", "contact") == (12 * HOUR, HOUR)


def test_terms_reach_the_resident_s_own_due_moment(api, contract):
    contract("P-A01", terms="handle:LIGHT-I=8h")
    ticket = api("resident").file(LIGHT)
    assert row(ticket).due_at == row(ticket).submitted_at + 8 * HOUR


def test_the_street_s_own_sections_and_committees_have_no_contract(api, contract, compound):
    contract("B-X41", standard=3)
    contract("P-A01", standard=3)
    resident = api("resident")
    backstop = resident.file("CL03", compound=str(compound("地质大院北院")))
    for ticket, kind in ((backstop, "section"), (resident.file("NB02"), "residents_committee")):
        assert row(ticket).holder.kind == kind
        assert measured_by(ticket) == (0, "")


def test_a_maintainer_is_measured_by_its_own_contract_and_not_by_the_property_office_s(api, contract):
    contract("P-A01", standard=3, terms="contact:R30M=5m")
    contract("L-STREET", terms="arrive:R30M=20m")
    ticket = api("resident").file("EL01", spot="3号楼")
    assert row(ticket).holder.kind == "maintainer"
    assert limits(ticket, "arrive", "contact") == (HOUR / 3, HOUR / 2)
    assert measured_by(ticket) == (0, "arrive:R30M=20m")


def test_an_office_without_people_leaves_its_contract_to_its_head_office(api, contract):
    home = api("resident_unstaffed").person.residencies.get(ends_on=None).compound
    assert ServiceContract.objects.filter(area=home.area, kind="property").update(standard=3) == 1
    ticket = api("resident_unstaffed").file(LIGHT)
    assert row(ticket).holder.kind == "company"
    assert measured_by(ticket) == (3, "")


def test_a_dispatch_and_a_redispatch_take_the_contract_of_whoever_gets_the_ticket(api, contract, organisation):
    contract("P-A01", standard=2, terms="handle:D7=3d")
    chair, officer = api("chair"), api("property_officer")
    office, company = organisation("天岳恒学院路14号院项目部"), organisation("北京净邻保洁服务有限公司")
    ticket = api("resident").file("PK01")
    assert measured_by(ticket) == (0, "")
    ticket = chair.move(ticket, "dispatch", holder=office)
    assert measured_by(ticket) == (2, "handle:D7=3d")
    assert budget(ticket) == "3d"
    # A firm that has no contract here is measured as everybody is.
    ticket = officer.move(ticket, "redispatch", holder=company, reason="先清理。")
    assert measured_by(ticket) == (0, "")
    assert budget(ticket) == "7d"
    officer.move(ticket, "redispatch", holder=office, reason="改回。")
    assert (measured_by(ticket), budget(ticket)) == ((2, "handle:D7=3d"), "3d")


def test_each_step_is_measured_by_the_contract_of_its_own_lead(api, contract, organisation):
    contract("P-A01", standard=2)
    chair, cleaner = api("chair"), api("cleaner")
    office, company = organisation("天岳恒学院路14号院项目部"), organisation("北京净邻保洁服务有限公司")
    ticket = api("resident").file("CL06")
    chair.move(ticket, "dispatch", holder=company, next_steps=[office])
    assert measured_by(ticket) == (0, "")
    cleaner.move(ticket, "sign")
    cleaner.move(ticket, "contact", result="reached")
    cleaner.move(ticket, "complete_step", result="已清扫。", photos=[cleaner.photo()])
    assert row(ticket).holder_id == Organisation.objects.get(code="po-a01").pk
    assert measured_by(ticket) == (2, "")


def test_a_contract_limits_the_clocks_of_whoever_leads():
    assert set(LIMITED) == LEADS


def test_a_change_of_the_contract_leaves_what_runs_alone(api, contract):
    ticket = api("resident").file(LIGHT)
    contract("P-A01", standard=3)
    assert limits(ticket, "handle") == (12 * HOUR,)
    api("dispatcher").move(ticket, "sign")
    assert limits(ticket, "handle") == (12 * HOUR,)
    assert measured_by(ticket) == (0, "")
