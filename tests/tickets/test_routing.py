"""Where reports go: by what they are about and who serves the place, and when whoever should take them is missing or accused."""

from dataclasses import dataclass

import pytest
from django.utils import timezone

from community.models import Membership, Organisation, ServiceContract
from tests.people import seat
from tests.tickets.story import history, queued, row, seen
from tickets.models import Ticket
from tickets.routing import rules, written
from web.words import zh

pytestmark = pytest.mark.django_db
COMMITTEE, PROVIDER = "学院路14号院物业管理委员会", "天岳恒学院路14号院项目部"


def rule(ticket) -> str:
    """The rule by which the ticket was routed."""
    return history(ticket)[0].data["rule"]


# The matrix of docs/rules.md, written down apart from the rules. The place is that of one of the cast, or the street's public ground.
# `missing` names contracts (by their kind) or organisations that are not there or have nobody.
# place | category | type | missing | accused -> rule | state | who has it
MATRIX = """
resident             | CL03 | help       |                            |                  | direct              | dispatched   | po-a01
resident             | SV04 | help       |                            |                  | direct              | dispatched   | po-a01
resident             | PK01 | help       |                            |                  | coordinated         | coordinating | pmc-a01
resident             | SV01 | complaint  |                            |                  | coordinated         | coordinating | pmc-a01
resident             | PK02 | help       |                            |                  | committee           | coordinating | pmc-a01
resident             | EL03 | help       |                            |                  | committee           | coordinating | pmc-a01
resident             | RP01 | help       |                            |                  | urgent              | dispatched   | po-a01
resident             | RP08 | help       |                            |                  | urgent              | dispatched   | po-a01
resident             | EL01 | help       |                            |                  | served              | dispatched   | lift-shengan
resident             | UT01 | help       |                            |                  | served              | dispatched   | utility-water
resident             | FS04 | help       |                            |                  | hotline             | dispatched   | po-a01
resident             | TR03 | help       |                            |                  | department          | coordinating | section-desk
resident             | NB06 | help       |                            |                  | department          | coordinating | section-desk
resident             | IL01 | help       |                            |                  | section             | dispatched   | section-enforcement
resident             | SV06 | help       |                            |                  | section             | dispatched   | section-property
resident             | NB02 | help       |                            |                  | residents_committee | dispatched   | rc-xuezhi
resident             | CL03 | suggestion |                            |                  | question            | submitted    | section-desk
resident             | PK01 | consult    |                            |                  | question            | submitted    | section-desk
resident             | EL01 | consult    |                            |                  | served              | dispatched   | lift-shengan
resident             | CL03 | report     |                            |                  | report              | coordinating | section-property
resident             | IL01 | report     |                            |                  | report              | coordinating | section-property
resident             | IL01 | report     | section-property office    |                  | report_desk         | submitted    | section-desk
resident             | SV01 | report     |                            |                  | accused             | coordinating | section-property
resident             | PK01 | report     |                            | pmc-a01          | accused             | coordinating | section-property
resident             | IL01 | report     |                            | section-property | accused_task_force  | coordinating | section-desk
resident             | EL01 | help       | lift                       |                  | unserved_urgent     | dispatched   | po-a01
resident             | UT04 | help       | utility                    |                  | unserved_urgent     | dispatched   | po-a01
resident             | EL01 | help       | lift property              |                  | backstop_urgent     | dispatched   | section-property
resident             | UT07 | help       | utility                    |                  | last_resort         | submitted    | section-desk
resident             | IL01 | help       | section-enforcement office |                  | last_resort         | submitted    | section-desk
resident             | RP01 | help       | property                   |                  | backstop            | dispatched   | section-property
resident             | CL03 | help       | property                   |                  | backstop            | dispatched   | section-property
resident             | FS04 | help       | property                   |                  | hotline_public      | coordinating | section-safety
resident             | PK01 | help       | pmc-a01                    |                  | uncoordinated       | coordinating | section-property
resident             | PK02 | help       | pmc-a01                    |                  | uncoordinated       | coordinating | section-property
resident_unstaffed   | CL03 | help       |                            |                  | direct              | dispatched   | co-yinxingshu
resident_quasi       | SV04 | help       |                            |                  | direct              | dispatched   | co-shouwang
resident_quasi       | CL03 | help       |                            |                  | backstop            | dispatched   | section-property
resident_quasi       | RP01 | help       |                            |                  | backstop            | dispatched   | section-property
resident_quasi       | PK01 | help       |                            |                  | uncoordinated       | coordinating | section-property
resident_quasi       | SV04 | report     |                            |                  | accused             | coordinating | section-property
resident_quasi       | SV01 | report     |                            |                  | report              | coordinating | section-property
resident_backstop    | CL03 | help       |                            |                  | direct              | dispatched   | section-property
resident_backstop    | RP01 | help       |                            |                  | urgent              | dispatched   | section-property
resident_backstop    | PK01 | help       |                            |                  | coordinated         | coordinating | pmc-a28
resident_emergency   | CL03 | help       |                            |                  | direct              | dispatched   | po-a12
resident_emergency   | RP01 | help       |                            |                  | urgent              | dispatched   | po-a12
resident_emergency   | PK01 | help       |                            |                  | coordinated         | coordinating | pmc-a40
resident_uncommitted | CL03 | help       |                            |                  | direct              | dispatched   | po-a31
resident_uncommitted | PK01 | help       |                            |                  | uncoordinated       | coordinating | section-property
resident_uncommitted | RP10 | help       |                            |                  | uncoordinated       | coordinating | section-property
street               | TR01 | help       |                            |                  | department          | coordinating | section-desk
street               | CL03 | help       |                            |                  | public_place        | coordinating | section-desk
street               | RP01 | help       |                            |                  | public_place        | coordinating | section-desk
street               | NB02 | help       |                            |                  | public_place        | coordinating | section-desk
street               | FS04 | help       |                            |                  | hotline_public      | coordinating | section-safety
street               | IL01 | help       |                            |                  | section             | dispatched   | section-enforcement
"""  # noqa: E501


