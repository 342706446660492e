"""Who can be chosen for a ticket, and whom routing proposes, with its reason."""

from dataclasses import replace

import pytest

from community.models import Organisation, OrganisationKind, ServiceContract
from community.serving import who_serves
from tests.statements import undone
from tickets.candidates import DEPARTMENTS, HERE, OTHERS, SPECIALISED, STREET, Candidates
from tickets.kind import TICKETS
from tickets.proposal import propose
from web.words import en, zh
from workflow.errors import InvalidInput

K = OrganisationKind


def read(scene, ticket, who="desk_officer"):
    actor = scene.actor(who)
    found = TICKETS.read(ticket, actor)
    return found, who_serves(compound_id=found.compound_id, street_id=found.street_id, at=actor.at), actor


def candidates(scene, ticket, who="desk_officer") -> Candidates:
    return Candidates.read(*read(scene, ticket, who))


def codes(found) -> set[str]:
    return set(Organisation.objects.filter(pk__in=[one.id for one in found]).values_list("code", flat=True))


def accepted(scene, ticket, name, field, **rest) -> set[str]:
    """The codes of the organisations that the move takes in this field."""
    found = set()
    for code in scene.codes:
        with undone():
            try:
                scene.attempt(
                    "desk_officer", ticket, name, **{field: [code] if field == "departments" else code, **rest}
                )
            except InvalidInput:
                continue
            found.add(code)
    return found


def committees_elsewhere() -> set[str]:
    kinds = (K.PMC, K.OWNERS_COMMITTEE, K.RESIDENTS_COMMITTEE)
    return set(
        Organisation.objects.filter(kind__in=kinds)
        .exclude(code__in=("pmc-a01", "rc-xuezhi"))
        .values_list("code", flat=True)
    )


def test_holders_are_all_whom_a_dispatch_accepts_but_the_committees_of_other_places(scene):
    ticket = scene.file("PK01")
    taken = accepted(scene, ticket, "dispatch", "holder")
    assert codes(candidates(scene, ticket).holders()) == taken - committees_elsewhere()
    assert "rc-xuezhi" not in taken
    assert "pmc-a01" in taken


def test_departments_are_all_whom_a_whistle_accepts(scene):
    ticket = scene.file("PK01")
    taken = accepted(scene, ticket, "whistle", "departments", reason="协助")
    assert codes(candidates(scene, ticket).departments()) == taken
    scene.do("desk_officer", ticket, "whistle", departments=["dept-police"], reason="协助")
    assert codes(candidates(scene, ticket).departments()) == taken - {"dept-police"}


def test_whom_a_ticket_accuses_and_where_nobody_is_cannot_be_chosen(scene):
    ticket = scene.file("SV01", type="complaint", accused_id=scene.codes["po-a01"])
    shown = codes(candidates(scene, ticket).found)
    assert "po-a01" not in shown
    assert "co-tianyueheng" not in shown
    assert "hotline-119" not in shown
    assert "po-a02" in shown


def test_who_serves_the_place_comes_first(scene):
    ticket = scene.file("PK01")
    found = candidates(scene, ticket).found
    groups = list(dict.fromkeys(one.group for one in found))
    assert groups == [HERE, STREET, DEPARTMENTS, SPECIALISED, OTHERS]
    assert {"po-a01", "pmc-a01", "rc-xuezhi", "title-a01"} <= codes([one for one in found if one.group is HERE])
    assert not any(one.elsewhere for one in candidates(scene, ticket).helpers())


@pytest.mark.parametrize(
    ("category", "party", "zh_words", "en_words"),
    [
        (
            "PK01",
            "po-a01",
            "本物业管理区域的物业服务由其承担（合同服务），服务范围不限事项。",
            "Property service for this area is theirs (Contracted); its scope is not limited.",
        ),
        (
            "PK02",
            "section-property",
            "“停车收费/调价争议”没有指定的承办单位，由街道承接。",
            "No organisation is named for Parking price dispute",
        ),
        ("SV07", "section-property", "属街道科室职责", "A duty of one of the street's own sections"),
    ],
)
def test_routing_proposes_a_holder_and_says_why(scene, category, party, zh_words, en_words):
    ticket, serving, _ = read(scene, scene.file(category))
    found = propose(ticket, serving)
    assert found is not None
    assert found.party.id == scene.codes[party]
    assert zh(found.reason) == zh_words
    assert en(found.reason).startswith(en_words)


def test_a_contract_for_some_matters_alone_is_named_with_its_scope(scene):
    ServiceContract.objects.filter(provider__code="po-a01", kind="property").update(scope=["PK*"])
    ticket, serving, _ = read(scene, scene.file("PK01"))
    found = propose(ticket, serving)
    assert found is not None
    assert zh(found.reason).endswith("服务范围包含“小区内车辆乱停/占位”。")
    ticket, serving, _ = read(scene, scene.file("CL03"))
    found = propose(ticket, serving)
    assert found is not None
    assert found.party.id == scene.codes["section-property"]
    assert zh(found.reason) == "无物业服务或不在服务范围，街道托底"


def test_the_accused_are_not_proposed(scene):
    ticket, serving, _ = read(scene, scene.file("SV01", type="complaint", accused_id=scene.codes["po-a01"]))
    found = propose(ticket, serving)
    assert found is not None
    assert found.party.id == scene.codes["section-property"]
    assert zh(found.reason) == "被反映的单位不能承办，由街道承接。"


def test_without_a_desk_nobody_is_proposed(scene):
    ticket, serving, _ = read(scene, scene.file("PK02"))
    assert propose(ticket, replace(serving, parties={}, services=())) is None