@dataclass(frozen=True)
class Case:
    """One line of the matrix."""

    place: str
    category: str
    type: str
    missing: str
    accused: str
    rule: str
    state: str
    party: str


CASES = [Case(*(cell.strip() for cell in line.split("|"))) for line in MATRIX.strip().splitlines()]


def test_a_new_version_begins_with_the_rules_as_they_are_numbered_from_one():
    found = written()
    assert [(one.position, one.name) for one in found] == list(enumerate((one.name for one in rules()), start=1))
    assert [str(one.reason_zh) for one in found] == [zh(one.reason) for one in rules()]


def test_the_matrix_has_a_case_for_every_rule():
    assert {one.rule for one in CASES} == {one.name for one in rules()} | {"last_resort"}


@pytest.mark.parametrize(
    "case", CASES, ids=lambda one: "-".join([one.place, one.category, one.type, *one.missing.split()])
)
def test_a_report_goes_where_the_matrix_says(scene, street, case):
    for one in case.missing.split():
        contracts, members = ServiceContract.objects.filter(kind=one), Membership.objects.filter(organisation__code=one)
        assert contracts.delete()[0] + members.delete()[0] > 0
    scene.now = timezone.now()
    who = "resident" if case.place == "street" else case.place
    place = (
        {"street_id": street.pk}
        if case.place == "street"
        else {"compound_id": scene.cast[who].residencies.get(ends_on=None).compound_id}
    )
    accused = {"accused_id": scene.codes[case.accused]} if case.accused else {}
    ticket = Ticket.objects.get(pk=scene.file(case.category, who=who, type=case.type, **place, **accused))
    party = {"dispatched": ticket.holder_id, "coordinating": ticket.coordinator_id, "submitted": ticket.desk_id}
    code = Organisation.objects.get(pk=party[ticket.state]).code
    assert (rule({"id": ticket.pk}), ticket.state, code) == (case.rule, case.state, case.party)


@pytest.mark.parametrize(
    ("category", "type_", "missing", "accused", "alarms"),
    [
        ("CL03", "help", "", "", None),
        ("EL01", "help", "lift property", "", ["missing:maintainer:lift", "missing:provider"]),
        ("IL01", "report", "", "section-property", ["accused:section:property"]),
        ("PK01", "help", "pmc-a01", "", ["unstaffed:committee:{pmc-a01}"]),
    ],
)
def test_whoever_should_have_taken_it_is_named_in_the_order_of_the_rules(
    scene, category, type_, missing, accused, alarms
):
    for one in missing.split():
        ServiceContract.objects.filter(kind=one).delete()
        Membership.objects.filter(organisation__code=one).delete()
    scene.now = timezone.now()
    home = scene.cast["resident"].residencies.get(ends_on=None).compound_id
    against = {"accused_id": scene.codes[accused]} if accused else {}
    ticket = scene.file(category, who="resident", type=type_, compound_id=home, **against)
    names = {code: str(pk) for pk, code in Organisation.objects.filter(code="pmc-a01").values_list("pk", "code")}
    expected = alarms and [one.format_map(names) for one in alarms]
    assert history(ticket)[0].data.get("alarms") == expected


# Urgent, and the specialised company is missing.


@pytest.mark.parametrize(("category", "kind"), [("EL01", "lift"), *((f"UT0{n}", "utility") for n in (1, 3, 4, 6))])
def test_what_is_urgent_goes_to_the_provider_where_the_specialised_company_is_missing(
    api, organisation, category, kind
):
    ServiceContract.objects.filter(kind=kind).delete()
    ticket = api("resident").file(category)
    assert (ticket["state"], ticket["holder"]) == ("dispatched", organisation(PROVIDER))
    assert rule(ticket) == "unserved_urgent"
    assert queued(api("chair"), ticket) == "copy"


def test_what_is_urgent_is_the_street_s_where_the_provider_is_missing_as_well(api, organisation):
    ServiceContract.objects.filter(kind__in=["lift", "property"]).delete()
    ticket = api("resident").file("EL01")
    assert (ticket["state"], ticket["holder"]) == ("dispatched", organisation("物业专班"))
    assert rule(ticket) == "backstop_urgent"


def test_a_question_about_people_in_a_lift_is_no_question(api, organisation):
    ticket = api("resident").file("EL01", type="consult")
    assert ticket["holder"] == organisation("北京升安电梯维保有限公司")
    assert api("resident").file("SV01", type="consult")["state"] == "submitted"


def test_what_is_urgent_is_not_coordinated_for_days(api, street):
    ticket = row(api("resident").file("TR02", street=str(street.pk)))
    assert ticket.state == "coordinating"
    assert (ticket.next_due_at - ticket.state_since).total_seconds() == 15 * 60


# Reports of wrongdoing.


@pytest.mark.parametrize("category", ["IL01", "CL03", "SV01", "PK05", "EL01"])
def test_a_report_never_falls_through_to_a_company(api, organisation, category):
    Membership.objects.filter(organisation__function="property").delete()
    Membership.objects.filter(organisation__kind="street_office").delete()
    ticket = api("resident").file(category, type="report")
    now = row(ticket)
    assert now.holder_id is None
    assert str(now.coordinator_id or now.desk_id) == organisation("市民诉求处置中心")


def test_a_report_that_names_nobody_is_not_the_committees(api):
    ticket = api("resident").file("IL01", type="report", text="三层露台加盖阳光房。")
    for key in ("chair", "member", "residents_committee_worker"):
        assert seen(api(key), ticket) is None
    listed = api("chair").get("tickets", scope="area", limit=100, q="加盖阳光房")["results"]
    assert listed == []
    assert seen(api("property_officer"), ticket)


def test_a_report_goes_back_to_the_street_and_not_to_the_committee(api, organisation):
    officer = api("property_officer")
    ticket = api("resident").file("IL01", type="report")
    officer.move(ticket, "dispatch", holder=organisation("综合行政执法队"))
    assert officer.move(ticket, "coordinate", reason="需要协调。")["coordinator"] == organisation("物业专班")


@pytest.mark.parametrize(
    ("category", "report", "accused"),
    [
        ("SV01", {"type": "report"}, PROVIDER),
        ("SV01", {"type": "complaint", "secrecy": "confidential"}, PROVIDER),
        ("SV06", {"type": "complaint", "secrecy": "anonymous"}, PROVIDER),
        ("SV05", {"type": "report"}, COMMITTEE),
        ("SV07", {"type": "report"}, COMMITTEE),
        ("SV07", {"type": "complaint", "secrecy": "confidential"}, COMMITTEE),
        ("SV01", {"type": "complaint"}, None),
        ("IL01", {"type": "report"}, None),
    ],
)
def test_whom_a_report_that_names_nobody_is_against(api, organisation, category, report, accused):
    ticket = row(api("resident").file(category, **report))
    named = {str(one) for one in ticket.accused}
    assert organisation(accused) in named if accused else named == set()
    if accused:
        assert ticket.state == "coordinating"
        assert ticket.coordinator.name == "物业专班"
        assert seen(api("chair"), {"id": ticket.pk}) is None


def test_a_provider_whose_scope_lacks_the_matter_is_not_accused(api):
    assert row(api("resident_quasi").file("SV01", type="report")).accused == []
    assert row(api("resident_quasi").file("SV04", type="report")).accused != []


# Setting right whom it is against.


def test_the_street_says_afterwards_whom_a_report_is_against(api, organisation):
    officer = api("property_officer")
    ticket = api("resident").file("PK01")
    assert seen(api("chair"), ticket)
    officer.move(ticket, "correct", accused=organisation(COMMITTEE), reason="反映物管会收费。")
    now = row(ticket)
    assert [str(one) for one in now.accused] == [organisation(COMMITTEE)]
    assert now.coordinator.name == "物业专班"
    assert seen(api("chair"), ticket) is None
    assert seen(api("residents_committee_worker"), ticket) is None
    assert officer.move(ticket, "dispatch", 400, holder=organisation(COMMITTEE))["errors"][0]["code"] == "accused"


def test_an_accused_section_leaves_the_ticket_to_another(api, organisation):
    ticket = api("resident").file("IL01", type="report")
    assert row(ticket).coordinator.name == "物业专班"
    api("desk_officer").move(ticket, "correct", accused=organisation("物业专班"), reason="反映专班。")
    now = row(ticket)
    assert now.coordinator.name == now.desk.name == "市民诉求处置中心"
    assert seen(api("property_officer"), ticket) is None


def test_whoever_holds_it_is_not_accused_before_it_gives_the_ticket_up(api, organisation):
    officer, dispatcher = api("property_officer"), api("dispatcher")
    ticket = api("resident").file("CL03")
    dispatcher.move(ticket, "return", reason="不归我们。")
    accused = {"accused": organisation(PROVIDER), "reason": "反映项目部。"}
    assert officer.move(ticket, "correct", 400, **accused)["errors"][0]["code"] == "holds_it"
    officer.move(ticket, "uphold")
    officer.move(ticket, "correct", **accused)
    assert seen(dispatcher, ticket) is None


def test_a_member_of_the_accused_who_cosigned_follows_it_no_longer(api, organisation):
    ticket, neighbour = api("resident").file("PK01"), api("neighbour")
    neighbour.move(ticket, "cosign")
    committee = Ticket.objects.get(pk=ticket["id"]).committee
    seat(neighbour.person, committee, "member")
    api("property_officer").move(ticket, "correct", accused=str(committee.pk), reason="反映物管会。")
    assert seen(neighbour, ticket) is None
    assert neighbour.get("tickets", scope="followed")["results"] == []


def test_a_place_is_set_right_to_public_ground(api, street):
    ticket = api("resident").file("PK01")
    api("desk_officer").move(ticket, "correct", compound=None, reason="在小区外的路上。")
    now = row(ticket)
    assert (now.compound_id, now.area_id, now.committee_id) == (None, None, None)
    assert now.coordinator_id == now.desk_id
    assert now.desk.function == "desk"
